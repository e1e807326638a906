package presence_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// died is a store in which the first epoch of n1 died with open connections, some of
// which online has and some of which it has not.
func died(t *testing.T, connections int) presence.Store {
	t.Helper()
	store := newStore()
	m := start(t, store, presence.Config{})
	for i := range connections {
		connect(t, m, fmt.Sprint("u", i))
	}
	synctest.Wait()
	m.Die()
	apply(t, store, nil, []events.Position{n1e1.At(2), n1e1.At(5)})
	return store
}

// I10: a takeover that stops at any step is completed by the next start.
func TestMember_Start_AfterTakeoverThatStopped(t *testing.T) {
	for steps := 0; ; steps++ {
		finished := false
		t.Run(fmt.Sprint("after ", steps, " operations"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { finished = stoppedAfter(t, steps) })
		})
		if finished {
			if steps < 8 {
				t.Errorf("a takeover took %d operations, which is too few to be one", steps)
			}
			return
		}
	}
}

// stoppedAfter reports whether a start needs no more than a number of operations.
func stoppedAfter(t *testing.T, steps int) bool {
	store := died(t, 7)
	ctx, crash := context.WithCancel(t.Context())
	defer crash()
	first, err := presence.New(storetest.NewFaulty(store, until(steps, crash)).TwoSteps(), presence.Config{Node: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	began := first.Start(ctx) == nil
	if began {
		first.Die()
	}
	second := start(t, store, presence.Config{})
	holds(t, store, 0)
	if tail, err := store.Log.Tail(t.Context(), n1e1); err != nil || !tail.Seals() || tail.ID.Seq != 7+1+7 {
		t.Errorf("the first epoch ends with %+v, %v", tail, err)
	}
	shutdown(t, second)
	nodes, err := store.Nodes.All(t.Context())
	if err != nil || len(nodes) != 0 {
		t.Errorf("nodes: %v, %v", nodes, err)
	}
	return began
}

// Many peers that take over one stream at once, their clocks apart, write one end.
func TestMember_TakeOver_ManyPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const open = 2500
		store := died(t, open)
		done := make(chan error)
		const peers = 5
		for i := range peers {
			go func() {
				m, err := presence.New(store, presence.Config{Node: fmt.Sprint("p", i)})
				if err == nil {
					pass(time.Duration(i) * time.Microsecond)
					err = m.TakeOver(t.Context(), n1e1)
				}
				done <- err
			}()
		}
		for range peers {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		holds(t, store, 0)
		if all := stream(t, store, n1e1); len(all) != 1+open+1+open {
			t.Errorf("%d events, want %d", len(all), 1+open+1+open)
		}
	})
}
