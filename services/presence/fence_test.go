package presence_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// sealedBy seals the stream of n1 as a peer does in a takeover.
func sealedBy(t *testing.T, store presence.Store, peer string) {
	t.Helper()
	tail, err := store.Log.Tail(t.Context(), n1e1)
	if err != nil {
		t.Fatal(err)
	}
	now := events.Milliseconds(time.Now())
	_, err = store.Log.Append(t.Context(), []events.Event{{
		ID: tail.ID.Next(), Type: events.Sealed, At: now, By: peer, Reason: events.NodeLost, LastSeen: now,
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// lost waits until a member has lost its stream, and returns why.
func lost(t *testing.T, m *presence.Member) error {
	t.Helper()
	select {
	case <-m.Done():
		return m.Err()
	case <-time.After(time.Minute):
		t.Fatal("the stream is not lost")
		return nil
	}
}

// I2: a node whose stream was sealed by another records nothing more, whichever of
// its loops finds out, and leaves no ghost.
func TestMember_Fenced(t *testing.T) {
	for name, find := range map[string]func(t *testing.T, m *presence.Member){
		"by its next append":           func(t *testing.T, m *presence.Member) { connect(t, m, "late") },
		"by the tail read at its beat": func(*testing.T, *presence.Member) { pass(2 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { fenced(t, find) })
		})
	}
}

func fenced(t *testing.T, find func(*testing.T, *presence.Member)) {
	store := newStore()
	m := start(t, store, presence.Config{})
	connect(t, m, "ana")
	synctest.Wait()
	sealedBy(t, store, "n2")
	find(t, m)

	if err := lost(t, m); !errors.Is(err, presence.ErrFenced) {
		t.Errorf("lost its stream with: %v", err)
	}
	if err := m.Admit(); !errors.Is(err, presence.ErrStopped) {
		t.Errorf("admit: %v", err)
	}
	if err := m.Ready(); !errors.Is(err, presence.ErrFenced) {
		t.Errorf("ready: %v", err)
	}
	if err := m.Shutdown(t.Context()); !errors.Is(err, presence.ErrFenced) {
		t.Errorf("shutdown: %v", err)
	}
	holds(t, store, 0)
	if len(online(t, store)) != 0 {
		t.Errorf("online: %v", online(t, store))
	}
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
		pass(2 * time.Second)
		if err := lost(t, m); !errors.Is(err, presence.ErrBeatLost) {
			t.Errorf("lost its stream with: %v", err)
		}
		if err := m.Shutdown(t.Context()); !errors.Is(err, presence.ErrFenced) {
			t.Errorf("shutdown: %v", err)
		}
		holds(t, store, 0)
	})
}

// A seal that arrives while the node leaves fences it too.
func TestMember_Shutdown_Fenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		m := start(t, store, presence.Config{})
		synctest.Wait()
		sealedBy(t, store, "n2")
		if err := m.Shutdown(t.Context()); !errors.Is(err, presence.ErrFenced) {
			t.Errorf("shutdown: %v", err)
		}
		holds(t, store, 0)
		if nodes, err := store.Nodes.All(t.Context()); err != nil || len(nodes) != 0 {
			t.Errorf("nodes: %v, %v", nodes, err)
		}
	})
}
