package scenario

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/presenced/presence/bench/load"
	"github.com/presenced/presence/bench/server"
)

const (
	askers       = 4 // users that compute, each on one connection
	asked        = 2 // computations of each that are unanswered: one runs, one waits
	pingInterval = time.Millisecond

	// crowd is few enough that the tick to all, once a second, is no part of the 99th
	// percentile: that has a scenario of its own to come.
	crowd = 100
)

// Ping measures how long a small command takes while 100 others are connected: with
// nothing to compute, and while all workers compute F(1,000,000) for other users. At
// the same time the floor is asked as often: it says what the machine allowed.
func Ping(ctx context.Context, b Bench) ([]Measure, error) {
	return b.with(ctx, func(s *server.Server) ([]Measure, error) {
		others, err := connected(ctx, s, crowd, load.Config{})
		if err != nil {
			return nil, err
		}
		defer others.Close()
		stop := watch(ctx, others)
		measures, err := b.ping(ctx, s)
		return measures, errors.Join(err, stop())
	}, "FIB_MAX=1000000")
}

func (b Bench) ping(ctx context.Context, s *server.Server) (_ []Measure, err error) {
	floor, err := server.Start(ctx, b.Floor)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, floor.Stop()) }()
	p := probes{server: s, floor: floor, lasting: pick(b, 15*time.Second, time.Second)}

	b.Say("pings, with nothing to compute")
	idle, err := p.round(ctx)
	if err != nil {
		return nil, err
	}
	busy, computed, err := b.meanwhile(ctx, p)
	if err != nil {
		return nil, err
	}
	measures := append(idle.measures("nothing to compute", Goal{}), busy.measures("all workers busy", Goal{LessThan, 5})...)
	return append(measures,
		Measure{"ping: p99 while all workers are busy, by p99 with nothing to compute", "",
			busy.took.Quantile(0.99).Seconds() / idle.took.Quantile(0.99).Seconds(), Goal{AtMost, 3}},
		Measure{"F(1,000,000) answered meanwhile", "/s", computed, Goal{}},
		Measure{"processors that the server used meanwhile", "", busy.processors, Goal{}}), nil
}

// probes asks a server and the floor.
type probes struct {
	server, floor *server.Server
	lasting       time.Duration
}

// round is the pings of one while.
type round struct {
	took, floor *load.Samples
	processors  float64 // that the server used
}

func (r round) measures(while string, p99 Goal) []Measure {
	var all []Measure
	for _, of := range []struct {
		name string
		took *load.Samples
		goal Goal
	}{{"ping", r.took, p99}, {"floor", r.floor, Goal{}}} {
		name := of.name + ", " + while
		all = append(all,
			Measure{name + ": asked", "", float64(of.took.Len()), Goal{}},
			Measure{name + ": p50", "ms", load.Milliseconds(of.took.Quantile(0.5)), Goal{}},
			Measure{name + ": p99", "ms", load.Milliseconds(of.took.Quantile(0.99)), of.goal},
			Measure{name + ": maximum", "ms", load.Milliseconds(of.took.Quantile(1)), Goal{}})
	}
	return all
}

// round asks both for a while, at the same time.
func (p probes) round(ctx context.Context) (r round, err error) {
	before, err := p.server.ProcessorTime()
	if err != nil {
		return r, err
	}
	began := time.Now()
	var both sync.WaitGroup
	var floorErr error
	both.Go(func() { r.floor, floorErr = p.ask(ctx, p.floor) })
	r.took, err = p.ask(ctx, p.server)
	both.Wait()
	if err := errors.Join(err, floorErr); err != nil {
		return r, err
	}
	after, err := p.server.ProcessorTime()
	r.processors = (after - before).Seconds() / time.Since(began).Seconds()
	return r, err
}

func (p probes) ask(ctx context.Context, s *server.Server) (*load.Samples, error) {
	probe, err := load.NewProbe(s.Addr(), "probe")
	if err != nil {
		return nil, err
	}
	defer probe.Close()
	ctx, cancel := context.WithTimeout(ctx, p.lasting)
	defer cancel()
	return probe.Ask(ctx, load.NewCommand(`{"type":"ping"}`), load.Pong, pingInterval)
}

// meanwhile asks while others keep the workers busy. It returns how many of their
// computations were answered in a second.
func (b Bench) meanwhile(ctx context.Context, p probes) (r round, computed float64, err error) {
	a := new(student)
	fleet, err := connected(ctx, p.server, askers, load.Config{User: numbered("asker"), Handle: a.handle})
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
	err = load.Wait(ctx, time.Second) // until all workers compute
	b.Say("pings, while F(1,000,000) is computed for %d users", askers)
	if err == nil {
		r, err = p.round(ctx)
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
