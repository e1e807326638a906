package presence

import (
	"context"
	"fmt"
	"time"

	"github.com/presenced/presence/events"
)

// tide is how the connections of one stream come and go, in the order of time: by the
// events of its owner; when they become unknown, since they got no end from him; and at
// the seal, with which all that are left go.
type tide struct {
	span

	next time.Time      // of the next change; zero: there will be none
	fold *events.Fold   // through the last event that was looked at; nil: not begun
	page []events.Event // that follow, not yet looked at

	// The connections that get no end from the owner, in the order in which they begin,
	// so also in that in which they become unknown; none if none does until the walk
	// ends. So many of them are unknown by now.
	endless []endless
	turned  int
}

// endless is what is to be known of a connection before it becomes unknown.
type endless struct {
	seq   uint64
	since time.Time
}

// begin goes on from a fold, whose connections are there.
func (t *tide) begin(ctx context.Context, w *walk, f *events.Fold) error {
	if err := t.foresee(ctx, w); err != nil {
		return err
	}
	t.fold = f
	for _, e := range f.Open() {
		w.gauge.add(e.User, tally{online: 1})
	}
	return t.goOn(ctx, w)
}

// foresee finds out which connections get no end from the owner, by folding the end of the
// stream, and takes note of the loss that ends them.
func (t *tide) foresee(ctx context.Context, w *walk) error {
	lost := t.seal.Reason == events.NodeLost
	if !lost && (t.sealed() || !t.doubtful(w.to)) {
		return nil
	}
	f, err := foldTo(ctx, w.store, t.tail.ID.At(t.lastSeq()))
	if err != nil {
		return err
	}
	for _, e := range f.Open() {
		t.endless = append(t.endless, endless{e.ID.Seq, e.At})
	}
	if lost && (!t.seal.At.After(w.to) || !t.seal.LastSeen.After(w.to)) {
		w.marks = append(w.marks, Mark{
			At: t.seal.At, Kind: MarkLost, Stream: t.tail.ID.Stream, LastSeen: t.seal.LastSeen, Connections: len(t.endless),
		})
	}
	return nil
}

// goOn reads what comes next, and says when that is.
func (t *tide) goOn(ctx context.Context, w *walk) error {
	err := t.read(ctx, w.store.Log)
	t.schedule()
	return err
}

// read reads the next page of the owner's events, if there is one and the last is done
// with.
func (t *tide) read(ctx context.Context, log events.Log) error {
	stream, next := t.tail.ID.Stream, uint64(0)
	if tail := t.fold.Tail().ID; !tail.IsZero() {
		next = tail.Seq + 1
	}
	if len(t.page) > 0 || next > t.lastSeq() {
		return nil
	}
	if err := ctx.Err(); err != nil { // not all stores look
		return err
	}
	left := t.lastSeq() - next + 1
	page, err := log.Read(ctx, stream.At(next), int(min(left, maxBatch)))
	if err == nil && len(page) == 0 {
		err = events.ErrNotFound // retention has just deleted it
	}
	for i, e := range page { // what is missing may be of the time before the next one
		if want := stream.At(next + uint64(i)); e.ID != want {
			return fmt.Errorf("%w: %s is missing", events.ErrGrammar, want)
		}
	}
	t.page = page
	return err
}

// schedule says when the next change is.
func (t *tide) schedule() {
	t.next = t.seal.At
	if t.turned < len(t.endless) {
		t.next = sooner(t.next, t.turns())
	}
	if len(t.page) > 0 {
		t.next = sooner(t.next, t.page[0].At)
	}
}

// sooner is the earlier of two times of which the first may be none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// turns is the first instant at which the next of the endless connections is unknown.
func (t *tide) turns() time.Time {
	seen := t.seen(t.endless[t.turned].since).Add(time.Millisecond)
	if t.sealed() {
		return seen
	}
	return seen.Add(beatGrace)
}

// step makes the next change. Of those of one instant the seal is the last: what it ends
// is there before.
func (t *tide) step(ctx context.Context, w *walk) error {
	now := t.next
	switch {
	case t.fold == nil:
		return t.begin(ctx, w, new(events.Fold))
	case len(t.page) > 0 && t.page[0].At.Equal(now):
		if err := t.apply(t.page[0], &w.gauge); err != nil {
			return err
		}
		t.page = t.page[1:]
	case t.turned < len(t.endless) && t.turns().Equal(now):
		e, _ := t.fold.Conn(t.tail.ID.At(t.endless[t.turned].seq)) // by the name that was counted
		w.gauge.add(e.User, tally{online: -1, unknown: 1})
		t.turned++
	default:
		t.end(&w.gauge)
		t.next = time.Time{}
		return nil
	}
	return t.goOn(ctx, w)
}

// apply takes an event of the owner.
func (t *tide) apply(e events.Event, g *gauge) error {
	gone, left := t.fold.Conn(e.Conn)
	if err := t.fold.Apply(e); err != nil {
		return err
	}
	switch {
	case e.Type == events.Connected:
		g.add(e.User, tally{online: 1})
	case left: // by the name that was counted: the other may have been forgotten meanwhile
		g.add(gone.User, tally{online: -1})
	}
	return nil
}

// end ends all that are left.
func (t *tide) end(g *gauge) {
	for _, e := range t.fold.Open() {
		unknown := t.turned > 0 && e.ID.Seq <= t.endless[t.turned-1].seq
		if unknown {
			g.add(e.User, tally{unknown: -1})
		} else {
			g.add(e.User, tally{online: -1})
		}
	}
}

// tides are those of all streams as a heap: first is the one that changes next.
type tides []*tide

func (t tides) Len() int           { return len(t) }
func (t tides) Less(i, j int) bool { return t[i].next.Before(t[j].next) }
func (t tides) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *tides) Push(x any)        { *t = append(*t, x.(*tide)) }
func (t *tides) Pop() any {
	last := len(*t) - 1
	x := (*t)[last]
	(*t)[last] = nil
	*t = (*t)[:last]
	return x
}
