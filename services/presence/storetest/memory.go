package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// Memory is a store in memory, the twin of the real ones: the same contracts, the
// same errors, nothing on disk. Its operations take effect at once and in one order,
// as if one after the other.
//
// It is stricter than MongoDB in one thing, like the embedded store: it refuses with
// events.ErrInvalid an append that would leave a hole in a stream (I1).
//
// Its Recorder makes a run durable and visible in one step. To exercise the general
// one, join presence.TwoStep over its Log and its Online.
type Memory struct {
	// static after construction

	// Now is the store's clock, for BeatAt. It is time.Now; set another before the
	// first use only.
	Now func() time.Time

	mu      sync.RWMutex
	streams map[events.Stream][]events.Event        // each ascending, and dense; none empty
	online  map[events.Stream][]presence.Connection // each ascending by id, none empty
	nodes   map[events.Stream]presence.Node
	chunks  map[events.Stream][]presence.Chunk // each ascending by id
	horizon time.Time
	kicks   map[events.Position]presence.Kick
	notes   map[string]string // user → tombstone, of those who are being forgotten
	hook    presence.Hook
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{
		Now:     time.Now,
		streams: make(map[events.Stream][]events.Event),
		online:  make(map[events.Stream][]presence.Connection),
		nodes:   make(map[events.Stream]presence.Node),
		chunks:  make(map[events.Stream][]presence.Chunk),
		kicks:   make(map[events.Position]presence.Kick),
		notes:   make(map[string]string),
	}
}

// Store returns the contracts of m. It is Exclusive: who holds m is its only user,
// unless tests share it among several members; they then clear that field.
func (m *Memory) Store() presence.Store {
	return presence.Store{
		Log:       memoryLog{m},
		Recorder:  memoryRecorder{m},
		Online:    memoryOnline{m},
		Nodes:     memoryNodes{m},
		Past:      memoryPast{m},
		Snapshots: memorySnapshots{m},
		Kicks:     memoryKicks{m},
		Hooks:     memoryHooks{m},
		Exclusive: true,

		Retention:  memoryRetention{m},
		Forgetting: memoryForgetting{m},
	}
}

// alive returns ErrUnavailable if ctx has ended: what a store at the other end of a
// network says then.
func alive(ctx context.Context) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", events.ErrUnavailable, context.Cause(ctx))
	}
	return nil
}

// sortedStreams returns the keys of a map, ascending as text.
func sortedStreams[T any](byStream map[events.Stream]T) []events.Stream {
	streams := make([]events.Stream, 0, len(byStream))
	for s := range byStream {
		streams = append(streams, s)
	}
	slices.SortFunc(streams, events.Stream.Compare)
	return streams
}
