package presence_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// reached is a sink that keeps the seqs of the open connections of each stream.
type reached struct {
	open   map[events.Stream][]uint64
	next   map[events.Stream]uint64
	sealed map[events.Stream]bool
	begun  int
	unfit  bool // Apply takes nothing
}

func newReached() *reached {
	return &reached{open: make(map[events.Stream][]uint64), next: make(map[events.Stream]uint64), sealed: make(map[events.Stream]bool)}
}

func (r *reached) Begin(id events.Stream, f *events.Fold) {
	r.begun++
	r.open[id], r.next[id], r.sealed[id] = nil, f.Tail().ID.Seq+1, f.Sealed()
	for _, e := range f.Open() {
		r.open[id] = append(r.open[id], e.ID.Seq)
	}
}

func (r *reached) Apply(id events.Stream, page []events.Event) bool {
	for _, e := range page {
		switch e.Type {
		case events.Connected:
			r.open[id] = append(r.open[id], e.ID.Seq)
		case events.Disconnected:
			r.open[id] = slices.DeleteFunc(r.open[id], func(seq uint64) bool { return seq == e.Conn.Seq })
		case events.Sealed:
			r.sealed[id] = true
		case events.Opened:
		}
		r.next[id]++
	}
	return !r.unfit
}

func (r *reached) Reach(id events.Stream) (uint64, bool) {
	return r.next[id], r.sealed[id] && len(r.open[id]) == 0
}

func (r *reached) End(id events.Stream) {
	delete(r.open, id)
	delete(r.next, id)
	delete(r.sealed, id)
}

// sick is a log whose reads of some streams fail.
type sick struct {
	events.Log
	why map[events.Stream]error
}

func (s sick) Read(ctx context.Context, from events.Position, limit int) ([]events.Event, error) {
	if err := s.why[from.Stream]; err != nil {
		return nil, err
	}
	return s.Log.Read(ctx, from, limit)
}

// slowly is a log whose reads take a while.
type slowly struct {
	events.Log
	take  time.Duration
	reads *int
}

func (s slowly) Read(ctx context.Context, from events.Position, limit int) ([]events.Event, error) {
	*s.reads++
	pass(s.take)
	return s.Log.Read(ctx, from, limit)
}

// walk is a walker over a store in memory, what it reads, and what it says.
type walk struct {
	*presence.Walker
	t     *testing.T
	store presence.Store
	sick  map[events.Stream]error
	sink  *reached
	said  *observer.ObservedLogs
	tails map[events.Stream]uint64
}

func newWalk(t *testing.T) *walk {
	core, said := observer.New(zap.InfoLevel)
	w := &walk{t: t, store: storetest.NewMemory().Store(), sick: make(map[events.Stream]error), sink: newReached(), said: said, tails: make(map[events.Stream]uint64)}
	w.store.Log = sick{w.store.Log, w.sick}
	w.Walker = presence.NewWalker(w.store, w.sink, zap.New(core))
	return w
}

// append writes an event and returns its position.
func (w *walk) append(s events.Stream, e events.Event) events.Position {
	w.t.Helper()
	e.ID, e.At = s.At(w.tails[s]), time.UnixMilli(1_800_000_000_000).UTC()
	w.tails[s]++
	if _, err := w.store.Log.Append(w.t.Context(), []events.Event{e}); err != nil {
		w.t.Fatal(err)
	}
	return e.ID
}

// open begins a stream with one connection, which online shows.
func (w *walk) open(s events.Stream) events.Position {
	w.t.Helper()
	w.append(s, events.Event{Type: events.Opened, Process: "p"})
	p := w.append(s, events.Event{Type: events.Connected, User: "ana"})
	if err := w.store.Online.Apply(w.t.Context(), []presence.Connection{{ID: p, User: "ana", Since: time.UnixMilli(0)}}, nil); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// join makes the node document of a stream.
func (w *walk) join(s events.Stream) {
	w.t.Helper()
	if err := w.store.Nodes.Join(w.t.Context(), presence.Node{Stream: s}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *walk) poll() {
	w.t.Helper()
	if err := w.Poll(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func TestWalker_Poll(t *testing.T) {
	n1, n2 := events.Stream{Node: "n1", Epoch: 1}, events.Stream{Node: "n2", Epoch: 1}

	t.Run("a_failed_look_for_strays_is_repeated", func(t *testing.T) {
		w := newWalk(t)
		w.join(n1)
		w.open(n1)
		w.open(n2) // which has no node document
		w.sick[n1] = events.ErrUnavailable
		if err := w.Poll(t.Context()); !errors.Is(err, events.ErrUnavailable) {
			t.Fatalf("error %v, want ErrUnavailable", err)
		}
		delete(w.sick, n1)
		w.poll()
		if len(w.sink.open[n1]) != 1 || len(w.sink.open[n2]) != 1 {
			t.Errorf("open are %v", w.sink.open)
		}
	})

	t.Run("a_stream_that_makes_no_sense_keeps_no_other_back", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { // where a read takes no time
			w := newWalk(t)
			for _, s := range []events.Stream{n1, n2} {
				w.join(s)
				w.open(s)
			}
			w.sick[n1] = errors.New("an event that nobody could have written")
			w.poll()
			w.poll()
			if len(w.sink.open[n2]) != 1 || w.Wrong() != 1 || w.said.FilterMessageSnippet("makes no sense").Len() != 1 {
				t.Errorf("open are %v; %d wrong; said %v", w.sink.open, w.Wrong(), w.said.All())
			}
			delete(w.sick, n1)
			w.poll()
			if len(w.sink.open[n1]) != 1 || w.Wrong() != 0 || w.said.FilterMessageSnippet("can be read again").Len() != 1 {
				t.Errorf("open are %v; %d wrong; said %v", w.sink.open, w.Wrong(), w.said.All())
			}
		})
	})

	t.Run("what_does_not_fit_is_read_anew", func(t *testing.T) {
		w := newWalk(t)
		w.join(n1)
		w.open(n1)
		w.poll()
		w.append(n1, events.Event{Type: events.Connected, User: "bob"})
		w.sink.unfit = true
		w.poll()
		if len(w.sink.open[n1]) != 2 || w.sink.begun != 2 {
			t.Errorf("open are %v, begun %d times", w.sink.open, w.sink.begun)
		}
	})

	lost := events.Event{Reason: events.NodeLost, LastSeen: time.UnixMilli(1_800_000_000_000).UTC()}
	t.Run("a_stream_ends_when_it_is_over_and_nothing_tells_of_it", func(t *testing.T) {
		w := newWalk(t)
		w.join(n1)
		p := w.open(n1)
		w.poll()
		seal, end := lost, lost
		seal.Type, seal.By = events.Sealed, "n2"
		end.Type, end.User, end.Conn = events.Disconnected, "ana", p
		w.append(n1, seal)
		w.append(n1, end)
		w.poll()
		if _, there := w.sink.next[n1]; !there {
			t.Error("it ended while its node document was there")
		}
		if err := errors.Join(w.store.Online.DropStream(t.Context(), n1), w.store.Nodes.Remove(t.Context(), n1)); err != nil {
			t.Fatal(err)
		}
		w.poll()
		if _, there := w.sink.next[n1]; there {
			t.Error("it did not end")
		}
	})

	t.Run("who_is_left_in_a_stream_that_makes_no_sense_goes_with_its_seal", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { // where a read takes no time
			w := newWalk(t)
			w.join(n1)
			w.open(n1)
			w.poll()
			w.sick[n1] = errors.New("an event that nobody could have written")
			w.poll()
			if len(w.sink.open[n1]) != 1 || w.Wrong() != 1 {
				t.Errorf("before the seal open are %v; %d wrong", w.sink.open, w.Wrong())
			}
			seal := lost
			seal.Type, seal.By = events.Sealed, "n2"
			w.append(n1, seal)
			w.poll()
			w.poll()
			if _, there := w.sink.next[n1]; there || w.Wrong() != 0 || w.said.FilterMessageSnippet("makes no sense").Len() != 1 {
				t.Errorf("open are %v; %d wrong; said %v", w.sink.open, w.Wrong(), w.said.All())
			}
			delete(w.sick, n1)
			for range 3 {
				w.poll()
			}
			// Nobody comes back for the while until the takeover has written that he left.
			if len(w.sink.open[n1]) != 0 || w.Wrong() != 0 || w.said.FilterMessageSnippet("can be read again").Len() != 1 {
				t.Errorf("when it is mended open are %v; said %v", w.sink.open, w.said.All())
			}
		})
	})

	t.Run("who_is_left_in_a_stream_that_makes_no_sense_goes_with_the_last_sign", func(t *testing.T) {
		w := newWalk(t)
		w.join(n1)
		w.open(n1)
		w.poll()
		w.sick[n1] = errors.New("an event that nobody could have written")
		if err := errors.Join(w.store.Online.DropStream(t.Context(), n1), w.store.Nodes.Remove(t.Context(), n1)); err != nil {
			t.Fatal(err)
		}
		for range 11 { // one of which looks for everything
			w.poll()
		}
		if _, there := w.sink.next[n1]; there || w.Wrong() != 0 {
			t.Errorf("open are %v; %d wrong", w.sink.open, w.Wrong())
		}
	})

	t.Run("a_stream_that_makes_no_sense_does_not_hold_up_the_others_each_time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWalk(t)
			w.join(n1)
			w.open(n1)
			reads := 0
			w.store.Log = slowly{w.store.Log, 2 * time.Second, &reads}
			w.sick[n1] = errors.New("an event that nobody could have written")
			w.Walker = presence.NewWalker(w.store, w.sink, zap.NewNop())
			for began := time.Now(); time.Since(began) < 10*time.Minute; pass(500 * time.Millisecond) {
				w.poll()
			}
			if reads < 8 || reads > 20 {
				t.Errorf("%d reads of 2 s in 10 minutes", reads)
			}
			delete(w.sick, n1)
			pass(time.Minute)
			if w.poll(); len(w.sink.open[n1]) != 1 {
				t.Errorf("when it is mended open are %v", w.sink.open)
			}
		})
	})

	t.Run("who_is_left_goes_with_the_last_sign", func(t *testing.T) {
		w := newWalk(t)
		w.join(n1)
		w.open(n1)
		w.poll()
		if err := errors.Join(w.store.Online.DropStream(t.Context(), n1), w.store.Nodes.Remove(t.Context(), n1)); err != nil {
			t.Fatal(err)
		}
		w.poll()
		if len(w.sink.open[n1]) != 1 {
			t.Fatal("it ended by a poll that has not looked for everything")
		}
		for range 10 { // one of which looks for everything
			w.poll()
		}
		if _, there := w.sink.next[n1]; there {
			t.Error("it did not end")
		}
	})
}
