package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// ErrInjected is wrapped by every error that a Faulty makes up, besides the class
// that the contract asks for.
var ErrInjected = errors.New("injected by the plan")

// Faulty makes any store fail as databases fail. Before each operation it asks a
// Plan what is to happen to it.
//
// It is safe for concurrent use. Its plan is asked by one goroutine at a time, so
// what happens follows from the plan and from the order of the calls alone.
type Faulty struct {
	// static after construction
	inner presence.Store
	plan  Plan

	mu    sync.Mutex
	calls int
	late  []lateWrite // in the order of their calls
}

// NewFaulty returns inner, failing by plan.
func NewFaulty(inner presence.Store, plan Plan) *Faulty {
	return &Faulty{inner: inner, plan: plan}
}

// Store returns the faulty contracts. The Recorder is the one of the inner store and
// fails as a whole, like a store that records in one commit: before it, or after.
func (f *Faulty) Store() presence.Store {
	s := presence.Store{
		Log:       faultyLog{f},
		Recorder:  faultyRecorder{f},
		Online:    faultyOnline{f},
		Nodes:     faultyNodes{f},
		Past:      faultyPast{f},
		Snapshots: faultySnapshots{f},
		Kicks:     faultyKicks{f},
		Hooks:     faultyHooks{f},
		Exclusive: f.inner.Exclusive,

		Retention:  faultyRetention{f},
		Forgetting: faultyForgetting{f},
	}
	if f.inner.Kicks == nil {
		s.Kicks = nil
	}
	if f.inner.Hooks == nil {
		s.Hooks = nil
	}
	return s
}

// TwoSteps returns the faulty contracts with presence.TwoStep over the faulty Log
// and the faulty Online, so that a record can fail between its steps and inside them.
func (f *Faulty) TwoSteps() presence.Store {
	s := f.Store()
	s.Recorder = presence.TwoStep(s.Log, s.Online)
	return s
}

// lateWrite is a write whose caller was told Unavailable, and that is still to come.
type lateWrite struct {
	due   int // it executes just before this call, counted from 0; never if it is -1
	write func()
}

// Release executes the writes that are late, in the order of their calls, and
// returns how many there were.
func (f *Faulty) Release() int {
	f.mu.Lock()
	late := f.late
	f.late = nil
	f.mu.Unlock()
	for _, l := range late {
		l.write()
	}
	return len(late)
}

// Calls returns how many operations were called.
func (f *Faulty) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// operation is one call: the whole of it, and what its first n parts would be. An
// operation that is done at once or not at all, in every store, has no parts.
type operation struct {
	Call
	whole func(context.Context) (int, error)
	part  func(ctx context.Context, n int) (int, error)
}

// do makes a call by the plan, and returns how many of its parts are acknowledged.
func (f *Faulty) do(ctx context.Context, o operation) (int, error) {
	action := f.begin(ctx, &o)
	switch action.Fault {
	case Pass:
		return o.whole(ctx)
	case After:
		_, _ = o.whole(ctx) // nobody will hear how it went
		return 0, o.fails(events.ErrUnavailable)
	case Partial:
		return f.doPart(ctx, o, action)
	case Refused:
		return 0, o.fails(events.ErrRefused)
	case Block:
		<-ctx.Done()
		return 0, fmt.Errorf("%w: %w", o.fails(events.ErrUnavailable), context.Cause(ctx))
	case Before, Late:
	}
	return 0, o.fails(events.ErrUnavailable)
}

func (f *Faulty) doPart(ctx context.Context, o operation, a Action) (int, error) {
	if o.part == nil || a.Part <= 0 {
		return 0, o.fails(events.ErrUnavailable)
	}
	n, _ := o.part(ctx, a.Part)
	// Never all of them: that is what no error means.
	return max(0, min(n, a.Known, o.Len-1)), o.fails(events.ErrUnavailable)
}

// begin asks the plan about o, and executes the late writes that are due before it.
func (f *Faulty) begin(ctx context.Context, o *operation) Action {
	f.mu.Lock()
	o.N = f.calls
	f.calls++
	action := f.plan(o.Call)
	due := f.takeDue(o.N)
	if action.Fault == Late && !o.Op.reads() {
		f.late = append(f.late, o.later(ctx, action))
	}
	f.mu.Unlock()
	for _, l := range due {
		l.write()
	}
	return action
}

// takeDue takes the late writes that execute before call n. f.mu is held.
func (f *Faulty) takeDue(n int) (due []lateWrite) {
	kept := f.late[:0]
	for _, l := range f.late {
		if l.due >= 0 && l.due <= n {
			due = append(due, l)
		} else {
			kept = append(kept, l)
		}
	}
	f.late = kept
	return due
}

// later is o, to be executed when its caller has long gone.
func (o operation) later(ctx context.Context, a Action) lateWrite {
	ctx = context.WithoutCancel(ctx)
	l := lateWrite{due: -1, write: func() { _, _ = o.whole(ctx) }}
	if a.Delay > 0 {
		l.due = o.N + a.Delay
	}
	return l
}

// fails is the error of an injected fault.
func (o operation) fails(class error) error {
	return fmt.Errorf("%w: %s, call %d: %w", class, o.Op, o.N, ErrInjected)
}
