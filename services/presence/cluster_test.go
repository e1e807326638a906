package presence_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// within is how long after the death of a node its users are online at most.
const within = 20 * time.Second

// A node that dies is taken over by another, in time, whoever and how many they are.
func TestMember_Lease(t *testing.T) {
	for _, peers := range []int{1, 2, 5} {
		t.Run(fmt.Sprint(peers, " peers"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newStore()
				dead := start(t, store, presence.Config{Node: "n1"})
				for i := range peers {
					m := start(t, store, presence.Config{Node: fmt.Sprint("p", i)})
					connect(t, m, fmt.Sprint("stays", i))
				}
				const users = 1500
				for i := range users {
					connect(t, dead, fmt.Sprint("u", i))
				}
				pass(5 * time.Second)
				dead.Die()
				pass(within)
				if got := len(online(t, store)); got != peers {
					t.Errorf("%d users are online, want %d", got, peers)
				}
				holds(t, store, peers)
				all := stream(t, store, n1e1)
				if len(all) != 1+users+1+users {
					t.Errorf("%d events", len(all))
				}
				if seal := all[1+users]; seal.At.Sub(seal.LastSeen) > within || seal.Reason != events.NodeLost {
					t.Errorf("seal %+v", seal)
				}
			})
		})
	}
}

// pausable is a store that can be cut off from a node, as by SIGSTOP of the node or by
// a network that loses every packet.
func pausable(inner presence.Store) (store presence.Store, paused *atomic.Bool) {
	paused = new(atomic.Bool)
	return storetest.NewFaulty(inner, func(storetest.Call) (a storetest.Action) {
		if paused.Load() {
			a.Fault = storetest.Before
		}
		return a
	}).TwoSteps(), paused
}

// A node that was cut off for longer than the lease finds itself fenced, and its
// clients go on in its next epoch; nothing is counted twice.
func TestMember_Lease_CutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newStore()
		store, paused := pausable(inner)
		m := start(t, store, presence.Config{Node: "n1"})
		peer := start(t, inner, presence.Config{Node: "n2"})
		ana, bob := connect(t, m, "ana"), connect(t, m, "bob")
		connect(t, peer, "ana")
		synctest.Wait()
		paused.Store(true)
		m.Disconnect(&bob.Conn, events.Client)
		cleo := connect(t, m, "cleo")
		pass(within)
		if got, want := online(t, inner), (map[string]int{"ana": 1}); !equal(got, want) {
			t.Errorf("online %v while the node is cut off, want %v", got, want)
		}
		paused.Store(false)
		pass(10 * time.Second)
		if got, want := online(t, inner), (map[string]int{"ana": 2, "cleo": 1}); !equal(got, want) {
			t.Errorf("online %v, want %v", got, want)
		}
		if len(ana.all()) != 2 || len(bob.all()) != 1 || len(cleo.all()) != 1 {
			t.Errorf("recorded as %v, %v, %v", ana.all(), bob.all(), cleo.all())
		}
		holds(t, inner, 3)
		shutdown(t, m)
		shutdown(t, peer)
		holds(t, inner, 0)
	})
}

// Two peers die in the middle of a takeover, at every step; the third completes it.
func TestMember_Lease_PeersDieToo(t *testing.T) {
	for steps := range 14 {
		t.Run(fmt.Sprint("after ", steps, " operations"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := died(t, 7)
				for _, peer := range []string{"p1", "p2"} {
					half, err := presence.New(storetest.NewFaulty(store, until(steps, func() {})).TwoSteps(), presence.Config{Node: peer})
					if err != nil {
						t.Fatal(err)
					}
					ctx, cancel := timeout(t, time.Second)
					_ = half.TakeOver(ctx, n1e1)
					cancel()
				}
				third := start(t, store, presence.Config{Node: "p3"})
				pass(within)
				holds(t, store, 0)
				if all := stream(t, store, n1e1); len(all) != 1+7+1+7 {
					t.Errorf("%d events", len(all))
				}
				shutdown(t, third)
				if nodes, err := store.Nodes.All(t.Context()); err != nil || len(nodes) != 0 {
					t.Errorf("nodes: %v, %v", nodes, err)
				}
			})
		})
	}
}

// Writes that arrive after the takeover bring ghosts back, and the sweep removes them.
func TestMember_Sweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := died(t, 7)
		m := start(t, store, presence.Config{Node: "n2"})
		pass(within)
		holds(t, store, 0)
		ghost := presence.Connection{ID: n1e1.At(3), User: "u2", Since: events.Milliseconds(time.Now())}
		apply(t, store, []presence.Connection{ghost}, nil)
		pass(8 * time.Second)
		holds(t, store, 0)
		if got := online(t, store); len(got) != 0 {
			t.Errorf("ghosts: %v", got)
		}
		if got := m.Stats().Swept; got != 1 {
			t.Errorf("swept %d streams, want 1", got)
		}
		shutdown(t, m)
	})
}

// A stream that ends while the sweep looks has no ghosts: it would be counted, and warned of.
func TestMember_Sweep_WhileAStreamEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		look := &lookedAt{Online: store.Online}
		watched := store
		watched.Online = look
		m := start(t, watched, presence.Config{Node: "n2"})
		for range 5 {
			other := start(t, store, presence.Config{Node: "n1"})
			connect(t, other, "ana")
			synctest.Wait()
			ended := false
			leave := func() {
				if !ended {
					shutdown(t, other)
				}
				ended = true
			}
			look.streams.Store(&leave)
			pass(8 * time.Second)
			look.streams.Store(nil)
			holds(t, store, 0)
		}
		if got := m.Stats().Swept; got != 0 {
			t.Errorf("swept %d streams, want 0", got)
		}
		shutdown(t, m)
	})
}

// A stream without an owner, whose node document is gone, is taken over as well.
func TestMember_Sweep_Orphan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := died(t, 7)
		if err := store.Nodes.Remove(t.Context(), n1e1); err != nil {
			t.Fatal(err)
		}
		m := start(t, store, presence.Config{Node: "n2"})
		pass(11 * time.Second)
		if len(online(t, store)) == 0 {
			t.Error("the orphan was taken over before its time")
		}
		pass(20 * time.Second)
		holds(t, store, 0)
		shutdown(t, m)
	})
}

// A takeover without a node document that died after its seal, or in the middle of what
// it appends then, is completed: only online still tells of it (I4, I10).
func TestMember_Sweep_TakeoverThatDied(t *testing.T) {
	for _, written := range []int{0, 3} {
		synctest.Test(t, func(t *testing.T) {
			store := died(t, 7)
			if err := store.Nodes.Remove(t.Context(), n1e1); err != nil {
				t.Fatal(err)
			}
			tail, err := store.Log.Tail(t.Context(), n1e1)
			if err != nil {
				t.Fatal(err)
			}
			run := []events.Event{{ID: tail.ID.Next(), Type: events.Sealed, At: tail.At, By: "n3", Reason: events.NodeLost, LastSeen: tail.At}}
			for _, e := range stream(t, store, n1e1)[1 : 1+written] {
				run = append(run, events.Event{
					ID: run[len(run)-1].ID.Next(), Type: events.Disconnected, At: tail.At,
					User: e.User, Conn: e.ID, Reason: events.NodeLost, LastSeen: tail.At,
				})
			}
			if _, err := store.Log.Append(t.Context(), run); err != nil {
				t.Fatal(err)
			}
			m := start(t, store, presence.Config{Node: "n2"})
			pass(8 * time.Second)
			holds(t, store, 0)
			if got := len(stream(t, store, n1e1)); got != 1+7+1+7 {
				t.Errorf("the stream has %d events: want opened, 7 connected, sealed, 7 disconnected", got)
			}
			shutdown(t, m)
		})
	}
}

// A node that is fenced by another process with its own id gives way.
func TestMember_Rejoin_DuplicateNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newStore()
		store, paused := pausable(inner)
		old := start(t, store, presence.Config{Node: "n1"})
		connect(t, old, "ana")
		synctest.Wait()
		paused.Store(true)
		newer := start(t, inner, presence.Config{Node: "n1"})
		connect(t, newer, "bob")
		paused.Store(false)
		if err := lost(t, old); !errors.Is(err, presence.ErrDuplicateNode) {
			t.Errorf("the older process ends with %v", err)
		}
		if err := old.Admit(); !errors.Is(err, presence.ErrStopped) {
			t.Errorf("admit: %v", err)
		}
		shutdown(t, old)
		if got, want := online(t, inner), (map[string]int{"bob": 1}); !equal(got, want) {
			t.Errorf("online %v, want %v", got, want)
		}
		if err := newer.Ready(); err != nil {
			t.Errorf("the newer one: %v", err)
		}
		holds(t, inner, 1)
	})
}

// A shutdown in the middle of a rejoin leaves no ghost and no open epoch.
func TestMember_Shutdown_WhileRejoining(t *testing.T) {
	for steps := range 25 {
		t.Run(fmt.Sprint("after ", steps, " operations"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { shutdownWhileRejoining(t, steps) })
		})
	}
}

func shutdownWhileRejoining(t *testing.T, steps int) {
	inner := newStore()
	var after atomic.Int64
	var calm atomic.Bool
	after.Store(1 << 40)
	faulty := storetest.NewFaulty(inner, func(c storetest.Call) (a storetest.Action) {
		if int64(c.N) >= after.Load() && !calm.Load() {
			a.Fault = storetest.After
		}
		return a
	})
	m := start(t, faulty.TwoSteps(), presence.Config{})
	for i := range 5 {
		connect(t, m, fmt.Sprint("u", i))
	}
	synctest.Wait()
	sealedBy(t, inner, "n2")
	after.Store(int64(faulty.Calls() + steps))
	pass(3 * time.Second)
	defer time.AfterFunc(time.Second, func() { calm.Store(true) }).Stop()
	shutdown(t, m)
	holds(t, inner, 0)
	last, err := inner.Log.Highest(t.Context(), "n1")
	if err != nil || !last.Seals() {
		t.Errorf("the last event is %+v, %v", last, err)
	}
}
