package presence

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/presenced/presence/events"
)

// deleteAtOnce is how many events one call deletes.
const deleteAtOnce = 10_000

// Cut is what retention deletes of one stream: its events from First to before Below.
type Cut struct {
	First events.Position
	Below events.Position
	Whole bool // nothing is left of the stream

	// Broken is why the events of a stream that began before the horizon make no sense: then
	// nothing of it is deleted, for nobody knows what is still needed.
	Broken error
}

// Events is how many there are.
func (c Cut) Events() uint64 { return c.Below.Seq - c.First.Seq }

// PlanRetention says what of the log no answer about a time from the horizon on needs
// (I9), stream by stream. It changes nothing. It never names
//
//   - the seal of the highest epoch of a node id, nor what follows it, for the number of
//     the epoch would be used again;
//   - a stream that is not sealed, that still has a node document, or in which a
//     connection has no end: its takeover is not done;
//   - the connected event of a connection that was open at the horizon or later, nor
//     anything that follows the first of those in its stream;
//   - anything of a stream whose events make no sense, and that is not older than the
//     horizon as a whole. Its Cut is empty and says so.
func PlanRetention(ctx context.Context, store Store, horizon time.Time) ([]Cut, error) {
	horizon = events.Milliseconds(horizon)
	h := NewHistory(store)
	nodes, err := nodesByStream(ctx, store.Nodes)
	if err != nil {
		return nil, fmt.Errorf("plan retention: %w", err)
	}
	spans, err := h.spans(ctx)
	if err != nil {
		return nil, fmt.Errorf("plan retention: %w", err)
	}
	highest := make(map[string]uint32)
	for s := range spans {
		highest[s.Node] = max(highest[s.Node], s.Epoch)
	}
	var cuts []Cut
	for _, stream := range slices.SortedFunc(maps.Keys(spans), events.Stream.Compare) {
		_, owned := nodes[stream]
		cut, err := h.mayCut(ctx, spans[stream], horizon, owned, stream.Epoch == highest[stream.Node])
		if err != nil {
			return nil, fmt.Errorf("plan retention of %s: %w", stream, err)
		}
		if cut.Events() > 0 || cut.Broken != nil {
			cuts = append(cuts, cut)
		}
	}
	return cuts, nil
}

// mayCut is what may go of a stream, which may be none.
func (h *History) mayCut(ctx context.Context, s span, horizon time.Time, owned, last bool) (cut Cut, err error) {
	cut = Cut{First: s.first.ID, Below: s.first.ID}
	switch {
	case s.broken != nil && s.first.At.Before(horizon):
		cut.Broken = s.broken
	case s.done && !owned:
		cut, err = h.cut(ctx, s, horizon, last)
	}
	if err != nil && senseless(err) {
		return Cut{First: s.first.ID, Below: s.first.ID, Broken: err}, nil
	}
	return cut, err
}

// cut is what may go of a stream that has ended. The last one of a node id keeps its
// seal.
func (h *History) cut(ctx context.Context, s span, horizon time.Time, last bool) (Cut, error) {
	stream := s.tail.ID.Stream
	none := Cut{First: s.first.ID, Below: s.first.ID}
	switch old := s.tail.At.Before(horizon); {
	case old && last:
		return Cut{First: s.first.ID, Below: s.seal.ID}, nil
	case old:
		return Cut{First: s.first.ID, Below: s.tail.ID.Next(), Whole: true}, nil
	}
	before := horizon.Add(-time.Millisecond)
	if s.first.At.After(before) {
		return none, nil
	}
	seq, err := h.seqAt(ctx, s, before)
	if err != nil {
		return none, err
	}
	f, err := foldTo(ctx, h.store, stream.At(seq))
	if err != nil {
		return none, err
	}
	floor := seq + 1
	if open := f.Open(); len(open) > 0 {
		floor = min(floor, open[0].ID.Seq)
	}
	return Cut{First: s.first.ID, Below: stream.At(max(floor, s.first.ID.Seq))}, nil
}

// Retain deletes what a plan for the same horizon names, and tells done of each cut that
// is made, or that is not, since the stream is Broken. First it sets the horizon, so that
// history answers no question about a time before it any more; then, of each stream, it
// writes the snapshot with which what is left begins, and deletes from the beginning. When
// it stops in the middle, another plan and another Retain complete it.
func Retain(ctx context.Context, store Store, horizon time.Time, cuts []Cut, done func(Cut)) error {
	cuts = slices.DeleteFunc(slices.Clone(cuts), func(c Cut) bool { return c.Events() == 0 })
	if len(cuts) == 0 {
		return nil
	}
	if err := store.Retention.SetHorizon(ctx, events.Milliseconds(horizon)); err != nil {
		return fmt.Errorf("retain: %w", err)
	}
	for _, c := range cuts {
		err := c.make(ctx, store)
		if err != nil && !senseless(err) {
			return fmt.Errorf("retain %s: %w", c.Below.Stream, err)
		}
		if err != nil { // before anything was deleted: there is no snapshot for the rest to begin with
			c = Cut{First: c.First, Below: c.First, Broken: err}
		}
		done(c)
	}
	return nil
}

func (c Cut) make(ctx context.Context, store Store) error {
	if c.Whole {
		if err := c.deleteEvents(ctx, store.Retention); err != nil {
			return err
		}
		return store.Retention.DeleteSnapshots(ctx, c.Below.At(events.MaxSeq))
	}
	for ; c.Events() > 0; c.Below.Seq-- {
		floor := c.Below.At(c.Below.Seq - 1)
		whole, err := writeWhole(ctx, store, floor)
		if err != nil {
			return err
		}
		if !whole {
			continue // another version of this program was here; one event less, then
		}
		if err := c.deleteEvents(ctx, store.Retention); err != nil {
			return err
		}
		return store.Retention.DeleteSnapshots(ctx, floor)
	}
	return nil
}

// writeWhole writes a snapshot and reports whether it can be read back.
func writeWhole(ctx context.Context, store Store, at events.Position) (bool, error) {
	if _, err := WriteSnapshot(ctx, store, at); err != nil {
		return false, err
	}
	f, err := snapshotAt(ctx, store.Snapshots, at)
	return f != nil, err
}

// deleteEvents deletes low positions first, so that what is left is dense at any time
// (I1).
func (c Cut) deleteEvents(ctx context.Context, r Retention) error {
	for seq := c.First.Seq; seq < c.Below.Seq; {
		seq = min(seq+deleteAtOnce, c.Below.Seq)
		if err := r.DeleteEvents(ctx, c.Below.At(seq)); err != nil {
			return err
		}
	}
	return nil
}
