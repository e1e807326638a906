package presence

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/presenced/presence/events"
)

// walk goes over all streams in the order of time, and counts who is there. It belongs to
// one goroutine.
type walk struct {
	store    Store
	from, to time.Time // the first and the last instant that is looked at
	tides    tides
	gauge    gauge
	marks    []Mark
	broken   brokenSet
}

func (h *History) timeline(ctx context.Context, q TimelineQuery, horizon time.Time) (Timeline, error) {
	t := Timeline{From: q.From, To: q.To}
	if horizon.After(q.From) {
		t.Kept = horizon
	}
	instants := q.instants(horizon)
	if len(instants) == 0 {
		return Timeline{}, forgotten(q.To, horizon)
	}
	spans, err := h.spans(ctx)
	if err != nil {
		return Timeline{}, err
	}
	for broken := make(brokenSet); ; {
		w := &walk{store: h.store, from: instants[0], to: q.To, gauge: newGauge(), broken: broken}
		known := len(broken)
		if err := h.enterAll(ctx, w, spans); err != nil {
			return Timeline{}, err
		}
		if t.Points, err = w.points(ctx, instants); err != nil {
			return Timeline{}, err
		}
		if len(broken) == known { // else once more, without what was counted of it
			t.Marks, t.Left = w.latestMarks()
			t.Broken = broken.list()
			return t, nil
		}
	}
}

// enterAll has the walk come by all streams.
func (h *History) enterAll(ctx context.Context, w *walk, spans map[events.Stream]span) error {
	for stream, s := range spans {
		if err := w.broken.meet(stream, h.enter(ctx, w, s)); err != nil {
			return fmt.Errorf("%s: %w", stream, err)
		}
	}
	return nil
}

// enter has the walk come by a stream, if it overlaps the time.
func (h *History) enter(ctx context.Context, w *walk, s span) error {
	if s.first.ID.Seq == 0 && s.first.At.After(w.to) || s.endedBefore(w.from) {
		return nil
	}
	t := &tide{span: s, next: s.first.At}
	w.mark(t)
	if s.broken != nil || w.broken[s.tail.ID.Stream] {
		return s.broken
	}
	if s.overlaps(w.from) {
		f, err := h.openAt(ctx, s, w.from)
		if err != nil {
			return err
		}
		if err := t.begin(ctx, w, f); err != nil {
			return err
		}
	} else if !s.first.At.After(w.from) { // it ended as the time began
		return t.foresee(ctx, w)
	}
	if !t.next.IsZero() {
		heap.Push(&w.tides, t)
	}
	return nil
}

// mark takes note of what a stream tells of its node, but for its loss, which is found when
// the walk comes by.
func (w *walk) mark(t *tide) {
	s := t.tail.ID.Stream
	in := func(at time.Time) bool { return !at.Before(w.from) && !at.After(w.to) }
	if t.first.Type == events.Opened && in(t.first.At) {
		w.marks = append(w.marks, Mark{At: t.first.At, Kind: MarkStarted, Stream: s})
	}
	if t.seal.Reason == events.Shutdown && in(t.seal.At) {
		w.marks = append(w.marks, Mark{At: t.seal.At, Kind: MarkLeft, Stream: s})
	}
}

// latestMarks are the marks in the order of time, and how many are too many.
func (w *walk) latestMarks() (marks []Mark, left int) {
	slices.SortFunc(w.marks, func(a, b Mark) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Kind, b.Kind), a.Stream.Compare(b.Stream))
	})
	left = max(0, len(w.marks)-MaxTimelineMarks)
	return w.marks[left:], left
}

// points walks from instant to instant.
func (w *walk) points(ctx context.Context, instants []time.Time) ([]Point, error) {
	points := make([]Point, 0, len(instants))
	for _, at := range instants {
		for len(w.tides) > 0 && !w.tides[0].next.After(at) {
			now := w.tides[0].next
			if err := w.pass(ctx, now); err != nil {
				return nil, err
			}
			if len(points) > 0 && now.Before(at) {
				w.gauge.note(&points[len(points)-1])
			}
		}
		points = append(points, w.gauge.point(at))
	}
	return points, nil
}

// pass makes all changes of one instant.
func (w *walk) pass(ctx context.Context, now time.Time) error {
	for len(w.tides) > 0 && w.tides[0].next.Equal(now) {
		t := w.tides[0]
		stream := t.tail.ID.Stream
		if err := w.broken.meet(stream, t.step(ctx, w)); err != nil {
			return fmt.Errorf("%s: %w", stream, err)
		}
		if t.next.IsZero() || w.broken[stream] {
			heap.Pop(&w.tides)
		} else {
			heap.Fix(&w.tides, 0)
		}
	}
	return nil
}
