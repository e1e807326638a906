package presence_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
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
		seen, err := h.LastSeen(t.Context(), []string{"ana", "nobody", "bob"})
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
