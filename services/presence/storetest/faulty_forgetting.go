package storetest

import (
	"context"
	"slices"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// faultyForgetting is the presence.Forgetting of a Faulty.
type faultyForgetting struct{ f *Faulty }

var _ presence.Forgetting = faultyForgetting{}

// Begin has no answer when it fails: what was noted is not known.
func (g faultyForgetting) Begin(ctx context.Context, user, tombstone string) (noted string, err error) {
	err = g.f.once(ctx, ForgettingBegin, func(ctx context.Context) (err error) {
		noted, err = g.f.inner.Forgetting.Begin(ctx, user, tombstone)
		return err
	})
	if err != nil {
		return "", err
	}
	return noted, nil
}

func (g faultyForgetting) Begun(ctx context.Context, user string) (string, error) {
	return query(ctx, g.f, ForgettingBegun, func(ctx context.Context) (string, error) {
		return g.f.inner.Forgetting.Begun(ctx, user)
	})
}

func (g faultyForgetting) End(ctx context.Context, user string) error {
	return g.f.once(ctx, ForgettingEnd, func(ctx context.Context) error { return g.f.inner.Forgetting.End(ctx, user) })
}

func (g faultyForgetting) RenameEvents(ctx context.Context, user, tombstone string, at []events.Position) error {
	at = slices.Clone(at)
	_, err := g.f.do(ctx, operation{
		Call:  Call{Op: ForgettingRenameEvents, Len: len(at)},
		whole: result(func(ctx context.Context) error { return g.f.inner.Forgetting.RenameEvents(ctx, user, tombstone, at) }),
		part: func(ctx context.Context, n int) (int, error) {
			return n, g.f.inner.Forgetting.RenameEvents(ctx, user, tombstone, at[:min(n, len(at))])
		},
	})
	return err
}

func (g faultyForgetting) Chunks(ctx context.Context, user, after string, limit int) ([]presence.Chunk, error) {
	return query(ctx, g.f, ForgettingChunks, func(ctx context.Context) ([]presence.Chunk, error) {
		return g.f.inner.Forgetting.Chunks(ctx, user, after, limit)
	})
}

func (g faultyForgetting) RenameOpen(ctx context.Context, c presence.Chunk, names map[events.Position]string) error {
	return g.f.once(ctx, ForgettingRenameOpen, func(ctx context.Context) error {
		return g.f.inner.Forgetting.RenameOpen(ctx, c, names)
	})
}

func (g faultyForgetting) DropReasons(ctx context.Context, conns []events.Position) error {
	conns = slices.Clone(conns)
	_, err := g.f.do(ctx, operation{
		Call:  Call{Op: ForgettingDropReasons, Len: len(conns)},
		whole: result(func(ctx context.Context) error { return g.f.inner.Forgetting.DropReasons(ctx, conns) }),
		part: func(ctx context.Context, n int) (int, error) {
			return n, g.f.inner.Forgetting.DropReasons(ctx, conns[:min(n, len(conns))])
		},
	})
	return err
}
