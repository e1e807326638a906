package presence_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// world is a log as several nodes may have written it in several epochs, with the
// moments at which snapshots were written.
type world struct {
	store   presence.Store
	streams [][]events.Event
	beats   map[events.Stream]time.Time
	began   time.Time
	ended   time.Time // the time of the last event
	now     time.Time
}

var crowdNames = []string{"ana", "bob", "cleo", "ana-2"}

// genWorld makes logs in which events are seconds, milliseconds, or nothing apart, nodes
// are lost or leave, and the last epoch of each is open, lost, half taken over, or ended.
func genWorld(t *rapid.T) *world {
	w := &world{
		store: storetest.NewMemory().Store(), beats: make(map[events.Stream]time.Time),
		began: events.Milliseconds(time.Now()).Add(-time.Hour),
	}
	w.store.Nodes = beats{w.store.Nodes, w.beats}
	for _, node := range []string{"n1", "n1-a", "n2"}[:rapid.IntRange(1, 3).Draw(t, "nodes")] {
		at := w.began.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "opens after")) * time.Second)
		epochs := uint32(rapid.IntRange(1, 4).Draw(t, "epochs"))
		for epoch := uint32(1); epoch <= epochs; epoch++ {
			at = w.life(t, events.Stream{Node: node, Epoch: epoch}, at, epoch < epochs)
		}
	}
	w.now = events.Milliseconds(time.Now())
	return w
}

// life writes one stream, and returns when it ended.
func (w *world) life(t *rapid.T, s events.Stream, at time.Time, seal bool) time.Time {
	gaps := []time.Duration{0, 0, time.Millisecond, time.Second, 7 * time.Second}
	next := func() time.Time {
		at = at.Add(rapid.SampledFrom(gaps).Draw(t, "gap"))
		return at
	}
	run := []events.Event{{ID: s.At(0), Type: events.Opened, At: next(), Process: "p"}}
	var open []events.Event
	for range rapid.IntRange(0, 30).Draw(t, "events") {
		e := events.Event{ID: s.At(uint64(len(run))), At: next()}
		if len(open) > 0 && rapid.Bool().Draw(t, "leaves") {
			i := rapid.IntRange(0, len(open)-1).Draw(t, "who leaves")
			e.Type, e.User, e.Conn, e.Reason = events.Disconnected, open[i].User, open[i].ID, events.Client
			open = slices.Delete(open, i, i+1)
		} else {
			e.Type, e.User = events.Connected, rapid.SampledFrom(crowdNames).Draw(t, "user")
			e.Remote, e.Agent = "203.0.113.7", "test/1"
			if s.Epoch > 1 && rapid.Bool().Draw(t, "resumes") {
				e.Resumes = events.Stream{Node: s.Node, Epoch: s.Epoch - 1}.At(1)
			}
			open = append(open, e)
		}
		run = append(run, e)
	}
	if seal || rapid.Bool().Draw(t, "ends") {
		run = w.end(t, run, open, next, seal)
	} else {
		w.beats[s] = run[rapid.IntRange(0, len(run)-1).Draw(t, "last beat")].At.Add(rapid.SampledFrom(gaps).Draw(t, "after"))
		if rapid.Bool().Draw(t, "lives") {
			w.beats[s] = events.Milliseconds(time.Now())
		}
	}
	w.write(t, run)
	return next()
}

// end is the stream with its end: in good order, or by a takeover, which may have
// stopped in the middle.
func (w *world) end(t *rapid.T, run, open []events.Event, next func() time.Time, whole bool) []events.Event {
	id := func() events.Position { return run[0].ID.At(uint64(len(run))) }
	slices.SortFunc(open, func(a, b events.Event) int { return int(a.ID.Seq) - int(b.ID.Seq) })
	if rapid.Bool().Draw(t, "in good order") {
		for _, c := range open {
			run = append(run, events.Event{ID: id(), Type: events.Disconnected, At: next(), User: c.User, Conn: c.ID, Reason: events.Shutdown})
		}
		return append(run, events.Event{ID: id(), Type: events.Sealed, At: next(), By: run[0].ID.Node, Reason: events.Shutdown})
	}
	seen := run[rapid.IntRange(0, len(run)-1).Draw(t, "last beat")].At
	run = append(run, events.Event{ID: id(), Type: events.Sealed, At: next(), By: "n9", Reason: events.NodeLost, LastSeen: seen})
	ends := len(open)
	if !whole {
		ends = rapid.IntRange(0, len(open)).Draw(t, "ends written")
	}
	for _, c := range open[:ends] {
		run = append(run, events.Event{ID: id(), Type: events.Disconnected, At: next(), User: c.User, Conn: c.ID, Reason: events.NodeLost, LastSeen: seen})
	}
	return run
}

// write stores a stream, its node's document, and some snapshots, of which some are not
// whole, as when their writer died.
func (w *world) write(t *rapid.T, run []events.Event) {
	s := run[0].ID.Stream
	if n, err := w.store.Log.Append(t.Context(), run); err != nil || n != len(run) {
		t.Fatalf("append %d: %d, %v", len(run), n, err)
	}
	if beat, lives := w.beats[s]; lives && rapid.IntRange(0, 4).Draw(t, "has a node document") > 0 {
		w.join(t, s, beat)
	} else {
		delete(w.beats, s)
	}
	owned := uint64(slices.IndexFunc(append(run, events.Event{Type: events.Sealed}), func(e events.Event) bool { return e.Type == events.Sealed }))
	for range rapid.IntRange(0, 3).Draw(t, "snapshots") {
		at := s.At(rapid.Uint64Range(0, owned-1).Draw(t, "snapshot at"))
		if rapid.IntRange(0, 3).Draw(t, "whole") > 0 {
			if _, err := presence.WriteSnapshot(t.Context(), w.store, at); err != nil {
				t.Fatal(err)
			}
			continue
		}
		lie := presence.Chunk{Of: at, Chunks: 2, At: run[at.Seq].At, Version: 1}
		if rapid.Bool().Draw(t, "of a later version") {
			lie.Chunks, lie.Version = 1, 2
		}
		if err := w.store.Snapshots.Add(t.Context(), []presence.Chunk{lie}); err != nil {
			t.Fatal(err)
		}
	}
	w.streams = append(w.streams, run)
	w.ended = latest(w.ended, run[len(run)-1].At)
}

// join writes the node document of a stream as it was at a beat.
func (w *world) join(t *rapid.T, s events.Stream, beat time.Time) {
	if err := w.store.Nodes.Join(t.Context(), presence.Node{Stream: s, Beat: 1}); err != nil {
		t.Fatal(err)
	}
	w.beats[s] = beat
}

// TestHistory_AgreesWithAModel_I8 asks random questions of a random log, and compares
// the answers, which begin at snapshots where there are any, with those of a model that
// looks at every event.
func TestHistory_AgreesWithAModel_I8(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t)
		h := presence.NewHistory(w.store)
		for range rapid.IntRange(1, 12).Draw(t, "questions") {
			w.ask(t, h, pastOf(w.streams, w.beats, w.now))
		}
	})
}

// ask asks one question, and compares the answer.
func (w *world) ask(t *rapid.T, h *presence.History, want past) {
	switch rapid.IntRange(0, 3).Draw(t, "question") {
	case 0:
		w.askOnlineAt(t, h, want)
	case 1:
		w.askSessions(t, h, want)
	case 2:
		w.askLastSeen(t, h, want)
	case 3:
		w.askTimeline(t, h, want)
	}
}

// time is a time not before one: of an event, or near it.
func (w *world) time(t *rapid.T, from time.Time) time.Time {
	run := rapid.SampledFrom(w.streams).Draw(t, "stream")
	at := rapid.SampledFrom(run).Draw(t, "event").At
	at = at.Add(time.Duration(rapid.SampledFrom([]int{0, 0, -1, 1, 900, 16_000, -3000}).Draw(t, "off by")) * time.Millisecond)
	return latest(at, from)
}

func (w *world) askOnlineAt(t *rapid.T, h *presence.History, want past) {
	at := w.time(t, want.horizon)
	if rapid.IntRange(0, 5).Draw(t, "now") == 0 {
		at = w.now
	}
	users, total, unknown := want.onlineAt(at)
	q := presence.UserQuery{Limit: rapid.IntRange(1, 5).Draw(t, "limit")}
	if rapid.Bool().Draw(t, "by name") {
		q.Users = rapid.SliceOfDistinct(rapid.SampledFrom(crowdNames), rapid.ID).Draw(t, "users")
		users = slices.DeleteFunc(users, func(u presence.UserAt) bool { return !slices.Contains(q.Users, u.User) })
	}
	var got []presence.UserAt
	for more := true; more; more = q.After != "" {
		page, err := h.OnlineAt(t.Context(), at.Add(time.Microsecond), q)
		if err != nil || page.Total != total || page.Unknown != unknown || page.At != at || len(page.Users) > q.Limit {
			t.Fatalf("at %v: %+v, %v; want total %d, unknown %d", at, page, err, total, unknown)
		}
		got = append(got, page.Users...)
		q.After = page.Next
	}
	if !slices.Equal(got, users) {
		t.Fatalf("at %v (%v after the beginning) online\nwere %+v\nwant %+v\n%s", at, at.Sub(w.began), got, users, w)
	}
}

func (w *world) askSessions(t *rapid.T, h *presence.History, want past) {
	var from, to time.Time
	if rapid.Bool().Draw(t, "from") {
		from = w.time(t, time.Time{})
	}
	if rapid.Bool().Draw(t, "to") {
		to = w.time(t, time.Time{})
	}
	q := presence.SessionQuery{User: rapid.SampledFrom(crowdNames).Draw(t, "user"), From: from, To: to, Limit: rapid.IntRange(1, 5).Draw(t, "limit")}
	var got []presence.Session
	for more := true; more; more = q.After != "" {
		page, err := h.Sessions(t.Context(), q)
		if err != nil || page.From != latest(from, want.horizon) || len(page.Sessions) > q.Limit {
			t.Fatalf("%+v: %+v, %v", q, page, err)
		}
		got = append(got, page.Sessions...)
		q.After = page.Next
	}
	if all := want.sessions(q.User, from, to); !slices.Equal(got, all) {
		t.Fatalf("sessions of %s from %v to %v\nare  %+v\nwant %+v\n%s", q.User, from, to, got, all, w)
	}
}

func (w *world) askLastSeen(t *rapid.T, h *presence.History, want past) {
	users := rapid.SliceOfDistinct(rapid.SampledFrom(append(crowdNames, "nobody")), rapid.ID).Draw(t, "users")
	var all []presence.Sighting
	for _, user := range users {
		if seen, ever := want.lastSeen(user); ever {
			all = append(all, seen)
		}
	}
	seen, err := h.LastSeen(t.Context(), users)
	got := seen.Users
	for i := range got {
		got[i] = want.within(got[i])
	}
	if err != nil || !slices.Equal(got, all) {
		t.Fatalf("last seen\nis   %+v, %v\nwant %+v\n%s", got, err, all, w)
	}
}

// String is the log, for who looks for a fault.
func (w *world) String() (text string) {
	for _, run := range w.streams {
		for _, e := range run {
			text += fmt.Sprintf("%8v %s %s %s %s %v\n", e.At.Sub(w.began), e.ID, e.Type, e.User, e.Conn, e.Reason)
		}
		text += fmt.Sprintf("beat %v\n", w.beats[run[0].ID.Stream].Sub(w.began))
	}
	return text
}
