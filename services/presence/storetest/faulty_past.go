package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// The contracts of a Faulty that history and retention use.
type (
	faultyPast      struct{ f *Faulty }
	faultySnapshots struct{ f *Faulty }
	faultyRetention struct{ f *Faulty }
)

var (
	_ presence.Past      = faultyPast{}
	_ presence.Snapshots = faultySnapshots{}
	_ presence.Retention = faultyRetention{}
)

func (p faultyPast) OfUser(ctx context.Context, user string, after presence.Moment, limit int) ([]events.Event, error) {
	return query(ctx, p.f, PastOfUser, func(ctx context.Context) ([]events.Event, error) {
		return p.f.inner.Past.OfUser(ctx, user, after, limit)
	})
}

func (p faultyPast) Last(ctx context.Context, users []string) ([]events.Event, error) {
	return query(ctx, p.f, PastLast, func(ctx context.Context) ([]events.Event, error) {
		return p.f.inner.Past.Last(ctx, users)
	})
}

func (p faultyPast) Horizon(ctx context.Context) (time.Time, error) {
	return query(ctx, p.f, PastHorizon, func(ctx context.Context) (time.Time, error) {
		return p.f.inner.Past.Horizon(ctx)
	})
}

func (s faultySnapshots) Add(ctx context.Context, chunks []presence.Chunk) error {
	chunks = slices.Clone(chunks)
	_, err := s.f.do(ctx, operation{
		Call:  Call{Op: SnapshotsAdd, Len: len(chunks)},
		whole: result(func(ctx context.Context) error { return s.f.inner.Snapshots.Add(ctx, chunks) }),
		part: func(ctx context.Context, n int) (int, error) {
			return n, s.f.inner.Snapshots.Add(ctx, chunks[:min(n, len(chunks))])
		},
	})
	return err
}

func (s faultySnapshots) Read(ctx context.Context, at events.Position) ([]presence.Chunk, error) {
	return query(ctx, s.f, SnapshotsRead, func(ctx context.Context) ([]presence.Chunk, error) {
		return s.f.inner.Snapshots.Read(ctx, at)
	})
}

func (s faultySnapshots) Before(ctx context.Context, p events.Position) (events.Position, error) {
	return query(ctx, s.f, SnapshotsBefore, func(ctx context.Context) (events.Position, error) {
		return s.f.inner.Snapshots.Before(ctx, p)
	})
}

func (s faultySnapshots) After(ctx context.Context, p events.Position) (events.Position, error) {
	return query(ctx, s.f, SnapshotsAfter, func(ctx context.Context) (events.Position, error) {
		return s.f.inner.Snapshots.After(ctx, p)
	})
}

func (r faultyRetention) SetHorizon(ctx context.Context, at time.Time) error {
	return r.f.once(ctx, RetentionSetHorizon, func(ctx context.Context) error {
		return r.f.inner.Retention.SetHorizon(ctx, at)
	})
}

func (r faultyRetention) DeleteEvents(ctx context.Context, below events.Position) error {
	return r.f.deletes(ctx, RetentionDeleteEvents, below, r.f.inner.Retention.DeleteEvents)
}

func (r faultyRetention) DeleteSnapshots(ctx context.Context, below events.Position) error {
	return r.f.deletes(ctx, RetentionDeleteSnapshots, below, r.f.inner.Retention.DeleteSnapshots)
}

// deletes is a deletion of a range: when it stops in the middle, it has deleted some
// first positions. How many documents there are is not known; a part is a position.
func (f *Faulty) deletes(ctx context.Context, op Op, below events.Position, do func(context.Context, events.Position) error) error {
	_, err := f.do(ctx, operation{
		Call:  Call{Op: op},
		whole: result(func(ctx context.Context) error { return do(ctx, below) }),
		part: func(ctx context.Context, n int) (int, error) {
			return n, do(ctx, below.At(min(uint64(n), below.Seq)))
		},
	})
	return err
}
