package storetest

import (
	"context"

	"github.com/presenced/presence/services/presence"
)

// faultyHooks is the presence.Hooks of a Faulty.
type faultyHooks struct{ f *Faulty }

var _ presence.Hooks = faultyHooks{}

func (s faultyHooks) Lease(ctx context.Context) (presence.HookLease, error) {
	return query(ctx, s.f, HooksLease, s.f.inner.Hooks.Lease)
}

func (s faultyHooks) Load(ctx context.Context) (presence.Hook, error) {
	return query(ctx, s.f, HooksLoad, s.f.inner.Hooks.Load)
}

func (s faultyHooks) Save(ctx context.Context, h presence.Hook) error {
	h = cloneHook(h)
	return s.f.once(ctx, HooksSave, func(ctx context.Context) error { return s.f.inner.Hooks.Save(ctx, h) })
}

func (s faultyHooks) Beat(ctx context.Context, l presence.HookLease) error {
	return s.f.once(ctx, HooksBeat, func(ctx context.Context) error { return s.f.inner.Hooks.Beat(ctx, l) })
}
