package storetest

import (
	"context"
	"fmt"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// memoryNodes is the presence.Nodes of a Memory.
type memoryNodes struct{ m *Memory }

var _ presence.Nodes = memoryNodes{}

func (s memoryNodes) Join(ctx context.Context, n presence.Node) error {
	if err := alive(ctx); err != nil {
		return err
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if _, there := s.m.nodes[n.Stream]; !there {
		s.m.stamp(n)
	}
	return nil
}

func (s memoryNodes) Beat(ctx context.Context, n presence.Node, acked uint64) error {
	if err := alive(ctx); err != nil {
		return err
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	there, ok := s.m.nodes[n.Stream]
	if !ok || there.Beat < acked || there.Beat > n.Beat {
		return fmt.Errorf("%w: %s, acknowledged %d", presence.ErrBeatLost, n.Stream, acked)
	}
	s.m.stamp(n)
	return nil
}

// stamp writes n with the time of the store's clock.
func (m *Memory) stamp(n presence.Node) {
	n.BeatAt = events.Milliseconds(m.Now())
	m.nodes[n.Stream] = n
}

func (s memoryNodes) Remove(ctx context.Context, stream events.Stream) error {
	if err := alive(ctx); err != nil {
		return err
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	delete(s.m.nodes, stream)
	return nil
}

func (s memoryNodes) All(ctx context.Context) ([]presence.Node, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	s.m.mu.RLock()
	defer s.m.mu.RUnlock()
	all := make([]presence.Node, 0, len(s.m.nodes))
	for _, stream := range sortedStreams(s.m.nodes) {
		all = append(all, s.m.nodes[stream])
	}
	return all, nil
}
