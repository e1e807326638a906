package witness

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Node is one node of a trial.
type Node struct {
	ID string

	// Start starts the node's process, also after it was killed. Nil: it runs already,
	// at these addresses, and is left alone.
	Start          func() (*Process, error)
	Clients, Admin string

	Link *Link // on its way to the store. Only where all nodes have one they are cut off
}

// member is a node of a trial and how it is.
type member struct {
	node Node

	mu      sync.Mutex
	process *Process
	up      bool
	since   time.Time // it is up
}

func (m *member) start() error {
	p := &Process{Clients: m.node.Clients, Admin: m.node.Admin}
	if m.node.Start != nil {
		var err error
		if p, err = m.node.Start(); err != nil {
			return fmt.Errorf("start %s: %w", m.node.ID, err)
		}
	}
	m.mu.Lock()
	m.process = p
	m.mu.Unlock()
	m.set(true)
	return nil
}

// addrs is where its clients and its operators go, also while nobody is there.
func (m *member) addrs() (clients, admin string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.process.Clients, m.process.Admin
}

func (m *member) isUp() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.up
}

func (m *member) set(up bool) {
	m.mu.Lock()
	m.up, m.since = up, time.Now()
	m.mu.Unlock()
}

// settled is how long a node must be up to know the others' beats.
const settled = 5 * time.Second

// watched reports whether the node has been up since before all of some faults, so
// that it has seen the beats of their victims.
func (m *member) watched(faults []*Fault) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range faults {
		if m.since.Add(settled).After(f.From) {
			return false
		}
	}
	return m.up
}

// injector does things to nodes, one after the other, each of which may last.
type injector struct {
	t   *trial
	rng *rand.Rand

	healing sync.WaitGroup
}

// harm is one thing that is done to nodes, and undone.
type harm struct {
	what  string
	every time.Duration
	lasts time.Duration
	stood bool // see Fault
	hurt  func(*member) error
	heal  func(*member) error
}

func (in *injector) harms() []harm {
	cfg := in.t.cfg
	if slices.ContainsFunc(in.t.members, func(m *member) bool { return m.node.Link == nil }) {
		cfg.CutEvery = 0
	}
	all := []harm{
		{"killed", cfg.KillEvery, cfg.Restart, false,
			func(m *member) error { m.process.Kill(); return nil },
			(*member).start},
		{"paused", cfg.PauseEvery, cfg.PauseFor, true,
			func(m *member) error { return m.process.Pause() },
			func(m *member) error { defer m.set(true); return m.process.Continue() }},
		{"cut off from the store", cfg.CutEvery, cfg.CutFor, true,
			func(m *member) error { m.node.Link.Cut(); return nil },
			func(m *member) error { m.node.Link.Mend(); m.set(true); return nil }},
	}
	return slices.DeleteFunc(all, func(h harm) bool { return h.every == 0 })
}

// run injects faults until ctx ends, and returns when all nodes are up again.
func (in *injector) run(ctx context.Context) {
	defer in.healing.Wait()
	harms := in.harms()
	due := make([]time.Time, len(harms))
	for i, h := range harms {
		due[i] = in.next(h.every)
	}
	for len(harms) > 0 {
		first := 0
		for i := range due {
			if due[i].Before(due[first]) {
				first = i
			}
		}
		if !pause(ctx, time.Until(due[first])) {
			return
		}
		due[first] = in.next(harms[first].every)
		in.hit(in.victim(), harms[first])
	}
}

// next is a time between half and one and a half of every from now.
func (in *injector) next(every time.Duration) time.Time {
	return time.Now().Add(every/2 + time.Duration(in.rng.Int64N(int64(every))))
}

// victim is a node at random, such that another one that has seen all deaths of late
// lives; nil if there is none.
func (in *injector) victim() *member {
	recent := in.t.faultsSince(time.Now().Add(-in.t.cfg.Bounds.Death))
	recent = append(recent, &Fault{From: time.Now()})
	for _, i := range in.rng.Perm(len(in.t.members)) {
		victim := in.t.members[i]
		if victim.node.Start == nil || !victim.isUp() {
			continue
		}
		for _, m := range in.t.members {
			if m != victim && m.watched(recent) {
				return victim
			}
		}
	}
	return nil
}

// hit does harm to a node, and undoes it later.
func (in *injector) hit(m *member, h harm) {
	if m == nil {
		return
	}
	f := &Fault{Node: m.node.ID, Stood: h.stood, From: time.Now()}
	in.t.add(f)
	in.t.cfg.Say("%s: %s", m.node.ID, h.what)
	m.set(false)
	in.t.note(h.hurt(m))
	in.healing.Go(func() {
		pause(context.Background(), h.lasts)
		in.t.note(h.heal(m))
		in.t.heal(f)
		in.t.cfg.Say("%s: goes on", m.node.ID)
	})
}
