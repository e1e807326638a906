package presence

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/presenced/presence/events"
)

// beatGrace is how long after an owner's last beat its connections are still taken for
// online. Peers declare it lost after 10 s.
const beatGrace = 15 * time.Second

// span is what history needs to know of a stream beside its connections.
type span struct {
	first events.Event // that is left of it: opened, unless retention was here
	tail  events.Event
	seal  events.Event // zero while it is not sealed
	beat  time.Time    // of its owner, while it is not sealed: when it was last known to live
	done  bool         // sealed, and none of its connections is without an end

	broken error // why its end cannot be folded; then the seal and done are not known
}

// overlaps reports whether a connection of the stream can have been there at a time.
func (s span) overlaps(at time.Time) bool {
	began := s.first.ID.Seq > 0 || !s.first.At.After(at)
	if s.broken != nil {
		return began && (!s.tail.Seals() || at.Before(s.tail.At))
	}
	return began && (!s.sealed() || at.Before(s.seal.At))
}

// endedBefore reports whether the stream was sealed before a time.
func (s span) endedBefore(at time.Time) bool {
	if s.broken != nil {
		return s.tail.Seals() && s.tail.At.Before(at)
	}
	return s.sealed() && s.seal.At.Before(at)
}

func (s span) sealed() bool { return !s.seal.ID.IsZero() }

// lastSeq is the last event of the owner.
func (s span) lastSeq() uint64 {
	if s.sealed() {
		return s.seal.ID.Seq - 1
	}
	return s.tail.ID.Seq
}

// seen is the last instant at which a connection that never got an end from its owner
// is known to have been there.
func (s span) seen(since time.Time) time.Time {
	if s.sealed() {
		return later(s.seal.LastSeen, since)
	}
	return later(s.beat, since)
}

// stateAt is the state, at a time at which the stream overlaps, of a connection that
// never got an end from its owner.
func (s span) stateAt(at, since time.Time) State {
	switch seen := s.seen(since); {
	case s.seal.Reason == events.Shutdown: // then there is no such connection
		return StateOnline
	case s.sealed() && at.After(seen), !s.sealed() && at.Sub(seen) > beatGrace:
		return StateUnknown
	}
	return StateOnline
}

// doubtful reports whether stateAt may be other than StateOnline.
func (s span) doubtful(at time.Time) bool { return s.stateAt(at, time.Time{}) != StateOnline }

// spans are all streams of the log. What is known of a stream that has ended is kept, so
// that it is read once.
func (h *History) spans(ctx context.Context) (map[events.Stream]span, error) {
	nodes, err := h.store.Nodes.All(ctx)
	if err != nil {
		return nil, err
	}
	beats := make(map[events.Stream]time.Time, len(nodes))
	for _, n := range nodes {
		beats[n.Stream] = n.BeatAt
	}
	all := make(map[events.Stream]span)
	for after := (events.Stream{}); ; {
		page, err := h.store.Log.Streams(ctx, after, maxBatch)
		if err != nil {
			return nil, err
		}
		for _, stream := range page {
			s, err := h.span(ctx, stream, beats[stream])
			if errors.Is(err, events.ErrNotFound) {
				continue // retention has just deleted it
			}
			if err != nil {
				return nil, err
			}
			all[stream] = s
		}
		if len(page) < maxBatch {
			h.keep(all)
			return all, nil
		}
		after = page[len(page)-1]
	}
}

// keep remembers the streams that have ended, and forgets those that are gone.
func (h *History) keep(all map[events.Stream]span) {
	ended := make(map[events.Stream]span)
	for stream, s := range all {
		if s.done {
			ended[stream] = s
		}
	}
	h.mu.Lock()
	h.ended = ended
	h.mu.Unlock()
}

func (h *History) span(ctx context.Context, stream events.Stream, beat time.Time) (s span, err error) {
	h.mu.Lock()
	s, known := h.ended[stream]
	h.mu.Unlock()
	if known {
		return s, nil
	}
	s.first.ID, s.tail.ID = stream.At(0), stream.At(0) // unless they can be read
	if err = h.complete(ctx, stream, beat, &s); err != nil && senseless(err) {
		s.broken, s.done, err = err, false, nil
	}
	return s, err
}

// complete reads what there is to know of a stream.
func (h *History) complete(ctx context.Context, stream events.Stream, beat time.Time, s *span) error {
	tail, err := h.store.Log.Tail(ctx, stream)
	if err != nil {
		return err
	}
	s.tail = tail
	first, err := h.store.Log.Read(ctx, stream.At(0), 1)
	if err != nil {
		return err
	}
	if len(first) == 0 {
		return events.ErrNotFound
	}
	s.first = first[0]
	if s.tail.Seals() {
		return h.end(ctx, stream, s)
	}
	if s.beat = events.Milliseconds(beat); beat.IsZero() {
		s.beat = s.tail.At
	}
	return nil
}

// end completes the span of a stream that is sealed.
func (h *History) end(ctx context.Context, stream events.Stream, s *span) (err error) {
	if s.seal, err = h.firstOf(ctx, stream, s.first.ID.Seq, s.tail.ID.Seq, events.Event.Seals); err != nil {
		return err
	}
	if s.seal.Reason == events.Shutdown {
		s.done = true // the owner sealed it when it had no connection left
		return nil
	}
	open, err := h.openAtEnd(ctx, *s)
	s.done = err == nil && len(open) == 0
	return err
}

// firstOf is the first event of a stream from low to high, both included, of which is
// says yes: a binary search, for a stream is dense, and from one event on is says yes to
// all. It must say so of the one at high. An event that retention has deleted is before
// every seal, and not after any time that may be asked for: of it is would say no. Of one
// that is missing nobody knows.
func (h *History) firstOf(ctx context.Context, s events.Stream, low, high uint64, is func(events.Event) bool) (found events.Event, err error) {
	n := sort.Search(int(high-low), func(i int) bool {
		if err != nil {
			return true
		}
		var e events.Event
		e, err = h.eventAt(ctx, s.At(low+uint64(i)))
		if errors.Is(err, events.ErrNotFound) {
			err = h.deleted(ctx, s.At(low+uint64(i)))
			return err != nil
		}
		return err != nil || is(e)
	})
	if err != nil {
		return events.Event{}, err
	}
	return h.eventAt(ctx, s.At(low+uint64(n)))
}

// eventAt is the event at a position, or events.ErrNotFound.
func (h *History) eventAt(ctx context.Context, p events.Position) (events.Event, error) {
	run, err := h.store.Log.Read(ctx, p, 1)
	if err != nil {
		return events.Event{}, err
	}
	if len(run) == 0 || run[0].ID != p {
		return events.Event{}, events.ErrNotFound
	}
	return run[0], nil
}

// deleted returns nil if retention has deleted the event at a position: then all before it
// are gone too. If not the stream is broken.
func (h *History) deleted(ctx context.Context, p events.Position) error {
	first, err := h.store.Log.Read(ctx, p.At(0), 1)
	if err == nil && len(first) > 0 && first[0].ID.Seq < p.Seq {
		err = fmt.Errorf("%w: %s is missing", events.ErrGrammar, p)
	}
	return err
}

// seqAt is the last event of the owner that is not after a time at which the stream
// overlaps.
func (h *History) seqAt(ctx context.Context, s span, at time.Time) (uint64, error) {
	stream, last := s.tail.ID.Stream, s.lastSeq()
	low := s.first.ID.Seq
	after := func(e events.Event) bool { return e.At.After(at) }
	end, err := h.eventAt(ctx, stream.At(last))
	switch {
	case errors.Is(err, events.ErrNotFound): // if retention has deleted it, it was before
		return last, h.deleted(ctx, stream.At(last))
	case err != nil:
		return 0, err
	case !after(end):
		return last, nil
	case after(s.first): // only where retention was: the snapshot at the floor tells
		return low - 1, nil
	}
	e, err := h.firstOf(ctx, stream, low, last, after)
	return e.ID.Seq - 1, err
}

// openAt is the fold of a stream at a time at which it overlaps.
func (h *History) openAt(ctx context.Context, s span, at time.Time) (*events.Fold, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	seq, err := h.seqAt(ctx, s, at)
	if err != nil {
		return nil, err
	}
	return foldTo(ctx, h.store, s.tail.ID.At(seq))
}

// openAtEnd are the connections that have no end at the end of what is known of the
// stream.
func (h *History) openAtEnd(ctx context.Context, s span) ([]events.Event, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	f, err := foldTo(ctx, h.store, s.tail.ID)
	if err != nil {
		return nil, err
	}
	return f.Open(), nil
}
