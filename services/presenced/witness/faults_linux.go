package witness

import (
	"context"
	"fmt"
	"math/rand/v2"
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

// run injects faults until ctx ends, and returns when all nodes are up again.
func (in *injector) run(ctx context.Context) {
	kill, stop := in.next(in.t.cfg.KillEvery), in.next(in.t.cfg.PauseEvery)
	for pause(ctx, time.Until(earlier(kill, stop))) {
		victim := in.victim()
		switch paused := stop.Before(kill); {
		case paused:
			stop = in.next(in.t.cfg.PauseEvery)
			in.hit(victim, true)
		default:
			kill = in.next(in.t.cfg.KillEvery)
			in.hit(victim, false)
		}
	}
	in.healing.Wait()
}

// next is a time between half and one and a half of every from now.
func (in *injector) next(every time.Duration) time.Time {
	if every == 0 {
		every = 1000 * time.Hour
	}
	return time.Now().Add(every/2 + time.Duration(in.rng.Int64N(int64(every))))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
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

// hit pauses or kills a node, and has it go on, or start again, later.
func (in *injector) hit(m *member, paused bool) {
	if m == nil {
		return
	}
	f := &Fault{Node: m.node.ID, Paused: paused, From: time.Now()}
	after, what := in.t.cfg.PauseFor, "paused"
	if !paused {
		after, what = in.t.cfg.Restart, "killed"
	}
	in.t.add(f)
	in.t.cfg.Say("%s: %s", m.node.ID, what)
	m.set(false)
	if paused {
		in.t.note(m.process.Pause())
	} else {
		m.process.Kill()
	}
	in.healing.Go(func() {
		pause(context.Background(), after)
		if paused {
			in.t.note(m.process.Continue())
			m.set(true)
		} else {
			in.t.note(m.start())
		}
		in.t.heal(f)
		in.t.cfg.Say("%s: goes on", m.node.ID)
	})
}
