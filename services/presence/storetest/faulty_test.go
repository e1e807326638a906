package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

func TestFaulty_that_is_calm_keeps_the_contracts(t *testing.T) {
	Run(t, func(*testing.T) presence.Store { return NewFaulty(NewMemory().Store(), Calm).Store() })
}

func TestFaulty_that_is_calm_keeps_the_contracts_in_two_steps(t *testing.T) {
	Run(t, func(*testing.T) presence.Store { return NewFaulty(NewMemory().Store(), Calm).TwoSteps() })
}

// mustBeInjected fails unless err is an injected one of the class.
func mustBeInjected(t tester, err, class error) {
	t.Helper()
	mustBe(t, err, class)
	mustBe(t, err, ErrInjected)
}

// broken is a store with a stream of 4 events, recorded, of which the next run is
// appended while one action happens to it.
func broken(a Action) (f *Faulty, inner presence.Store, run []events.Event) {
	inner = NewMemory().Store()
	f = NewFaulty(inner, Only(Sequence(a), LogAppend))
	return f, inner, life("n1", 1, 10)
}

func TestFaulty_Append_meets_each_fault(t *testing.T) {
	for name, c := range map[string]struct {
		action Action
		class  error
		n      int // acknowledged
		there  int // events in the log
	}{
		"before":                 {Action{Fault: Before}, events.ErrUnavailable, 0, 0},
		"after":                  {Action{Fault: After}, events.ErrUnavailable, 0, 10},
		"partial, none known":    {Action{Fault: Partial, Part: 3}, events.ErrUnavailable, 0, 3},
		"partial, some known":    {Action{Fault: Partial, Part: 3, Known: 2}, events.ErrUnavailable, 2, 3},
		"partial, all known":     {Action{Fault: Partial, Part: 3, Known: 30}, events.ErrUnavailable, 3, 3},
		"partial, all and more":  {Action{Fault: Partial, Part: 30}, events.ErrUnavailable, 0, 10},
		"partial, all, known":    {Action{Fault: Partial, Part: 30, Known: 30}, events.ErrUnavailable, 9, 10},
		"partial, nothing of it": {Action{Fault: Partial, Known: 2}, events.ErrUnavailable, 0, 0},
		"refused":                {Action{Fault: Refused}, events.ErrRefused, 0, 0},
		"late":                   {Action{Fault: Late}, events.ErrUnavailable, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f, inner, run := broken(c.action)
			n, err := f.Store().Log.Append(t.Context(), run)
			mustBeInjected(t, err, c.class)
			mustCount(t, n, c.n)
			mustHold(t, inner.Log, run[0].ID.Stream, run[:c.there])
		})
	}
}

func TestFaulty_Late_executes_at_Release(t *testing.T) {
	f, inner, run := broken(Action{Fault: Late})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := f.Store().Log.Append(ctx, run[:4])
	mustBeInjected(t, err, events.ErrUnavailable)
	cancel() // its caller has long gone
	run[3].User = "mallory"

	for range 2 * maxDelay {
		_, err := f.Store().Nodes.All(t.Context())
		must(t, err)
	}
	mustHold(t, inner.Log, run[0].ID.Stream, nil)
	mustCount(t, f.Release(), 1)
	mustHold(t, inner.Log, run[0].ID.Stream, life("n1", 1, 4))
	mustCount(t, f.Release(), 0)
}

func TestFaulty_Late_executes_before_a_later_call(t *testing.T) {
	f, inner, run := broken(Action{Fault: Late, Delay: 2})
	s := f.Store()
	_, err := s.Log.Append(t.Context(), run[:4])
	mustBeInjected(t, err, events.ErrUnavailable)
	_, err = s.Log.Tail(t.Context(), run[0].ID.Stream)
	mustBe(t, err, events.ErrNotFound)
	tail, err := s.Log.Tail(t.Context(), run[0].ID.Stream)
	must(t, err)
	mustEqual(t, []events.Event{tail}, run[3:4])
	mustCount(t, f.Release(), 0)
	mustCount(t, f.Calls(), 3)
	mustHold(t, inner.Log, run[0].ID.Stream, run[:4])
}

// TestFaulty_Late_arrives_behind_its_repetition is the straggler of the design: the
// repeated try is there first, and the first one finds its position taken.
func TestFaulty_Late_arrives_behind_its_repetition(t *testing.T) {
	f, inner, run := broken(Action{Fault: Late, Delay: 2})
	s := f.TwoSteps()
	_, err := s.Recorder.Record(t.Context(), run[:4])
	mustBeInjected(t, err, events.ErrUnavailable)
	mustRecord(t, s.Recorder, run[:4])
	mustRecord(t, s.Recorder, run[4:])
	mustCount(t, f.Release(), 0)
	mustHoldAndShow(t, inner, run)
}

func TestFaulty_Block_answers_when_the_context_ends(t *testing.T) {
	f, inner, run := broken(Action{Fault: Block})
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error)
	go func() {
		_, err := f.Store().Log.Append(ctx, run)
		answer <- err
	}()
	select {
	case err := <-answer:
		t.Fatalf("an answer, %v, before the context ended", err)
	default:
	}
	cancel()
	err := <-answer
	mustBeInjected(t, err, events.ErrUnavailable)
	mustBe(t, err, context.Canceled)
	mustHold(t, inner.Log, run[0].ID.Stream, nil)
}

func TestFaulty_reads_meet_faults(t *testing.T) {
	run := life("n1", 1, 4)
	reads := map[Op]func(presence.Store) error{
		LogRead:    func(s presence.Store) error { _, err := s.Log.Read(t.Context(), run[0].ID, 9); return err },
		LogTail:    func(s presence.Store) error { _, err := s.Log.Tail(t.Context(), run[0].ID.Stream); return err },
		LogHighest: func(s presence.Store) error { _, err := s.Log.Highest(t.Context(), "n1"); return err },
		LogStreams: func(s presence.Store) error { _, err := s.Log.Streams(t.Context(), events.Stream{}, 9); return err },
		OnlineOfStream: func(s presence.Store) error {
			_, err := s.Online.OfStream(t.Context(), run[0].ID, 9)
			return err
		},
		OnlineStreams: func(s presence.Store) error { _, err := s.Online.Streams(t.Context()); return err },
		OnlineUsers: func(s presence.Store) error {
			_, err := s.Online.Users(t.Context(), presence.UserQuery{Limit: 9})
			return err
		},
		NodesAll: func(s presence.Store) error { _, err := s.Nodes.All(t.Context()); return err },
	}
	for op := LogAppend; op <= NodesAll; op++ {
		read, ok := reads[op]
		if op.reads() != ok {
			t.Fatalf("%s reads: %t, and has a test: %t", op, op.reads(), ok)
		}
		if !ok {
			continue
		}
		for fault := Before; fault <= Late; fault++ {
			inner := NewMemory().Store()
			mustRecord(t, inner.Recorder, run)
			f := NewFaulty(inner, Only(Sequence(Action{Fault: fault, Part: 1, Known: 1}), op))
			class := events.ErrUnavailable
			if fault == Refused {
				class = events.ErrRefused
			}
			mustBeInjected(t, read(f.Store()), class)
			mustCount(t, f.Release(), 0) // a read is never late
			must(t, read(f.Store()))
		}
	}
}

func TestFaulty_Apply_and_DropStream_have_parts(t *testing.T) {
	run := life("n1", 1, 9)
	stream, all := run[0].ID.Stream, connections(run...)
	inner := NewMemory().Store()
	part := func(n int) Action { return Action{Fault: Partial, Part: n} }
	s := NewFaulty(inner, Only(Sequence(part(2), part(7), part(3)), OnlineApply, OnlineDropStream)).Store()

	mustBeInjected(t, s.Online.Apply(t.Context(), all[:5], nil), events.ErrUnavailable)
	mustShow(t, inner.Online, stream, all[:2])
	remove := []events.Position{all[0].ID, all[1].ID, all[2].ID}
	mustBeInjected(t, s.Online.Apply(t.Context(), all[2:], remove), events.ErrUnavailable)
	mustShow(t, inner.Online, stream, all[1:])
	mustBeInjected(t, s.Online.DropStream(t.Context(), stream), events.ErrUnavailable)
	mustShow(t, inner.Online, stream, all[4:])
}

func TestFaulty_Record_is_whole(t *testing.T) {
	for fault, there := range map[Fault]int{Before: 2, After: 6, Partial: 2, Refused: 2, Late: 2} {
		inner := NewMemory().Store()
		run := life("n1", 1, 6)
		mustRecord(t, inner.Recorder, run[:2])
		f := NewFaulty(inner, Sequence(Action{Fault: fault, Part: 3, Known: 2}))
		n, err := f.Store().Recorder.Record(t.Context(), run[2:])
		mustBe(t, err, ErrInjected)
		mustCount(t, n, 0)
		mustHoldAndShow(t, inner, run[:there])
		mustRecord(t, f.Store().Recorder, run[2:])
		mustHoldAndShow(t, inner, run)
	}
}

func TestFaulty_Nodes_meet_faults(t *testing.T) {
	inner := NewMemory().Store()
	s := NewFaulty(inner, Sequence(
		Action{Fault: Before}, Action{Fault: After}, // Join
		Action{Fault: Partial, Part: 1}, Action{Fault: After}, // Beat
		Action{Fault: Refused}, Action{Fault: After}, // Remove
	)).Store()
	n := member("n1", 1, 1)
	mustBeInjected(t, s.Nodes.Join(t.Context(), n), events.ErrUnavailable)
	mustMeet(t, inner.Nodes)
	mustBeInjected(t, s.Nodes.Join(t.Context(), n), events.ErrUnavailable)
	mustMeet(t, inner.Nodes, n)
	mustBeInjected(t, s.Nodes.Beat(t.Context(), member("n1", 1, 2), 1), events.ErrUnavailable)
	mustMeet(t, inner.Nodes, n)
	mustBeInjected(t, s.Nodes.Beat(t.Context(), member("n1", 1, 2), 1), events.ErrUnavailable)
	mustMeet(t, inner.Nodes, member("n1", 1, 2))
	mustBeInjected(t, s.Nodes.Remove(t.Context(), n.Stream), events.ErrRefused)
	mustMeet(t, inner.Nodes, member("n1", 1, 2))
	mustBeInjected(t, s.Nodes.Remove(t.Context(), n.Stream), events.ErrUnavailable)
	mustMeet(t, inner.Nodes)
}

// TestFaulty_records_converge repeats each run until it is recorded, through faults
// at random, and finds in the end the log that was to be, and online its fold (I6):
// for the general recorder, but for projections that execute when their caller has
// gone on, which only a reconcile mends; and for one that commits once, with those too.
func TestFaulty_records_converge(t *testing.T) {
	rates := Rates{Before: 0.1, After: 0.1, Partial: 0.2, Refused: 0.05, Late: 0.15}
	calm := rates
	calm.Late = 0
	for name, store := range map[string]func(*Faulty) presence.Store{"one commit": (*Faulty).Store, "two steps": (*Faulty).TwoSteps} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				seed := rapid.Uint64().Draw(rt, "seed")
				logs, projections := Random(seed, rates), Random(seed+1, calm)
				inner := NewMemory().Store()
				f := NewFaulty(inner, func(c Call) Action {
					if c.Op == OnlineApply {
						return projections(c)
					}
					return logs(c)
				})
				m := &model{script: newScript("n1", 1), open: make(map[string]events.Event)}
				all := []events.Event{m.script.opened()}
				persist(rt, store(f).Recorder, all)
				for range rapid.IntRange(1, 6).Draw(rt, "runs") {
					run := m.run(rt)
					persist(rt, store(f).Recorder, run)
					all = append(all, run...)
					mustShow(rt, inner.Online, m.script.stream, m.connections())
				}
				f.Release()
				mustHoldAndShow(rt, inner, all)
			})
		})
	}
}

// persist records a run as its owner does: again and again, from n.
func persist(t tester, r presence.Recorder, run []events.Event) {
	t.Helper()
	for {
		n, err := r.Record(t.Context(), run)
		if run = run[n:]; err == nil {
			mustCount(t, len(run), 0)
			return
		}
		mustBe(t, err, ErrInjected)
	}
}

func TestRandom_same_seed_same_faults(t *testing.T) {
	rates := Rates{Before: 0.1, After: 0.1, Partial: 0.2, Refused: 0.1, Late: 0.2}
	const calls = 2000
	plan := func(seed uint64) (all []Action, count map[Fault]int) {
		p := Random(seed, rates)
		count = make(map[Fault]int)
		for i := range calls {
			a := p(Call{Op: LogAppend, N: i, Len: 10})
			if a.Part < 0 || a.Part > 10 || a.Known < 0 || a.Known > a.Part || a.Delay < 0 || a.Delay >= maxDelay {
				t.Fatalf("%+v is out of bounds", a)
			}
			all = append(all, a)
			count[a.Fault]++
		}
		return all, count
	}
	first, count := plan(7)
	again, _ := plan(7)
	mustEqual(t, again, first)
	if other, _ := plan(8); slices.Equal(first, other) {
		t.Fatal("another seed makes the same plan")
	}
	for fault, share := range map[Fault]float64{
		Pass: 0.3, Before: rates.Before, After: rates.After, Partial: rates.Partial, Refused: rates.Refused, Late: rates.Late, Block: 0,
	} {
		if got := float64(count[fault]) / calls; got < share-0.05 || got > share+0.05 {
			t.Errorf("fault %d has a share of %.3f, want %.2f", fault, got, share)
		}
	}
}

func TestFaulty_may_be_used_concurrently(t *testing.T) {
	inner := NewMemory().Store()
	f := NewFaulty(inner, Random(1, Rates{Before: 0.2, After: 0.2, Partial: 0.2, Late: 0.2}))
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() {
			run := life(fmt.Sprint("n", i), 1, 50)
			for len(run) > 0 {
				n, err := f.Store().Recorder.Record(t.Context(), run[:1])
				if err != nil && !errors.Is(err, ErrInjected) {
					t.Error(err)
					return
				}
				run = run[n:]
				if i == 0 {
					f.Release()
				}
			}
		})
	}
	writers.Wait()
	f.Release()
	for i := range 4 {
		mustHoldAndShow(t, inner, life(fmt.Sprint("n", i), 1, 50))
	}
}
