package presence_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// TestRetain_ChangesNoAnswer_I9 deletes what is older than a random horizon, once or more
// often, often stopping in the middle, from a log of which a history has been asked
// before, and asks random questions about the time from the horizon on. The model looks
// at every event that there ever was.
func TestRetain_ChangesNoAnswer_I9(t *testing.T) {
	deleted, partly := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t)
		h := presence.NewHistory(w.store) // it knows streams that will be cut
		w.ask(t, h, pastOf(w.streams, w.beats, w.now))
		var horizon time.Time
		for range rapid.IntRange(1, 3).Draw(t, "times") {
			at := w.time(t, time.Time{})
			cuts := w.retain(t, at)
			if len(cuts) > 0 {
				horizon = latest(horizon, at)
			}
			for _, c := range cuts {
				deleted++
				if !c.Whole {
					partly++
				}
			}
			for range 4 {
				want := pastOf(w.streams, w.beats, w.now)
				want.horizon = horizon
				w.ask(t, h, want)
				w.ask(t, presence.NewHistory(w.store), want)
			}
			w.folds(t)
		}
	})
	if deleted == 0 || partly == 0 {
		t.Errorf("%d streams were cut, %d of them in the middle", deleted, partly)
	}
}

// retain deletes, and may be stopped in the middle, when it is tried again, or not.
func (w *world) retain(t *rapid.T, horizon time.Time) []presence.Cut {
	cuts, err := presence.PlanRetention(t.Context(), w.store, horizon)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cuts {
		w.mayGo(t, c, horizon)
	}
	store := w.store
	if rapid.Bool().Draw(t, "stops") {
		calls := rapid.IntRange(1, 12).Draw(t, "after calls")
		store = storetest.NewFaulty(store, func(c storetest.Call) storetest.Action {
			if c.N >= calls {
				return storetest.Action{Fault: storetest.Before}
			}
			return storetest.Action{}
		}).Store()
	}
	err = presence.Retain(t.Context(), store, horizon, cuts, func(presence.Cut) {})
	if err != nil && !errors.Is(err, storetest.ErrInjected) {
		t.Fatal(err)
	}
	return cuts
}

// mayGo fails if a cut names what must stay.
func (w *world) mayGo(t *rapid.T, c presence.Cut, horizon time.Time) {
	run := w.streams[slices.IndexFunc(w.streams, func(r []events.Event) bool { return r[0].ID.Stream == c.Below.Stream })]
	for _, e := range run[:c.Below.Seq] {
		if !e.At.Before(horizon) {
			t.Fatalf("%s is not older than %v", e.ID, horizon)
		}
	}
	isHighest := !slices.ContainsFunc(w.streams, func(r []events.Event) bool {
		return r[0].ID.Node == c.Below.Node && r[0].ID.Epoch > c.Below.Epoch
	})
	sealed := slices.IndexFunc(run, events.Event.Seals)
	if isHighest && (c.Whole || sealed < 0 || c.Below.Seq > run[sealed].ID.Seq) {
		t.Fatalf("%s is the highest epoch of its node", c.Below.Stream)
	}
}

// folds fails unless every stream that is left can be folded, to what it was before (I1,
// I8).
func (w *world) folds(t *rapid.T) {
	for _, run := range w.streams {
		s := run[0].ID.Stream
		if _, err := w.store.Log.Tail(t.Context(), s); errors.Is(err, events.ErrNotFound) {
			continue
		}
		var want events.Fold
		for _, e := range run {
			if err := want.Apply(e); err != nil {
				t.Fatal(err)
			}
		}
		f, err := presence.FoldStream(t.Context(), w.store, s)
		if err != nil || !f.Tail().StandsFor(want.Tail()) || f.Seal() != want.Seal() || f.Len() != want.Len() {
			t.Fatalf("%s: %d open, tail %s, %v; want %d, %s\n%s", s, f.Len(), f.Tail().ID, err, want.Len(), want.Tail().ID, w)
		}
	}
}

func TestRetain_LeavesWhatIsNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		life := func(last func(*presence.Member)) time.Time {
			m := start(t, store, presence.Config{})
			connect(t, m, "ana")
			pass(time.Minute)
			last(m)
			return time.Now()
		}
		left := func(m *presence.Member) { shutdown(t, m) }
		plan := func(horizon time.Time, want int) []presence.Cut {
			t.Helper()
			cuts, err := presence.PlanRetention(t.Context(), store, horizon)
			if err != nil || len(cuts) != want {
				t.Errorf("cuts %v, %v, want %d", cuts, err, want)
			}
			return cuts
		}
		pass(time.Hour)
		first := life(left)
		if c := plan(time.Now().Add(time.Hour), 1)[0]; c.Whole || c.Below != n1e1.At(3) {
			t.Errorf("of the highest epoch not only the seal is left: %v", c)
		}
		life((*presence.Member).Die)
		plan(time.Now().Add(time.Hour), 1) // the second is not sealed
		plan(first, 1)                     // the horizon cuts off the beginning
		plan(first.Add(-2*time.Minute), 0)
		m := start(t, store, presence.Config{})
		for _, c := range plan(time.Now().Add(time.Second), 2) {
			if !c.Whole || c.Below.Epoch > 2 {
				t.Errorf("cut %v", c)
			}
		}
		late := presence.Node{Stream: n1e2, Beat: 1} // somebody is still at it
		if err := store.Nodes.Join(t.Context(), late); err != nil {
			t.Fatal(err)
		}
		cuts := plan(time.Now().Add(time.Second), 1)
		made := 0
		horizon := time.Now().Add(time.Second)
		if err := presence.Retain(t.Context(), store, horizon, cuts, func(presence.Cut) { made++ }); err != nil || made != 1 {
			t.Errorf("%d cuts made, %v", made, err)
		}
		if _, err := store.Log.Tail(t.Context(), n1e1); !errors.Is(err, events.ErrNotFound) {
			t.Errorf("the first epoch is there: %v", err)
		}
		_, err := presence.NewHistory(store).OnlineAt(context.Background(), first, presence.UserQuery{Limit: 1})
		if !errors.Is(err, presence.ErrForgotten) {
			t.Errorf("before the horizon: %v", err)
		}
		shutdown(t, m)
	})
}
