package presence_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// sealedBy seals the stream of n1 as a peer does in a takeover.
func sealedBy(t *testing.T, store presence.Store, peer string) { seal(t, store, n1e1, peer) }

// seal seals a stream unless it is sealed.
func seal(t *testing.T, store presence.Store, s events.Stream, peer string) {
	t.Helper()
	tail, err := store.Log.Tail(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if tail.Seals() {
		return
	}
	now := events.Milliseconds(time.Now())
	_, err = store.Log.Append(t.Context(), []events.Event{{
		ID: tail.ID.Next(), Type: events.Sealed, At: now, By: peer, Reason: events.NodeLost, LastSeen: now,
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// lost waits until a member has failed, and returns why.
func lost(t *testing.T, m *presence.Member) error {
	t.Helper()
	select {
	case <-m.Done():
		return m.Err()
	case <-time.After(time.Minute):
		t.Fatal("the member has not failed")
		return nil
	}
}

// timeout is a context that ends after d.
func timeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

// I2: a node whose stream was sealed by another records nothing more in it, whichever
// of its loops finds out; its clients go on in the next epoch, which says which
// connection each resumes, and each is told its new id.
func TestMember_Fenced(t *testing.T) {
	for name, find := range map[string]func(t *testing.T, m *presence.Member){
		"by its next append":           func(t *testing.T, m *presence.Member) { connect(t, m, "late") },
		"by the tail read at its beat": func(*testing.T, *presence.Member) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { fenced(t, find) })
		})
	}
}

func fenced(t *testing.T, find func(*testing.T, *presence.Member)) {
	store := newStore()
	m := start(t, store, presence.Config{})
	ana, bob := connect(t, m, "ana"), connect(t, m, "bob")
	synctest.Wait()
	sealedBy(t, store, "n2")
	m.Disconnect(&bob.Conn, events.Client)
	find(t, m)
	pass(5 * time.Second)

	if m.Stream() != n1e2 {
		t.Fatalf("the node writes %s", m.Stream())
	}
	if err := m.Ready(); err != nil {
		t.Errorf("ready: %v", err)
	}
	if s := m.Stats(); s.Queued != 0 || s.Lag != 0 || s.Fenced != 1 {
		t.Errorf("%+v, want that nothing of the lost stream waits, and fenced once", s)
	}
	if got := ana.all(); len(got) != 2 || got[0] != n1e1.At(1) || got[1].Stream != n1e2 {
		t.Errorf("ana was recorded as %v", got)
	}
	if got := bob.all(); len(got) != 1 {
		t.Errorf("bob, who had left, was recorded as %v", got)
	}
	resumed, err := store.Log.Read(t.Context(), ana.all()[1], 1)
	if err != nil || resumed[0].Resumes != n1e1.At(1) {
		t.Errorf("ana goes on as %+v, %v", resumed, err)
	}
	holds(t, store, len(online(t, store)))
	if online(t, store)["ana"] != 1 || online(t, store)["bob"] != 0 {
		t.Errorf("online: %v", online(t, store))
	}
	shutdown(t, m)
	holds(t, store, 0)
}

// Fenced again and again, with clients coming and going: nobody is counted twice or
// lost, and no room either.
func TestMember_Fenced_AgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		const queue = 200
		m := start(t, store, presence.Config{Queue: queue})
		r := rand.New(rand.NewPCG(1, 2))
		var live []*client
		for range 30 {
			for range r.IntN(10) {
				live = append(live, connect(t, m, fmt.Sprint("u", r.IntN(5))))
			}
			for len(live) > 20 || len(live) > 0 && r.IntN(2) == 0 {
				m.Disconnect(&live[0].Conn, events.Client)
				live = live[1:]
			}
			pass(time.Duration(r.IntN(3000)) * time.Millisecond)
			if s := m.Stream(); !s.IsZero() && r.IntN(2) == 0 {
				seal(t, store, s, "n2")
			}
		}
		pass(time.Minute)
		holds(t, store, len(live))
		for _, c := range live {
			m.Disconnect(&c.Conn, events.Client)
		}
		synctest.Wait()
		for range queue / 2 {
			if err := m.Admit(); err != nil {
				t.Fatalf("room was lost: %v", err)
			}
		}
		if err := m.Admit(); err == nil {
			t.Error("room was won")
		}
		shutdown(t, m)
		holds(t, store, 0)
	})
}

// A node document that was removed, or is that of a restored backup, fences as well.
func TestMember_Fenced_ByLostBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		m := start(t, store, presence.Config{})
		connect(t, m, "ana")
		synctest.Wait()
		if err := store.Nodes.Remove(t.Context(), n1e1); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		if m.Stream() != n1e2 {
			t.Errorf("the node writes %s", m.Stream())
		}
		holds(t, store, 1)
		shutdown(t, m)
		holds(t, store, 0)
	})
}

// emptied is a log that has lost everything, once it is told so.
type emptied struct {
	events.Log
	now atomic.Bool
}

func (e *emptied) Tail(ctx context.Context, s events.Stream) (events.Event, error) {
	if e.now.Load() {
		return events.Event{}, fmt.Errorf("%w: stream %s", events.ErrNotFound, s)
	}
	return e.Log.Tail(ctx, s)
}

// A database that was emptied under a live node ends the node, which says so, once.
func TestMember_Fenced_ByLostLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		log := &emptied{Log: store.Log}
		store.Log = log
		m := start(t, store, presence.Config{})
		connect(t, m, "ana")
		synctest.Wait()
		log.now.Store(true)
		if err := store.Nodes.Remove(t.Context(), n1e1); err != nil {
			t.Fatal(err)
		}
		<-m.Done()
		if err := m.Err(); !errors.Is(err, presence.ErrLogLost) || strings.Contains(err.Error(), "no such event") {
			t.Errorf("error %v, want ErrLogLost and no more", err)
		}
		if err := m.Shutdown(t.Context()); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
}

// A seal that arrives while the node leaves fences it too.
func TestMember_Shutdown_Fenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		m := start(t, store, presence.Config{})
		synctest.Wait()
		sealedBy(t, store, "n2")
		shutdown(t, m)
		holds(t, store, 0)
		if nodes, err := store.Nodes.All(t.Context()); err != nil || len(nodes) != 0 {
			t.Errorf("nodes: %v, %v", nodes, err)
		}
	})
}

// Who is told to leave when there is no time left records nothing more: what a crash leaves
// is left, and not a part of a farewell.
func TestMember_Shutdown_WithoutTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for range 300 {
			store := newStore()
			m := start(t, store, presence.Config{})
			connect(t, m, "ana")
			synctest.Wait()
			if err := m.Shutdown(gone); !errors.Is(err, context.Canceled) {
				t.Fatalf("shutdown: %v", err)
			}
			if all := stream(t, store, n1e1); len(all) != 2 {
				t.Fatalf("the stream has %d events, want opened and connected", len(all))
			}
		}
	})
}
