package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/presenced/presence/bench/load"
	"github.com/presenced/presence/bench/server"
)

const (
	askers       = 4 // users that compute, each on one connection
	asked        = 2 // computations of each that are unanswered: one runs, one waits
	pingInterval = time.Millisecond
)

// Ping measures how long a small command takes while 1,000 others are connected: with
// nothing to compute, and while all workers compute F(1,000,000) for other users.
func Ping(ctx context.Context, b Bench) ([]Measure, error) {
	return b.with(ctx, func(s *server.Server) ([]Measure, error) {
		crowd, err := connected(ctx, s, pick(b, 1_000, 100), load.Config{})
		if err != nil {
			return nil, err
		}
		defer crowd.Close()
		stop := watch(ctx, crowd)
		measures, err := b.ping(ctx, s)
		return measures, errors.Join(err, stop())
	}, "FIB_MAX=1000000")
}

func (b Bench) ping(ctx context.Context, s *server.Server) ([]Measure, error) {
	probe, err := load.NewProbe(s.Addr(), "probe")
	if err != nil {
		return nil, err
	}
	defer probe.Close()
	b.Say("pings, with nothing to compute")
	idle, err := b.pings(ctx, s, probe)
	if err != nil {
		return nil, err
	}
	busy, computed, err := b.pingsMeanwhile(ctx, s, probe)
	if err != nil {
		return nil, err
	}
	return []Measure{
		{"pings, nothing to compute", "", float64(idle.took.Len()), Goal{}},
		{"round trip, p50", "ms", milliseconds(idle.took.Quantile(0.5)), Goal{}},
		{"round trip, p99", "ms", milliseconds(idle.took.Quantile(0.99)), Goal{}},
		{"round trip, maximum", "ms", milliseconds(idle.took.Quantile(1)), Goal{}},
		{"pings, all workers busy", "", float64(busy.took.Len()), Goal{}},
		{"round trip, p50, all workers busy", "ms", milliseconds(busy.took.Quantile(0.5)), Goal{}},
		{"round trip, p99, all workers busy", "ms", milliseconds(busy.took.Quantile(0.99)), Goal{LessThan, 5}},
		{"round trip, maximum, all workers busy", "ms", milliseconds(busy.took.Quantile(1)), Goal{}},
		{"F(1,000,000) answered meanwhile", "/s", computed, Goal{}},
		{"processors that the server used meanwhile", "", busy.processors, Goal{}},
	}, nil
}

// round is the pings of one while.
type round struct {
	took       *load.Samples
	processors float64 // that the server used
}

func (b Bench) pings(ctx context.Context, s *server.Server, probe *load.Probe) (r round, err error) {
	before, err := s.ProcessorTime()
	if err != nil {
		return r, err
	}
	began := time.Now()
	asking, cancel := context.WithTimeout(ctx, pick(b, 15*time.Second, time.Second))
	defer cancel()
	r.took, err = probe.Ask(asking, load.NewCommand(`{"type":"ping"}`), load.Pong, pingInterval)
	if err != nil {
		return r, err
	}
	after, err := s.ProcessorTime()
	r.processors = (after - before).Seconds() / time.Since(began).Seconds()
	return r, err
}

// pingsMeanwhile pings while others keep the workers busy. It returns how many of
// their computations were answered in a second.
func (b Bench) pingsMeanwhile(ctx context.Context, s *server.Server, probe *load.Probe) (r round, computed float64, err error) {
	a := new(student)
	fleet, err := connected(ctx, s, askers, load.Config{User: numbered("asker"), Handle: a.handle})
	if err != nil {
		return r, 0, err
	}
	defer fleet.Close()
	for i := range fleet.Clients() {
		for range asked {
			a.ask(&fleet.Clients()[i])
		}
	}
	began := time.Now()
	stop := watch(ctx, fleet)
	err = wait(ctx, time.Second) // until all workers compute
	b.Say("pings, while F(1,000,000) is computed for %d users", askers)
	if err == nil {
		r, err = b.pings(ctx, s, probe)
	}
	took := time.Since(began)
	if err := errors.Join(err, stop(), a.err); err != nil {
		return r, 0, err
	}
	return r, float64(a.answered) / took.Seconds(), nil
}

// student asks for the next computation, on each of its clients, when it has an
// answer. It is called by the goroutine that drives them.
type student struct {
	answered int
	err      error
}

var compute = load.NewCommand(`{"type":"fibonacci","n":1000000}`)

func (a *student) ask(c *load.Client) { a.err = errors.Join(a.err, c.Send(compute)) }

func (a *student) handle(c *load.Client, m load.Message) {
	switch m.Kind {
	case load.Answer:
		a.answered++
		a.ask(c)
	case load.Refusal:
		a.err = errors.Join(a.err, fmt.Errorf("a computation was refused: %s", m.Text))
	case load.Other, load.Welcome, load.Tick, load.Pong:
	}
}
