package storetest

import (
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// Traces writes into an empty store, wherever a store keeps names, that of a user who was
// there, and others who were there at the same time, of whom some still are: for tests that
// forget him, and then look at the bytes of the database.
func Traces(t *testing.T, s presence.Store, user string) {
	t.Helper()
	w := newScript("n1", 1)
	run := []events.Event{w.opened()}
	var ends []events.Event
	for i := range 300 {
		c := w.connected([]string{user, "stays", "leaves"}[i%3])
		c.Agent = "agent of " + c.User
		run = append(run, c)
		if c.User != "stays" {
			ends = append(ends, c)
		}
	}
	mustRecord(t, s.Recorder, run)
	for _, at := range []uint64{1, 150, 300} {
		_, err := presence.WriteSnapshot(t.Context(), s, w.stream.At(at))
		must(t, err)
	}
	var left []events.Event
	var kicks []presence.Kick
	for _, c := range ends {
		left = append(left, w.disconnected(c, events.Client))
		kicks = append(kicks, kick(c.ID, "goodbye "+c.User))
	}
	mustRecord(t, s.Recorder, left)
	must(t, s.Kicks.Add(t.Context(), kicks))
	ghost := presence.ConnectionOf(run[1])
	ghost.Since = ghost.Since.Add(time.Hour)
	must(t, s.Online.Apply(t.Context(), []presence.Connection{ghost}, nil))
	h := hook(1, "n1/turn")
	h.Odd = []presence.HookOdd{{User: user, Told: true, At: began}}
	h.Pending.Body = `{"data":{"changes":[{"type":"join","user":"` + user + `"}]}}`
	must(t, s.Hooks.Save(t.Context(), h))
	// As of a forget that was killed right after it had begun.
	_, err := s.Forgetting.Begin(t.Context(), user, aTombstone())
	must(t, err)
}
