package witness

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"
)

// Config is what a trial does. The zero value of a time means never.
type Config struct {
	Nodes   []Node
	Seed    uint64        // of all that is at random; what the machine adds is not in it
	Clients int           // users, each with at most one connection that it knows of
	For     time.Duration // then it is calm
	Stay    time.Duration // of a connection, on average
	Silent  float64       // part of the connections that end by falling silent: 0 to 1

	KillEvery  time.Duration // kill -9 of a node, on average
	Restart    time.Duration // of a killed node, after that
	PauseEvery time.Duration // SIGSTOP of a node, on average
	PauseFor   time.Duration
	CutEvery   time.Duration // the link between a node and the store, on average
	CutFor     time.Duration

	Bounds   Bounds
	Patience time.Duration // for the calm, until all is as it should be

	Say func(format string, args ...any) // what is done
}

// Outcome is what a trial has seen.
type Outcome struct {
	Sightings []Sighting
	Answers   []Answer
	Faults    []Fault
}

// trial is a Config that is carried out.
type trial struct {
	// static after construction
	cfg     Config
	members []*member
	calm    chan struct{} // closed when nobody leaves any more, and no fault begins
	Book

	mu      sync.Mutex
	faults  []*Fault
	answers []Answer
	err     error
}

// ErrNotCalm is returned when the service's answers are not what the clients know
// although nothing has happened for a long time.
var ErrNotCalm = errors.New("the service does not come to say what is true")

// Run starts the nodes, has clients come and go and does to the nodes what the
// configuration says, asking all the while who is online. Then it lets everything
// live, and when the service's answer is what the clients know, it calls atRest with
// what was seen so far, while all clients are connected. At last it closes the clients
// and ends the nodes that it has started, in good order.
func Run(ctx context.Context, cfg Config, atRest func(Outcome)) error {
	t := &trial{cfg: cfg, calm: make(chan struct{})}
	defer t.end()
	if err := t.start(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var visitors, others sync.WaitGroup
	defer others.Wait()
	defer visitors.Wait()
	defer cancel()
	for i := range cfg.Clients {
		visitors.Go(func() { newVisitor(t, i).visit(ctx) })
	}
	others.Go(func() { t.poll(ctx) })

	storm, cancelStorm := context.WithTimeout(ctx, cfg.For)
	defer cancelStorm()
	(&injector{t: t, rng: rand.New(rand.NewPCG(cfg.Seed, 1<<32))}).run(storm)
	pause(storm, cfg.For)
	cfg.Say("calm")
	close(t.calm)
	if err := t.settle(ctx); err != nil {
		return err
	}
	atRest(t.outcome())
	return t.failure()
}

// start starts the nodes at once: each may have an older epoch to wait for.
func (t *trial) start() error {
	var starting sync.WaitGroup
	for _, n := range t.cfg.Nodes {
		m := &member{node: n, process: new(Process)}
		t.members = append(t.members, m)
		starting.Go(func() { t.note(m.start()) })
	}
	starting.Wait()
	return t.failure()
}

// end closes the clients and ends the nodes.
func (t *trial) end() {
	t.Close()
	var ending sync.WaitGroup
	for _, m := range t.members {
		if m.node.Start != nil && m.process.cmd != nil {
			ending.Go(func() {
				_ = m.process.Continue() // it may have been paused
				t.note(m.process.Stop())
			})
		}
	}
	ending.Wait()
}

const pollEvery = time.Second

// poll asks the nodes that are up, in turn, who is online.
func (t *trial) poll(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for i := 0; ; i++ {
		if a, err := ask(ctx, t.nextUp(i)); err == nil {
			t.mu.Lock()
			t.answers = append(t.answers, a)
			t.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// nextUp is a node that is up, or else any.
func (t *trial) nextUp(i int) *member {
	for n := range t.members {
		if m := t.members[(i+n)%len(t.members)]; m.isUp() {
			return m
		}
	}
	return t.members[0]
}

func ask(ctx context.Context, m *member) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	_, admin := m.addrs()
	asked := time.Now()
	users, err := Online(ctx, admin)
	return Answer{asked, time.Now(), users}, err
}

// settle waits until every client is connected and welcomed, and every node says so.
func (t *trial) settle(ctx context.Context) error {
	why := "it was not asked"
	for deadline := time.Now().Add(t.cfg.Patience); time.Now().Before(deadline); {
		if !pause(ctx, pollEvery/2) {
			return ctx.Err()
		}
		if why = t.unsettled(ctx); why == "" {
			return nil
		}
	}
	return errors.Join(fmt.Errorf("%w after %s: %s", ErrNotCalm, t.cfg.Patience, why), t.failure())
}

// unsettled says what is not yet as it should be, "" if nothing.
func (t *trial) unsettled(ctx context.Context) string {
	seen := t.Sightings()
	live := Live(seen)
	if len(live) != t.cfg.Clients {
		return fmt.Sprintf("%d of %d clients are connected", len(live), t.cfg.Clients)
	}
	for i := range seen {
		if seen[i].Gone().IsZero() && len(seen[i].Welcomes) == 0 {
			return fmt.Sprintf("%q was not welcomed", seen[i].User)
		}
	}
	for _, m := range t.members {
		a, err := ask(ctx, m)
		if err != nil {
			return err.Error()
		}
		if !maps.Equal(a.Online, live) {
			return fmt.Sprintf("%s says that %d users are online, and %d are", m.node.ID, len(a.Online), len(live))
		}
	}
	return ""
}

func (t *trial) outcome() Outcome {
	o := Outcome{Sightings: t.Sightings()}
	t.mu.Lock()
	defer t.mu.Unlock()
	o.Answers = append(o.Answers, t.answers...)
	for _, f := range t.faults {
		o.Faults = append(o.Faults, *f)
	}
	return o
}

func (t *trial) add(f *Fault) {
	t.mu.Lock()
	t.faults = append(t.faults, f)
	t.mu.Unlock()
}

func (t *trial) heal(f *Fault) {
	t.mu.Lock()
	f.To = time.Now()
	t.mu.Unlock()
}

func (t *trial) faultsSince(since time.Time) []*Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	var recent []*Fault
	for _, f := range t.faults {
		if f.From.After(since) {
			recent = append(recent, f)
		}
	}
	return recent
}

// note keeps the first error.
func (t *trial) note(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
}

func (t *trial) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}
