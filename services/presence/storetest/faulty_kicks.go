package storetest

import (
	"context"
	"slices"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// faultyKicks is the presence.Kicks of a Faulty.
type faultyKicks struct{ f *Faulty }

var _ presence.Kicks = faultyKicks{}

func (k faultyKicks) Add(ctx context.Context, kicks []presence.Kick) error {
	kicks = slices.Clone(kicks)
	_, err := k.f.do(ctx, operation{
		Call:  Call{Op: KicksAdd, Len: len(kicks)},
		whole: result(func(ctx context.Context) error { return k.f.inner.Kicks.Add(ctx, kicks) }),
		part: func(ctx context.Context, n int) (int, error) {
			return n, k.f.inner.Kicks.Add(ctx, kicks[:min(n, len(kicks))])
		},
	})
	return err
}

func (k faultyKicks) OfNode(ctx context.Context, node string, after events.Position, limit int) ([]presence.Kick, error) {
	return query(ctx, k.f, KicksOfNode, func(ctx context.Context) ([]presence.Kick, error) {
		return k.f.inner.Kicks.OfNode(ctx, node, after, limit)
	})
}

func (k faultyKicks) Pending(ctx context.Context, conns []events.Position) ([]events.Position, error) {
	return query(ctx, k.f, KicksPending, func(ctx context.Context) ([]events.Position, error) {
		return k.f.inner.Kicks.Pending(ctx, conns)
	})
}

func (k faultyKicks) Remove(ctx context.Context, conns []events.Position) error {
	conns = slices.Clone(conns)
	_, err := k.f.do(ctx, operation{
		Call:  Call{Op: KicksRemove, Len: len(conns)},
		whole: result(func(ctx context.Context) error { return k.f.inner.Kicks.Remove(ctx, conns) }),
		part: func(ctx context.Context, n int) (int, error) {
			return n, k.f.inner.Kicks.Remove(ctx, conns[:min(n, len(conns))])
		},
	})
	return err
}

func (k faultyKicks) Streams(ctx context.Context) ([]events.Stream, error) {
	return query(ctx, k.f, KicksStreams, func(ctx context.Context) ([]events.Stream, error) {
		return k.f.inner.Kicks.Streams(ctx)
	})
}
