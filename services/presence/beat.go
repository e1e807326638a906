package presence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/presenced/presence/events"
)

// How often a node beats, and how long one beat may take. Peers wait for 10 s.
const (
	beatEvery   = 2 * time.Second
	beatTimeout = 2 * time.Second
	firstBeat   = 1 // the one that the node document is inserted with
)

// beatLoop shows that this node lives, every 2 s, and finds out whether its stream
// was taken over meanwhile. It returns an error that wraps ErrFenced if so.
func (e *epoch) beatLoop(ctx context.Context) error {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	acked := uint64(firstBeat)
	for beat := acked + 1; ; beat++ {
		err := e.beat(ctx, beat, acked)
		switch {
		case err == nil:
			acked = beat
			e.m.health.clear("beat")
		case ctx.Err() != nil:
			return nil
		case !heals(err):
			return err
		default:
			e.m.health.note("beat", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// beat writes the node document, and then reads the stream's own tail. The second
// tells an idle node that it is fenced even when a late write has brought its node
// document back.
func (e *epoch) beat(ctx context.Context, beat, acked uint64) error {
	ctx, cancel := context.WithTimeout(ctx, beatTimeout)
	defer cancel()
	n := e.m.nodeAt(e.stream, e.startedAt)
	n.Beat, n.Tail = beat, e.stream.At(e.tail.Load())
	n.Connections = e.m.table.stats().Connections
	if err := e.m.store.Nodes.Beat(ctx, n, acked); err != nil {
		if errors.Is(err, ErrBeatLost) {
			return fmt.Errorf("beat of %s: %w: %w", e.stream, ErrFenced, err)
		}
		return fmt.Errorf("beat of %s: %w", e.stream, err)
	}
	tail, err := e.m.store.Log.Tail(ctx, e.stream)
	switch {
	case errors.Is(err, events.ErrNotFound):
		return fmt.Errorf("beat of %s: its events are gone: %w", e.stream, ErrFenced)
	case err != nil:
		return fmt.Errorf("beat of %s: read own tail: %w", e.stream, err)
	case tail.Seals():
		return fmt.Errorf("beat of %s: %s is %s by %q: %w", e.stream, tail.ID, tail.Type, tail.By, ErrFenced)
	}
	return nil
}
