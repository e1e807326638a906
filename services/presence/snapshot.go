package presence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
)

// A node writes a snapshot of its own stream when it has grown by snapshotEvery events,
// or by as many as there were connections in the last one, whichever is more: so the
// snapshots of a stream hold no more connections than it has events. It looks once a
// minute or so.
const (
	snapshotEvery = 10_000
	snapshotLook  = time.Minute
)

// snapshots writes the snapshots of this node's streams. Nothing depends on them, so a
// failure is told once, and does not make the node unready.
func (m *Member) snapshots() {
	var last events.Snapshot
	failing := false
	for sleep(m.ctx, m.between(snapshotLook/2, snapshotLook*3/2)) {
		err := m.snapshotOnce(m.ctx, &last)
		if err != nil && !failing && m.ctx.Err() == nil {
			m.log.Warn("no snapshot could be written; history will be slower", zap.Error(err))
		}
		failing = err != nil
	}
}

// snapshotOnce writes a snapshot of the current stream if it has grown enough since the
// last one.
func (m *Member) snapshotOnce(ctx context.Context, last *events.Snapshot) error {
	s := m.Stream()
	if s.IsZero() {
		return nil
	}
	tail, err := m.store.Log.Tail(ctx, s)
	if err != nil || tail.Seals() {
		return err
	}
	if last.ID.Stream != s {
		*last = events.Snapshot{ID: s.At(0)}
	}
	if tail.ID.Seq-last.ID.Seq < max(snapshotEvery, uint64(len(last.Open))) {
		return nil
	}
	written, err := WriteSnapshot(ctx, m.store, tail.ID)
	if err == nil {
		*last = written
	}
	return err
}

// WriteSnapshot writes the snapshot of a stream at a position before its seal, and
// returns it. The events through that position must be recorded; it begins to read at
// the snapshot before. It may be repeated, and run beside anything.
func WriteSnapshot(ctx context.Context, store Store, at events.Position) (events.Snapshot, error) {
	f, err := foldTo(ctx, store, at)
	if err != nil {
		return events.Snapshot{}, fmt.Errorf("snapshot %s: %w", at, err)
	}
	s, err := f.Snapshot()
	if err != nil {
		return s, fmt.Errorf("snapshot %s: %w", at, err)
	}
	chunks := chunksOf(s)
	if len(chunks) > maxChunks {
		return s, fmt.Errorf("snapshot %s: %d connections are too many", at, len(s.Open))
	}
	if err := store.Snapshots.Add(ctx, chunks); err != nil {
		return s, fmt.Errorf("snapshot %s: %w", at, err)
	}
	return s, nil
}

// foldTo is the fold of a stream through a position, from the newest snapshot that is of
// use.
func foldTo(ctx context.Context, store Store, to events.Position) (*events.Fold, error) {
	f, err := newestFold(ctx, store.Snapshots, to)
	if err != nil {
		return nil, err
	}
	if err := foldOn(ctx, store.Log, to.Stream, f, through(to.Seq)); err != nil {
		return nil, err
	}
	if f.Tail().ID != to {
		return nil, fmt.Errorf("%s: the log has no such event: %w", to, events.ErrNotFound)
	}
	return f, nil
}

// through is enough when the event at seq is in the fold.
func through(seq uint64) func(*events.Fold) bool {
	return func(f *events.Fold) bool {
		tail := f.Tail().ID
		return !tail.IsZero() && tail.Seq >= seq
	}
}

// newestFold is the fold of the newest snapshot at or before a position that is whole,
// or the empty fold.
func newestFold(ctx context.Context, snapshots Snapshots, upTo events.Position) (*events.Fold, error) {
	if snapshots == nil {
		return new(events.Fold), nil
	}
	for {
		p, err := snapshots.Before(ctx, upTo)
		if errors.Is(err, events.ErrNotFound) {
			return new(events.Fold), nil
		}
		if err != nil {
			return nil, err
		}
		f, err := snapshotAt(ctx, snapshots, p)
		if f != nil || err != nil {
			return f, err
		}
		if p.Seq == 0 {
			return new(events.Fold), nil
		}
		upTo = p.At(p.Seq - 1)
	}
}

// floorFold is the fold of the oldest whole snapshot from which the events that
// retention has left, first and those after it, can be folded.
func floorFold(ctx context.Context, snapshots Snapshots, first events.Position) (*events.Fold, error) {
	if snapshots == nil {
		return nil, fmt.Errorf("%w: the stream begins at %s, and the store has no snapshots", events.ErrGrammar, first)
	}
	for from := first.At(first.Seq - 1); ; {
		p, err := snapshots.After(ctx, from)
		if errors.Is(err, events.ErrNotFound) {
			return nil, fmt.Errorf("%w: the stream begins at %s, and there is no snapshot to begin from", events.ErrGrammar, first)
		}
		if err != nil {
			return nil, err
		}
		f, err := snapshotAt(ctx, snapshots, p)
		if f != nil || err != nil {
			return f, err
		}
		from = p.Next()
	}
}

// snapshotAt is the fold of the snapshot at a position, or nil if it is of no use: not
// all of it is there, or it cannot be read.
func snapshotAt(ctx context.Context, snapshots Snapshots, p events.Position) (*events.Fold, error) {
	chunks, err := snapshots.Read(ctx, p)
	if errors.Is(err, events.ErrInvalid) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f, whole := joined(chunks)
	if !whole {
		return nil, nil
	}
	return f, nil
}

// FoldToEnd is the fold of a stream to its end, from the newest snapshot that the rest of
// the stream fits. It is empty if the log has no such stream.
func FoldToEnd(ctx context.Context, store Store, s events.Stream) (*events.Fold, error) {
	return foldNewest(ctx, store, s, func(*events.Fold) bool { return false })
}

// FoldThrough is the fold of a stream through a position, from a snapshot if there is one
// that the rest fits. If the log has no such event any more, or not what comes before it,
// that is an error that wraps events.ErrNotFound or events.ErrGrammar.
func FoldThrough(ctx context.Context, store Store, to events.Position) (*events.Fold, error) {
	f, err := foldTo(ctx, store, to)
	if err == nil || heals(err) {
		return f, err
	}
	if f, err = foldStream(ctx, store, to.Stream, through(to.Seq)); err != nil {
		return nil, err
	}
	if f.Tail().ID != to {
		return nil, fmt.Errorf("%s: the log has no such event: %w", to, events.ErrNotFound)
	}
	return f, nil
}

// foldNewest is the fold of a stream from the newest snapshot, until its end, or until
// enough says so. A snapshot that the rest of the stream does not fit is as good as none.
func foldNewest(ctx context.Context, store Store, s events.Stream, enough func(*events.Fold) bool) (*events.Fold, error) {
	f, err := newestFold(ctx, store.Snapshots, s.At(events.MaxSeq))
	if err == nil && !f.Tail().ID.IsZero() {
		if err = foldOn(ctx, store.Log, s, f, enough); err == nil {
			return f, nil
		}
	}
	return foldStream(ctx, store, s, enough)
}

// foldStream is the fold of a stream until its end, or until enough says so.
func foldStream(ctx context.Context, store Store, s events.Stream, enough func(*events.Fold) bool) (*events.Fold, error) {
	f := new(events.Fold)
	if _, err := beginFold(ctx, store, s, f); err != nil {
		return nil, err
	}
	return f, foldOn(ctx, store.Log, s, f, enough)
}

// foldRest applies to a fold, which may be empty, the events of its stream that it has
// not seen. It returns how many at the beginning it did not see for retention has
// deleted them.
func foldRest(ctx context.Context, store Store, s events.Stream, f *events.Fold) (missing uint64, err error) {
	if f.Tail().ID.IsZero() {
		if missing, err = beginFold(ctx, store, s, f); err != nil {
			return missing, err
		}
	}
	return missing, foldOn(ctx, store.Log, s, f, func(*events.Fold) bool { return false })
}

// beginFold makes an empty fold that of the oldest snapshot, if retention has deleted the
// beginning of the stream, and returns how many events that was.
func beginFold(ctx context.Context, store Store, s events.Stream, f *events.Fold) (missing uint64, err error) {
	first, err := store.Log.Read(ctx, s.At(0), 1)
	if err != nil || len(first) == 0 || first[0].ID.Seq == 0 {
		return 0, err
	}
	floor, err := floorFold(ctx, store.Snapshots, first[0].ID)
	if err == nil {
		*f = *floor
	}
	return first[0].ID.Seq, err
}

// foldOn applies to a fold the events of its stream that follow, until the end of the
// stream, or until enough says so.
func foldOn(ctx context.Context, log events.Log, s events.Stream, f *events.Fold, enough func(*events.Fold) bool) error {
	from := s.At(0)
	if tail := f.Tail().ID; !tail.IsZero() {
		from = tail.Next()
	}
	for !enough(f) {
		page, err := log.Read(ctx, from, maxBatch)
		if err != nil {
			return err
		}
		for _, e := range page {
			if enough(f) {
				return nil
			}
			if err := f.Apply(e); err != nil {
				return err
			}
		}
		if len(page) < maxBatch {
			return nil
		}
		from = page[len(page)-1].ID.Next()
	}
	return nil
}
