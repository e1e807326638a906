package storetest

import (
	"context"
	"fmt"
	"math"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// memoryRecorder is the presence.Recorder of a Memory: all of a run or nothing.
type memoryRecorder struct{ m *Memory }

var _ presence.Recorder = memoryRecorder{}

func (r memoryRecorder) Record(ctx context.Context, run []events.Event) (int, error) {
	if err := events.ValidateRun(run); err != nil || len(run) == 0 {
		return 0, err
	}
	if err := alive(ctx); err != nil {
		return 0, err
	}
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	there := r.m.from(run[0].ID, len(run))
	if err := r.m.owned(run, there); err != nil {
		return 0, err
	}
	for _, e := range run[len(there):] {
		if err := r.m.insert(e); err != nil {
			return 0, err
		}
	}
	r.m.project(run)
	return len(run), nil
}

// owned returns an error that wraps ErrFenced if the stream is sealed, or another
// writer's event stands where one of run belongs.
func (m *Memory) owned(run, there []events.Event) error {
	if tail, ok := m.tail(run[0].ID.Stream); ok && tail.Seals() {
		return fmt.Errorf("%s is %s: %w", tail.ID, tail.Type, presence.ErrFenced)
	}
	for i, e := range there {
		if !e.StandsFor(run[i]) {
			return fmt.Errorf("%s holds an event of another writer: %w", e.ID, presence.ErrFenced)
		}
	}
	return nil
}

// project makes run, which is in the log, visible. A connection of run that was
// recorded before, and has left since, stays away.
func (m *Memory) project(run []events.Event) {
	left := make(map[uint64]bool)
	for _, e := range m.from(run[0].ID, math.MaxInt) {
		if e.Type == events.Disconnected {
			left[e.Conn.Seq] = true
		}
	}
	for _, e := range run {
		switch {
		case e.Type == events.Connected && !left[e.ID.Seq]:
			m.add(presence.ConnectionOf(e))
		case e.Type == events.Disconnected:
			m.remove(e.Conn)
		}
	}
}
