package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/presenced/presence/events"
)

// memoryLog is the events.Log of a Memory.
type memoryLog struct{ m *Memory }

var _ events.Log = memoryLog{}

func (l memoryLog) Append(ctx context.Context, run []events.Event) (int, error) {
	if err := events.ValidateRun(run); err != nil {
		return 0, err
	}
	if err := alive(ctx); err != nil {
		return 0, err
	}
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	for i, e := range run {
		if err := l.m.insert(e); err != nil {
			return i, err
		}
	}
	return len(run), nil
}

// insert adds e at the end of its stream.
func (m *Memory) insert(e events.Event) error {
	stream := m.streams[e.ID.Stream]
	switch end := nextSeq(stream); {
	case e.ID.Seq < end:
		return &events.OccupiedError{At: e.ID}
	case e.ID.Seq > end:
		return fmt.Errorf("%w: %s would leave a hole: the stream ends before %s", events.ErrInvalid, e.ID, e.ID.At(end))
	}
	m.streams[e.ID.Stream] = append(stream, e)
	return nil
}

func (l memoryLog) Read(ctx context.Context, from events.Position, limit int) ([]events.Event, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	l.m.mu.RLock()
	defer l.m.mu.RUnlock()
	return slices.Clone(l.m.from(from, limit)), nil
}

// nextSeq is the seq of the event that comes next in a stream, whose first events may have
// been deleted.
func nextSeq(stream []events.Event) uint64 {
	if len(stream) == 0 {
		return 0
	}
	return stream[len(stream)-1].ID.Seq + 1
}

// from is the stream of p from p on, at most limit events of it.
func (m *Memory) from(p events.Position, limit int) []events.Event {
	stream := m.streams[p.Stream]
	if p.Seq >= nextSeq(stream) || limit <= 0 {
		return nil
	}
	if first := stream[0].ID.Seq; p.Seq > first {
		stream = stream[p.Seq-first:]
	}
	return stream[:min(limit, len(stream))]
}

func (l memoryLog) Tail(ctx context.Context, s events.Stream) (events.Event, error) {
	if err := alive(ctx); err != nil {
		return events.Event{}, err
	}
	l.m.mu.RLock()
	defer l.m.mu.RUnlock()
	tail, ok := l.m.tail(s)
	if !ok {
		return events.Event{}, fmt.Errorf("%w: stream %s", events.ErrNotFound, s)
	}
	return tail, nil
}

func (m *Memory) tail(s events.Stream) (tail events.Event, ok bool) {
	stream := m.streams[s]
	if len(stream) == 0 {
		return events.Event{}, false
	}
	return stream[len(stream)-1], true
}

func (l memoryLog) Highest(ctx context.Context, node string) (events.Event, error) {
	if err := alive(ctx); err != nil {
		return events.Event{}, err
	}
	l.m.mu.RLock()
	defer l.m.mu.RUnlock()
	var highest events.Stream
	for s := range l.m.streams {
		if s.Node == node && s.Epoch > highest.Epoch {
			highest = s
		}
	}
	tail, ok := l.m.tail(highest)
	if !ok {
		return events.Event{}, fmt.Errorf("%w: node %s", events.ErrNotFound, node)
	}
	return tail, nil
}

func (l memoryLog) Streams(ctx context.Context, after events.Stream, limit int) ([]events.Stream, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	l.m.mu.RLock()
	defer l.m.mu.RUnlock()
	all := sortedStreams(l.m.streams)
	first, found := slices.BinarySearchFunc(all, after, events.Stream.Compare)
	if found {
		first++
	}
	return all[first:][:max(0, min(limit, len(all)-first))], nil
}

// bySeq orders positions of one stream.
func bySeq(a, b events.Position) int { return cmp.Compare(a.Seq, b.Seq) }
