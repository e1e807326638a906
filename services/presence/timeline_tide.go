package presence

import (
	"context"
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
	endless []events.Event
	turned  int
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
	seen := t.seen(t.endless[t.turned].At).Add(time.Millisecond)
	if t.sealed() {
		return seen
	}
	return seen.Add(beatGrace)
}

// step makes the next change. Of those of one instant the seal is the last: what it ends
// is there before.
func (t *tide) step(ctx context.Context, log events.Log, g *gauge) error {
	now := t.next
	switch {
	case t.fold == nil:
		t.fold = new(events.Fold)
	case len(t.page) > 0 && t.page[0].At.Equal(now):
		if err := t.apply(t.page[0], g); err != nil {
			return err
		}
		t.page = t.page[1:]
	case t.turned < len(t.endless) && t.turns().Equal(now):
		e, _ := t.fold.Conn(t.endless[t.turned].ID) // by the name that was counted
		g.add(e.User, tally{online: -1, unknown: 1})
		t.turned++
	default:
		t.end(g)
		t.next = time.Time{}
		return nil
	}
	if err := t.read(ctx, log); err != nil {
		return err
	}
	t.schedule()
	return nil
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
		unknown := t.turned > 0 && e.ID.Seq <= t.endless[t.turned-1].ID.Seq
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
