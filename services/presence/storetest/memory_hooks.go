package storetest

import (
	"context"
	"fmt"
	"slices"

	"github.com/presenced/presence/services/presence"
)

// memoryHooks is the presence.Hooks of a Memory.
type memoryHooks struct{ m *Memory }

var _ presence.Hooks = memoryHooks{}

func (s memoryHooks) Lease(ctx context.Context) (presence.HookLease, error) {
	h, err := s.Load(ctx)
	return h.HookLease, err
}

func (s memoryHooks) Load(ctx context.Context) (presence.Hook, error) {
	if err := alive(ctx); err != nil {
		return presence.Hook{}, err
	}
	s.m.mu.RLock()
	defer s.m.mu.RUnlock()
	return cloneHook(s.m.hook), nil
}

func (s memoryHooks) Save(ctx context.Context, h presence.Hook) error {
	if err := alive(ctx); err != nil {
		return err
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	there := s.m.hook.HookLease
	switch {
	case there.Revision == h.Revision && there.Owner == h.Owner:
		return nil
	case there.Revision != h.Revision-1:
		return taken(there)
	}
	s.m.hook = cloneHook(h)
	return nil
}

func (s memoryHooks) Beat(ctx context.Context, l presence.HookLease) error {
	if err := alive(ctx); err != nil {
		return err
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	there := s.m.hook.HookLease
	if there.Revision == 0 || there.Revision != l.Revision || there.Owner != l.Owner {
		return taken(there)
	}
	s.m.hook.Beat = l.Beat
	return nil
}

func taken(there presence.HookLease) error {
	return fmt.Errorf("%w: revision %d is of %q", presence.ErrHookTaken, there.Revision, there.Owner)
}

func cloneHook(h presence.Hook) presence.Hook {
	h.Odd = slices.Clone(h.Odd)
	return h
}
