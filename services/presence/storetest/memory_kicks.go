package storetest

import (
	"context"
	"slices"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// memoryKicks is the presence.Kicks of a Memory.
type memoryKicks struct{ m *Memory }

var _ presence.Kicks = memoryKicks{}

func (s memoryKicks) Add(ctx context.Context, kicks []presence.Kick) error {
	if err := alive(ctx); err != nil {
		return err
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	for _, k := range kicks {
		if _, there := s.m.kicks[k.Conn]; !there {
			s.m.kicks[k.Conn] = k
		}
	}
	return nil
}

func (s memoryKicks) OfNode(ctx context.Context, node string, after events.Position, limit int) ([]presence.Kick, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	s.m.mu.RLock()
	defer s.m.mu.RUnlock()
	var found []presence.Kick
	for id, k := range s.m.kicks {
		if id.Node == node && (after.IsZero() || id.Compare(after) > 0) {
			found = append(found, k)
		}
	}
	slices.SortFunc(found, func(a, b presence.Kick) int { return a.Conn.Compare(b.Conn) })
	return found[:max(0, min(limit, len(found)))], nil
}

func (s memoryKicks) Pending(ctx context.Context, conns []events.Position) ([]events.Position, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	s.m.mu.RLock()
	defer s.m.mu.RUnlock()
	var pending []events.Position
	for _, id := range conns {
		if _, there := s.m.kicks[id]; there {
			pending = append(pending, id)
		}
	}
	slices.SortFunc(pending, events.Position.Compare)
	return pending, nil
}

func (s memoryKicks) Remove(ctx context.Context, conns []events.Position) error {
	if err := alive(ctx); err != nil {
		return err
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	for _, id := range conns {
		delete(s.m.kicks, id)
	}
	return nil
}

func (s memoryKicks) Streams(ctx context.Context) ([]events.Stream, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	s.m.mu.RLock()
	defer s.m.mu.RUnlock()
	streams := make(map[events.Stream]bool)
	for id := range s.m.kicks {
		streams[id.Stream] = true
	}
	return sortedStreams(streams), nil
}
