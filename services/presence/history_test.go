package presence_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// A node dies with a connection: it was online until the last beat, then nobody knows,
// until a peer declares the node lost.
func TestHistory_NodeLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		peer := start(t, store, presence.Config{Node: "n2"})
		m := start(t, store, presence.Config{})
		pass(time.Second)
		began := events.Milliseconds(time.Now())
		ana, bob := connect(t, m, "ana"), connect(t, m, "bob")
		pass(5 * time.Second)
		m.Disconnect(&bob.Conn, events.Client)
		left := events.Milliseconds(time.Now())
		pass(time.Second)
		m.Die()
		pass(time.Minute)
		h := presence.NewHistory(store)
		sightings, err := h.LastSeen(t.Context(), []string{"ana", "nobody", "bob"})
		seen := sightings.Users
		if err != nil || len(seen) != 2 {
			t.Fatalf("last seen %+v, %v", seen, err)
		}
		lost, declared := seen[0].Last, seen[0].Declared
		if lost.Before(left) || declared.Sub(lost) < 10*time.Second || declared.Sub(lost) > 20*time.Second {
			t.Errorf("last seen %v, declared lost %v", lost, declared)
		}
		if bob := seen[1]; bob != (presence.Sighting{User: "bob", State: presence.StateOffline, Last: left}) {
			t.Errorf("bob is %+v, want last seen %v", bob, left)
		}
		const ms = time.Millisecond
		for _, c := range []struct {
			at   time.Time
			user string
			want presence.State
		}{
			{began.Add(-ms), "ana", presence.StateOffline}, {began, "ana", presence.StateOnline},
			{left.Add(-ms), "bob", presence.StateOnline}, {left, "bob", presence.StateOffline},
			{lost, "ana", presence.StateOnline}, {lost.Add(ms), "ana", presence.StateUnknown},
			{declared.Add(-ms), "ana", presence.StateUnknown}, {declared, "ana", presence.StateOffline},
		} {
			page, err := h.OnlineAt(t.Context(), c.at, presence.UserQuery{Users: []string{c.user}, Limit: 1})
			got := presence.StateOffline
			if len(page.Users) == 1 {
				got = page.Users[0].State
			}
			if err != nil || got != c.want {
				t.Errorf("%s at %v is %v (%v), want %v", c.user, c.at, got, err, c.want)
			}
		}
		sessions, err := h.Sessions(t.Context(), presence.SessionQuery{User: "ana", Limit: 10})
		want := presence.Session{
			Connection: ana.id(t), User: "ana", Since: began, Until: declared, LastSeen: lost,
			Reason: events.NodeLost, State: presence.StateOffline, Remote: "203.0.113.0", Agent: "test/1",
		}
		if err != nil || len(sessions.Sessions) != 1 || sessions.Sessions[0] != want {
			t.Errorf("sessions %+v, %v, want %+v", sessions, err, want)
		}
		shutdown(t, peer)
	})
}

// Retention deletes what is just being read, and has come through half of the streams: the
// answer is the one of who asks when that is done.
func TestHistory_BesideRetention(t *testing.T) {
	began := events.Milliseconds(time.Now()).Add(-time.Hour)
	horizon := began.Add(30 * time.Minute)
	lived := func(t *testing.T) presence.Store {
		store := storetest.NewMemory().Store()
		for node, left := range map[string]time.Time{"n1": began.Add(20 * time.Minute), "n2": began.Add(10 * time.Minute)} {
			s := events.Stream{Node: node, Epoch: 1}
			if _, err := store.Log.Append(t.Context(), []events.Event{
				{ID: s.At(0), Type: events.Opened, At: began, Process: "p"},
				{ID: s.At(1), Type: events.Connected, At: began, User: "ana"},
				{ID: s.At(2), Type: events.Disconnected, At: left, User: "ana", Conn: s.At(1), Reason: events.Client},
				{ID: s.At(3), Type: events.Sealed, At: left, By: node, Reason: events.Shutdown},
			}); err != nil {
				t.Fatal(err)
			}
		}
		return store
	}
	// beside is a history during whose first call of op one stream of two is cut.
	beside := func(t *testing.T, op storetest.Op) *presence.History {
		store := lived(t)
		cuts, err := presence.PlanRetention(t.Context(), store, horizon)
		if err != nil || len(cuts) != 2 {
			t.Fatal(cuts, err)
		}
		done := false
		return presence.NewHistory(storetest.NewFaulty(store, func(c storetest.Call) storetest.Action {
			if c.Op == op && !done {
				done = true
				if err := presence.Retain(context.Background(), store, horizon, cuts[:1], func(presence.Cut) {}); err != nil {
					t.Error(err)
				}
			}
			return storetest.Action{}
		}).Store())
	}
	t.Run("sessions", func(t *testing.T) {
		page, err := beside(t, storetest.PastOfUser).Sessions(t.Context(), presence.SessionQuery{User: "ana", Limit: 10})
		if err != nil || page.From != horizon || len(page.Sessions) != 0 {
			t.Errorf("%+v, %v; want none, from %v on", page, err, horizon)
		}
	})
	t.Run("last_seen", func(t *testing.T) {
		seen, err := beside(t, storetest.PastLast).LastSeen(t.Context(), []string{"ana"})
		if err != nil || len(seen.Users) != 0 {
			t.Errorf("%+v, %v; want nobody: all that is older than %v is forgotten", seen, err, horizon)
		}
	})
	t.Run("online_at", func(t *testing.T) {
		_, err := beside(t, storetest.LogRead).OnlineAt(t.Context(), began.Add(time.Minute), presence.UserQuery{Limit: 1})
		if !errors.Is(err, presence.ErrForgotten) {
			t.Errorf("%v, want ErrForgotten", err)
		}
	})
}
