package presence_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// I3, I4: a start after a crash ends the older epoch, then claims the next.
func TestMember_Start_AfterCrash(t *testing.T) {
	for name, exclusive := range map[string]bool{"shared store": false, "exclusive store": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { startAfterCrash(t, exclusive) })
		})
	}
}

func startAfterCrash(t *testing.T, exclusive bool) {
	store := newStore()
	store.Exclusive = exclusive
	dead := start(t, store, presence.Config{})
	a, b := connect(t, dead, "ana"), connect(t, dead, "bob")
	synctest.Wait()
	dead.Disconnect(&b.Conn, events.Client)
	pass(time.Minute)
	dead.Die()
	pass(time.Hour)

	began := time.Now()
	m := start(t, store, presence.Config{})
	if waited := time.Since(began); exclusive != (waited < time.Second) {
		t.Errorf("waited %s for a sign of life", waited)
	}
	if m.Stream() != n1e2 {
		t.Errorf("claimed %s", m.Stream())
	}
	holds(t, store, 0)
	all := stream(t, store, n1e1)
	seal, lost := all[len(all)-2], all[len(all)-1]
	if seal.Type != events.Sealed || seal.Reason != events.NodeLost || lost.Conn != a.id(t) || lost.Reason != events.NodeLost {
		t.Errorf("the older epoch ends with %+v, %+v", seal, lost)
	}
	if gap := seal.At.Sub(seal.LastSeen); gap < time.Hour || gap > time.Hour+time.Minute || lost.LastSeen != seal.LastSeen {
		t.Errorf("last seen %s, sealed %s", seal.LastSeen, seal.At)
	}
	shutdown(t, m)
}

// The incumbent stays, the newcomer gives way and says what to change.
func TestMember_Start_DuplicateNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		incumbent := start(t, store, presence.Config{})
		_, err := begin(t, store, presence.Config{})
		if !errors.Is(err, presence.ErrDuplicateNode) || !strings.Contains(err.Error(), "NODE_ID") || !strings.Contains(err.Error(), "localhost:1") {
			t.Errorf("the newcomer: %v", err)
		}
		if err := incumbent.Ready(); err != nil {
			t.Errorf("the incumbent: %v", err)
		}
		shutdown(t, incumbent)
		holds(t, store, 0)
	})
}

// A crash between the claim and the node document leaves an epoch without one.
func TestMember_Start_AfterClaimWithoutNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		_, err := store.Log.Append(t.Context(), []events.Event{{
			ID: n1e1.At(0), Type: events.Opened, At: events.Milliseconds(time.Now()), Process: "another",
		}})
		if err != nil {
			t.Fatal(err)
		}
		m := start(t, store, presence.Config{})
		if m.Stream() != n1e2 {
			t.Errorf("claimed %s", m.Stream())
		}
		holds(t, store, 0)
		shutdown(t, m)
	})
}

// An epoch that another process began while the one before it was watched is watched
// too: the newcomer gives way, and does not take a live process for a dead one.
func TestMember_Start_WhileAnotherStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := died(t, 7)
		second, err := presence.New(store, presence.Config{Node: "n1", Addr: "localhost:2", Version: "test"})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		time.AfterFunc(3*time.Second, func() { ended <- second.Start(context.Background()) })
		first := start(t, store, presence.Config{})
		if err := <-ended; !errors.Is(err, presence.ErrDuplicateNode) {
			t.Errorf("the second newcomer: %v", err)
			defer second.Die()
		}
		pass(5 * time.Second)
		if err := first.Ready(); err != nil || first.Stream() != n1e2 {
			t.Errorf("the first newcomer writes %s: %v", first.Stream(), err)
		}
		shutdown(t, first)
		holds(t, store, 0)
	})
}

// I3: of many that start at once with one node id, one gets the epoch.
func TestMember_Start_OneClaimant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		type outcome struct {
			m   *presence.Member
			err error
		}
		outcomes := make(chan outcome)
		const racers = 8
		for range racers {
			go func() {
				m, err := presence.New(store, presence.Config{Node: "n1"})
				if err == nil {
					err = m.Start(t.Context())
				}
				outcomes <- outcome{m, err}
			}()
		}
		var winner *presence.Member
		for range racers {
			switch o := <-outcomes; {
			case o.err == nil && winner == nil:
				winner = o.m
			case !errors.Is(o.err, presence.ErrDuplicateNode):
				t.Errorf("a racer ended with %v", o.err)
			}
		}
		if winner == nil {
			t.Fatal("nobody claimed the epoch")
		}
		shutdown(t, winner)
		holds(t, store, 0)
	})
}

func TestNew_Refuses(t *testing.T) {
	for name, cfg := range map[string]presence.Config{
		"node id": {Node: "N1"},
		"queue":   {Node: "n1", Queue: 1},
	} {
		if _, err := presence.New(presence.Store{}, cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// pausing is the node documents, as a process sees them that stands still right after
// it has read them for the n-th time.
type pausing struct {
	presence.Nodes
	n   int
	far time.Duration
}

func (p *pausing) All(ctx context.Context) ([]presence.Node, error) {
	nodes, err := p.Nodes.All(ctx)
	if p.n--; p.n == 0 {
		pass(p.far)
	}
	return nodes, err
}

// A newcomer that stands still while it watches does not take its own pause for the
// incumbent's silence.
func TestMember_Start_DuplicateNode_NewcomerPaused(t *testing.T) {
	for looks := range 4 {
		t.Run(fmt.Sprint("at look ", looks+1), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newStore()
				incumbent := start(t, store, presence.Config{})
				synctest.Wait()
				paused := store
				paused.Nodes = &pausing{store.Nodes, looks + 1, 8 * time.Second}
				if _, err := begin(t, paused, presence.Config{}); !errors.Is(err, presence.ErrDuplicateNode) {
					t.Errorf("the newcomer: %v", err)
				}
				if err := incumbent.Ready(); err != nil {
					t.Errorf("the incumbent: %v", err)
				}
				shutdown(t, incumbent)
			})
		})
	}
}
