package boltstore

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// began is when the tests' connections begin.
var began = time.UnixMilli(1795428000000).UTC()

// writer makes the events of a stream: it opens, and then connections come, and go
// in another order.
type writer struct {
	stream events.Stream
	next   uint64
	open   []events.Event
}

// run is the next n events.
func (w *writer) run(n int) []events.Event {
	run := make([]events.Event, 0, n)
	for range n {
		run = append(run, w.event())
	}
	return run
}

func (w *writer) event() events.Event {
	e := events.Event{
		ID: w.stream.At(w.next),
		At: began.Add(time.Duration(w.next) * time.Millisecond),
	}
	w.next++
	switch {
	case e.ID.Seq == 0:
		e.Type, e.Process = events.Opened, "token"
	case len(w.open) > 20 || e.ID.Seq%3 == 0 && len(w.open) > 0:
		i := int(e.ID.Seq*7) % len(w.open)
		e.Type, e.User, e.Conn, e.Reason = events.Disconnected, w.open[i].User, w.open[i].ID, events.Client
		w.open = slices.Delete(w.open, i, i+1)
	default:
		e.Type, e.User, e.Remote, e.Agent = events.Connected, fmt.Sprint("user-", e.ID.Seq%50), "203.0.113.7", "boltstore-test/1"
		w.open = append(w.open, e)
	}
	return e
}

// fold reads the stream, and fails the test unless it is dense and its fold is what
// online shows (I1, I4, I6). It returns the fold.
func fold(t testing.TB, s presence.Store, stream events.Stream) *events.Fold {
	t.Helper()
	run, err := s.Log.Read(noContext, stream.At(0), unlimited)
	if err != nil {
		t.Fatal(err)
	}
	f := new(events.Fold)
	for _, e := range run {
		if err := f.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	var want []presence.Connection
	for _, e := range f.Open() {
		want = append(want, presence.ConnectionOf(e))
	}
	got, err := s.Online.OfStream(noContext, stream.At(0), unlimited)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s: online shows %d connections, and its events leave %d", stream, len(got), len(want))
	}
	return f
}

// mustRecord records run.
func mustRecord(t testing.TB, d *DB, run []events.Event) {
	t.Helper()
	n, err := d.Store().Recorder.Record(noContext, run)
	if err != nil || n != len(run) {
		t.Fatalf("%d of %d recorded: %v", n, len(run), err)
	}
}
