package compare

import (
	"context"
	"errors"
	"time"

	"github.com/presenced/presence/bench/load"
	"github.com/presenced/presence/bench/peers/work"
)

const (
	// early are clients that come before memory is looked at for the first time: what
	// a server has for any client is no price of those that come after.
	early = 100

	settleTime     = 400 * time.Millisecond  // for the garbage to be collected
	settleSlow     = 1500 * time.Millisecond // where it is not asked for
	connectTimeout = 60 * time.Second

	ticksEach = 2 // of which the processor time is measured; 1 in a smoke run

	// before is how long before a tick the processor time is read: whoever has not
	// written the last tick to all by then is charged for it in the next second.
	before = 100 * time.Millisecond

	// during is what of a second is taken for the time of a tick to the largest crowd.
	during        = 100 * time.Millisecond
	still         = 600 * time.Millisecond // of a second in which clients stand still
	askInterval   = time.Millisecond       // from an answer to the next command
	quickDivision = 50                     // of sizes, in a smoke run
)

// step is one size that a crowd grows to.
type step struct {
	clients int
	memory  bool
	ticks   bool
}

var steps = []step{{1_000, true, true}, {5_000, false, true}, {10_000, true, false}, {19_000, true, true}}

// crowd measures a crowd that does nothing but listen, and grows.
func crowd(ctx context.Context, c contest) (measured, error) {
	f, err := load.NewFleet(largest, load.Config{Server: c.Addr()})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m := make(measured)
	first, err := c.rehearse(ctx, f)
	if err != nil {
		return nil, err
	}
	have := len(f.Clients())
	for _, s := range c.steps() {
		used, err := c.grow(ctx, f, c.size(s.clients))
		if err != nil {
			return nil, err
		}
		if s.memory {
			m[memoryOf(s.clients)] = float64(used-first) / float64(len(f.Clients())-have)
		}
		if s.ticks {
			t, err := c.follow(ctx, f, c.ticks())
			if err != nil {
				return nil, err
			}
			m[tickOf(s.clients)] = microseconds(t.processor) / float64(c.ticks()*len(f.Clients()))
			m[missed] += float64(t.missed)
		}
	}
	took, err := c.ask(ctx, f)
	if err != nil {
		return nil, err
	}
	m[duringTick] = load.Milliseconds(took.Quantile(0.99))
	last, err := c.hold(ctx, f)
	m[lateness] = load.Milliseconds(last)
	return m, err
}

// rehearse has the first clients do what all will do, and returns the memory after it.
func (c contest) rehearse(ctx context.Context, f *load.Fleet) (int64, error) {
	n := max(c.size(early), 1)
	if _, err := c.grow(ctx, f, n); err != nil {
		return 0, err
	}
	if err := watchUntil(ctx, f, edge(time.Now()).Add(2*before)); err != nil {
		return 0, err
	}
	return c.grow(ctx, f, n)
}

// steps are those that a run takes: all, or the last alone.
func (c contest) steps() []step {
	if c.quick {
		return steps[len(steps)-1:]
	}
	return steps
}

func (c contest) ticks() int {
	if c.quick {
		return 1
	}
	return ticksEach
}

// size is how many clients a run has where a full one has n.
func (c contest) size(n int) int {
	if c.quick {
		return n / quickDivision
	}
	return n
}

// grow connects clients until there are n, and returns the memory that the server has
// when it has come to rest.
func (c contest) grow(ctx context.Context, f *load.Fleet, n int) (int64, error) {
	connecting, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := f.Connect(connecting, n-len(f.Clients())); err != nil {
		return 0, err
	}
	rest := settleSlow
	if c.collects {
		rest = settleTime
		if err := c.Collect(); err != nil {
			return 0, err
		}
	}
	if c.quick {
		rest = settleTime / 10
	}
	if err := watchUntil(ctx, f, time.Now().Add(rest)); err != nil {
		return 0, err
	}
	return c.AnonymousMemory()
}

// watchUntil drives a fleet for a while.
func watchUntil(ctx context.Context, f *load.Fleet, end time.Time) error {
	watching, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	if err := f.Watch(watching); err != nil {
		return err
	}
	return ctx.Err()
}

// edge is the next time that is a moment before a whole second.
func edge(now time.Time) time.Time {
	at := now.Truncate(time.Second).Add(time.Second - before)
	if at.Before(now) {
		at = at.Add(time.Second)
	}
	return at
}

// followed is what ticks took.
type followed struct {
	processor time.Duration // in all
	missed    int
}

// follow measures the next n ticks.
func (c contest) follow(ctx context.Context, f *load.Fleet, n int) (t followed, err error) {
	at := edge(time.Now())
	if err := watchUntil(ctx, f, at); err != nil {
		return t, err
	}
	began, err := c.ProcessorTime()
	if err != nil {
		return t, err
	}
	first, end := at.Add(before), at.Add(time.Duration(n)*time.Second)
	f.Expect(first)
	if err := watchUntil(ctx, f, end); err != nil {
		return t, err
	}
	ended, err := c.ProcessorTime()
	if err != nil {
		return t, err
	}
	ticks, err := f.Ticks(end.Add(before))
	return followed{processor: ended - began, missed: ticks.Missed}, err
}

// hold returns how late the last client was told of the next tick, in which the clients
// stand still, and the processors are the server's.
func (c contest) hold(ctx context.Context, f *load.Fleet) (time.Duration, error) {
	if err := f.Stamp(); err != nil {
		return 0, err
	}
	at := edge(time.Now())
	if err := watchUntil(ctx, f, at); err != nil {
		return 0, err
	}
	second := at.Add(before)
	f.Expect(second)
	if err := load.Wait(ctx, time.Until(second.Add(still))); err != nil {
		return 0, err
	}
	if err := watchUntil(ctx, f, at.Add(time.Second)); err != nil {
		return 0, err
	}
	ticks, err := f.Ticks(second.Add(time.Second))
	return ticks.Late.Quantile(1), err
}

// ask asks, all through the first part of the next second, in which a tick goes out to
// the fleet, what a command takes: one after another, and each from when it was sent.
func (c contest) ask(ctx context.Context, f *load.Fleet) (*load.Samples, error) {
	probe, err := load.NewProbe(c.Addr(), "probe")
	if err != nil {
		return nil, err
	}
	defer probe.Close()
	took := new(load.Samples)
	at := edge(time.Now())
	done := make(chan error, 1) // the goroutine's only word
	go func() { done <- askUntil(ctx, probe, at.Add(before), took) }()
	return took, errors.Join(watchUntil(ctx, f, at.Add(time.Second)), <-done)
}

// askUntil asks from a time on, until what is taken for the time of a tick is over.
func askUntil(ctx context.Context, probe *load.Probe, from time.Time, took *load.Samples) error {
	command := load.NewCommand(work.Command)
	err := load.Wait(ctx, time.Until(from))
	for err == nil && time.Since(from) < during {
		var t time.Duration
		if t, err = probe.Once(command, load.Answer); err == nil {
			took.Add(t)
			err = load.Wait(ctx, askInterval)
		}
	}
	return err
}

func microseconds(d time.Duration) float64 { return d.Seconds() * 1e6 }
