package webhook

import (
	"context"
	"maps"
	"slices"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// life is one stream of the world.
type life struct {
	id     events.Stream
	tail   uint64
	open   map[uint64]string
	sealed bool
	over   bool
}

func (w *world) record(t tester, l *life, e events.Event) {
	t.Helper()
	e.ID, e.At = l.id.At(l.tail), events.Milliseconds(time.Now())
	if e.Reason == events.NodeLost {
		e.LastSeen = e.At
	}
	if _, err := w.store.Log.Append(context.Background(), []events.Event{e}); err != nil {
		t.Fatalf("append: %v", err)
	}
	l.tail++
}

// claim begins the next epoch of a node whose last one is over.
func (w *world) claim(t tester, node string) *life {
	t.Helper()
	l := &life{id: events.Stream{Node: node, Epoch: 1}, open: make(map[uint64]string)}
	for _, other := range w.streams {
		if other.id.Node == node {
			l.id.Epoch = max(l.id.Epoch, other.id.Epoch+1)
		}
	}
	w.streams = append(w.streams, l)
	w.record(t, l, events.Event{Type: events.Opened, Process: "x"})
	if err := w.store.Nodes.Join(context.Background(), presence.Node{Stream: l.id, Beat: 1}); err != nil {
		t.Fatalf("join: %v", err)
	}
	return l
}

func (w *world) connect(t tester, l *life, user string) uint64 {
	t.Helper()
	seq := l.tail
	w.record(t, l, events.Event{Type: events.Connected, User: user})
	l.open[seq] = user
	w.apply(t, []presence.Connection{{ID: l.id.At(seq), User: user, Since: events.Milliseconds(time.Now())}})
	return seq
}

func (w *world) apply(t tester, add []presence.Connection, remove ...events.Position) {
	t.Helper()
	if err := w.store.Online.Apply(context.Background(), add, remove); err != nil {
		t.Fatalf("apply: %v", err)
	}
}

func (w *world) disconnect(t tester, l *life, seq uint64, r events.Reason) {
	t.Helper()
	w.record(t, l, events.Event{Type: events.Disconnected, User: l.open[seq], Conn: l.id.At(seq), Reason: r})
	delete(l.open, seq)
	if r != events.NodeLost {
		w.apply(t, nil, l.id.At(seq))
	}
}

func (w *world) seal(t tester, l *life, r events.Reason) {
	t.Helper()
	l.sealed = true
	w.record(t, l, events.Event{Type: events.Sealed, By: "z", Reason: r})
}

// end does the next step of a takeover, or of a leave.
func (w *world) end(t tester, l *life) {
	t.Helper()
	if len(l.open) > 0 {
		w.disconnect(t, l, slices.Min(slices.Collect(maps.Keys(l.open))), events.NodeLost)
		return
	}
	if err := w.store.Online.DropStream(context.Background(), l.id); err != nil {
		t.Fatalf("drop: %v", err)
	}
	if err := w.store.Nodes.Remove(context.Background(), l.id); err != nil {
		t.Fatalf("remove: %v", err)
	}
	l.over = true
}

// takeOver ends a stream whole.
func (w *world) takeOver(t tester, l *life) {
	t.Helper()
	if !l.sealed {
		w.seal(t, l, events.NodeLost)
	}
	for !l.over {
		w.end(t, l)
	}
}

// truth is who is online, by what was written.
func (w *world) truth() []string {
	users := []string{}
	for _, l := range w.streams {
		users = slices.AppendSeq(users, maps.Values(l.open))
	}
	slices.Sort(users)
	return slices.Compact(users)
}

// pass lets time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// agrees waits until the receiver believes what is true, and holds that nothing that it
// was told on the way cannot be.
func (w *world) agrees(t tester) {
	t.Helper()
	for began := time.Now(); !slices.Equal(w.receiver.believes(), w.truth()); pass(time.Second) {
		if wrong := w.receiver.complaint(); wrong != "" {
			t.Fatalf("the receiver: %s", wrong)
		}
		if time.Since(began) > time.Hour {
			t.Fatalf("the receiver believes %v, and online are %v", w.receiver.believes(), w.truth())
		}
	}
	if wrong := w.receiver.complaint(); wrong != "" {
		t.Fatalf("the receiver: %s", wrong)
	}
}
