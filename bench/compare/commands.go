package compare

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/presenced/presence/bench/load"
	"github.com/presenced/presence/bench/peers/work"
)

const (
	askers       = 1_000
	pipelineSize = 16
	warmUp       = 300 * time.Millisecond
	lasting      = time.Second
)

// commands measures clients that each send a command, or several at once, and the next
// when all are answered.
func commands(ctx context.Context, c contest) (measured, error) {
	a := &asking{left: make(map[*load.Client]int)}
	f, err := load.NewFleet(c.size(askers), load.Config{Server: c.Addr(), Handle: a.handle})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := c.grow(ctx, f, f.Size()); err != nil {
		return nil, err
	}
	m := make(measured)
	if m[roundTrip], err = c.exchange(ctx, f, a, 1); err != nil {
		return nil, err
	}
	m[pipelined], err = c.exchange(ctx, f, a, pipelineSize)
	return m, err
}

// exchange returns the processor time per command, in µs, if each client sends n at once.
func (c contest) exchange(ctx context.Context, f *load.Fleet, a *asking, n int) (float64, error) {
	a.size, a.command = n, bytes.Repeat(load.NewCommand(work.Command), n)
	for i := range f.Clients() {
		a.ask(&f.Clients()[i])
	}
	long := lasting
	if c.quick {
		long /= 10
	}
	if err := watchUntil(ctx, f, time.Now().Add(warmUp)); err != nil {
		return 0, err
	}
	began, err := c.ProcessorTime()
	if err != nil {
		return 0, err
	}
	answered := a.answered
	if err := watchUntil(ctx, f, time.Now().Add(long)); err != nil {
		return 0, err
	}
	answered = a.answered - answered
	ended, err := c.ProcessorTime()
	if err != nil {
		return 0, err
	}
	return microseconds(ended-began) / float64(answered), c.finish(ctx, f, a)
}

// finish waits until every client has its answers, and asks no more.
func (c contest) finish(ctx context.Context, f *load.Fleet, a *asking) error {
	patience, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	a.size = 0
	waiting, done := context.WithCancel(patience)
	defer done()
	a.rest = done
	a.look()
	if err := f.Watch(waiting); err != nil {
		return err
	}
	a.rest = nil
	if a.waiting > 0 && a.err == nil {
		return fmt.Errorf("%d clients have not got all answers: %w", a.waiting, patience.Err())
	}
	return a.err
}

// asking counts what each client waits for. It is called by the goroutine that drives the
// fleet.
type asking struct {
	size     int // of the next question, in commands; 0: there is none
	command  load.Command
	left     map[*load.Client]int // answers that it waits for
	waiting  int                  // clients that wait for some
	answered int
	err      error  // the first
	rest     func() // called when nobody waits; nil at first
}

func (a *asking) ask(c *load.Client) {
	if err := c.Send(a.command); err != nil && a.err == nil {
		a.err = err
	}
	a.left[c] = a.size
	a.waiting++
}

// look ends the waiting.
func (a *asking) look() {
	if a.rest != nil && (a.waiting == 0 || a.err != nil) {
		a.rest()
	}
}

func (a *asking) handle(c *load.Client, m load.Message) {
	switch m.Kind {
	case load.Answer:
		a.answered++
		if a.left[c]--; a.left[c] > 0 {
			return
		}
		a.waiting--
		if a.size > 0 {
			a.ask(c)
		}
		a.look()
	case load.Refusal:
		if a.err == nil {
			a.err = fmt.Errorf("a command was refused: %s", m.Text)
		}
		a.look()
	case load.Other, load.Welcome, load.Tick, load.Pong:
	}
}
