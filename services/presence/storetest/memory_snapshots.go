package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// memorySnapshots is the presence.Snapshots of a Memory.
type memorySnapshots struct{ m *Memory }

var _ presence.Snapshots = memorySnapshots{}

func (s memorySnapshots) Add(ctx context.Context, chunks []presence.Chunk) error {
	if err := alive(ctx); err != nil {
		return err
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	for _, c := range chunks {
		there := s.m.chunks[c.Of.Stream]
		if i, found := findChunk(there, c); !found {
			c.Open = slices.Clone(c.Open)
			s.m.chunks[c.Of.Stream] = slices.Insert(there, i, c)
		}
	}
	return nil
}

func findChunk(chunks []presence.Chunk, c presence.Chunk) (int, bool) {
	return slices.BinarySearchFunc(chunks, c, func(a, b presence.Chunk) int {
		return cmp.Or(bySeq(a.Of, b.Of), cmp.Compare(a.N, b.N))
	})
}

func (s memorySnapshots) Read(ctx context.Context, at events.Position) ([]presence.Chunk, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	s.m.mu.RLock()
	defer s.m.mu.RUnlock()
	chunks := s.m.chunks[at.Stream]
	first, _ := findChunk(chunks, presence.Chunk{Of: at})
	end, _ := findChunk(chunks, presence.Chunk{Of: at.Next()})
	return slices.Clone(chunks[first:end]), nil
}

func (s memorySnapshots) Before(ctx context.Context, p events.Position) (events.Position, error) {
	return s.find(ctx, p, func(chunks []presence.Chunk) int {
		end, _ := findChunk(chunks, presence.Chunk{Of: p.Next()})
		return end - 1
	})
}

func (s memorySnapshots) After(ctx context.Context, p events.Position) (events.Position, error) {
	return s.find(ctx, p, func(chunks []presence.Chunk) int {
		first, _ := findChunk(chunks, presence.Chunk{Of: p})
		return first
	})
}

func (s memorySnapshots) find(ctx context.Context, p events.Position, which func([]presence.Chunk) int) (events.Position, error) {
	if err := alive(ctx); err != nil {
		return events.Position{}, err
	}
	s.m.mu.RLock()
	defer s.m.mu.RUnlock()
	chunks := s.m.chunks[p.Stream]
	if i := which(chunks); i >= 0 && i < len(chunks) {
		return chunks[i].Of, nil
	}
	return events.Position{}, fmt.Errorf("%w: a snapshot of %s", events.ErrNotFound, p.Stream)
}
