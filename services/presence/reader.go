package presence

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/presenced/presence/events"
)

// Reader reads the whole log from a cursor on: each stream's events in their order, each
// once, whatever is appended meanwhile, and across restarts with the cursor. The order
// between streams is not defined. It writes nothing, and belongs to one goroutine.
type Reader struct {
	store  Store
	cursor Cursor
	unread []events.Stream        // streams of the log of which nothing is read, ascending
	sealed map[events.Stream]bool // whether the last event read of a stream seals it, where that is known
	ended  map[events.Stream]bool // those of the cursor in which nothing will come any more
	polls  int
	turn   int // which stream is first in the next poll, so that none waits for the others
}

// MaxEvents is the most events that one Poll returns.
const MaxEvents = 1000

// GapError is returned by Reader.Poll where events are missing: retention has deleted them,
// or they are lost.
type GapError struct {
	From events.Position // the first of them
	To   events.Position // the next event that there is
}

// Error says which events.
func (e *GapError) Error() string {
	return fmt.Sprintf("the log has %s, and not %s, which comes before it", e.To, e.From)
}

// Unwrap is ErrForgotten.
func (e *GapError) Unwrap() error { return ErrForgotten }

// listEvery is how many polls see new streams by their node documents only. A stream
// that began and ended between two polls has none any more, and is found by the next
// list of the log's streams.
const listEvery = 10

// NewReader returns a reader of the events after a cursor.
func NewReader(store Store, after Cursor) *Reader {
	return &Reader{
		store: store, cursor: after.clone(),
		sealed: make(map[events.Stream]bool), ended: make(map[events.Stream]bool),
	}
}

// Cursor is after the last event that Poll returned.
func (r *Reader) Cursor() Cursor { return r.cursor.clone() }

// Poll returns up to limit of the events that come next, at most MaxEvents, and none if
// there are none now. After an error it may be called again, and has lost nothing. It
// returns a *GapError, which wraps ErrForgotten, if the log does not have any more what
// comes next.
func (r *Reader) Poll(ctx context.Context, limit int) ([]events.Event, error) {
	limit = min(max(limit, 1), MaxEvents)
	// The nodes first: a stream that has no document, and is then read to a seal, ended.
	nodes, err := nodesByStream(ctx, r.store.Nodes)
	if err != nil {
		return nil, err
	}
	if err := r.discover(ctx, nodes); err != nil {
		return nil, err
	}
	var all []events.Event
	streams := r.active()
	for i := range streams {
		if len(all) == limit {
			break
		}
		s := streams[(r.turn+i)%len(streams)]
		_, owned := nodes[s]
		page, err := r.read(ctx, s, limit-len(all), owned)
		if err != nil {
			if len(all) > 0 {
				break // these are read; the next poll meets the error again
			}
			return nil, err
		}
		all = append(all, page...)
	}
	r.turn++
	r.forget()
	return all, nil
}

// active are the streams to read from: those of the cursor that have not ended, and of
// each node the oldest that is not read yet. A later one has to wait, since a cursor that
// has it says that those before it are known.
func (r *Reader) active() []events.Stream {
	var streams []events.Stream
	for _, s := range r.cursor.streams() {
		if !r.ended[s] {
			streams = append(streams, s)
		}
	}
	node := ""
	for _, s := range r.unread { // ascending: of each node the first
		if s.Node != node {
			streams = append(streams, s)
		}
		node = s.Node
	}
	return streams
}

// read reads a stream from the cursor on.
func (r *Reader) read(ctx context.Context, s events.Stream, limit int, owned bool) ([]events.Event, error) {
	next := r.cursor.next(s)
	page, err := r.store.Log.Read(ctx, next, limit)
	if err != nil {
		return nil, fmt.Errorf("read from %s: %w", next, err)
	}
	if len(page) > 0 {
		if page[0].ID != next && next.Seq > 0 {
			return nil, &GapError{From: next, To: page[0].ID}
		}
		page = untilGap(page)
		last := page[len(page)-1]
		r.cursor.read[s], r.sealed[s] = last.ID.Seq, last.Seals()
		r.unread = slices.DeleteFunc(r.unread, func(u events.Stream) bool { return u == s })
	}
	if len(page) == limit || owned {
		return page, nil
	}
	if _, known := r.sealed[s]; !known {
		tail, err := r.store.Log.Tail(ctx, s)
		if err != nil && !errors.Is(err, events.ErrNotFound) {
			return nil, fmt.Errorf("read tail of %s: %w", s, err)
		}
		r.sealed[s] = err != nil || tail.Seals() && tail.ID == s.At(r.cursor.read[s])
	}
	r.ended[s] = r.sealed[s]
	return page, nil
}

// untilGap is a page up to where an event is missing. That is deleted, or lost: the next
// poll, which begins there, says so.
func untilGap(page []events.Event) []events.Event {
	n := 1
	for n < len(page) && page[n].ID == page[n-1].ID.Next() {
		n++
	}
	return page[:n]
}

// discover finds new streams: all of them now and then, and whenever nodes tells of one.
func (r *Reader) discover(ctx context.Context, nodes map[events.Stream]Node) error {
	due := r.polls%listEvery == 0
	oldest := r.cursor.oldest()
	for s := range nodes {
		due = due || r.isNew(s, oldest)
	}
	if due {
		if err := r.list(ctx, oldest); err != nil {
			return fmt.Errorf("list streams: %w", err)
		}
	}
	r.polls++
	return nil
}

// isNew reports whether a stream is neither known, nor of those that have been read
// whole.
func (r *Reader) isNew(s events.Stream, oldest map[string]uint32) bool {
	_, read := r.cursor.read[s]
	_, waits := slices.BinarySearchFunc(r.unread, s, events.Stream.Compare)
	return !read && !waits && s.Epoch > oldest[s.Node]
}

// list adds the streams of the log that are new. It skips over what is known.
func (r *Reader) list(ctx context.Context, oldest map[string]uint32) error {
	for after := (events.Stream{}); ; {
		page, err := r.store.Log.Streams(ctx, after, 1)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		s := page[0]
		if r.isNew(s, oldest) {
			i, _ := slices.BinarySearchFunc(r.unread, s, events.Stream.Compare)
			r.unread = slices.Insert(r.unread, i, s)
		}
		// What is older than the oldest of the cursor has been read.
		after = events.Stream{Node: s.Node, Epoch: max(s.Epoch, oldest[s.Node])}
	}
}

// forget takes streams out of the cursor that have ended, and are older than all others
// of their node.
func (r *Reader) forget() {
	streams := r.cursor.streams()
	for i, s := range streams {
		first := i == 0 || streams[i-1].Node != s.Node || !r.has(streams[i-1])
		more := i+1 < len(streams) && streams[i+1].Node == s.Node
		if first && more && r.ended[s] {
			delete(r.cursor.read, s)
			delete(r.sealed, s)
			delete(r.ended, s)
		}
	}
}

func (r *Reader) has(s events.Stream) bool {
	_, there := r.cursor.read[s]
	return there
}

// Tails is the cursor after everything that is in the log now.
func Tails(ctx context.Context, store Store) (Cursor, error) {
	c := Cursor{}.clone()
	for after := (events.Stream{}); ; {
		page, err := store.Log.Streams(ctx, after, maxBatch)
		if err != nil {
			return c, fmt.Errorf("list streams: %w", err)
		}
		for _, s := range page {
			tail, err := store.Log.Tail(ctx, s)
			if err != nil {
				return c, fmt.Errorf("read tail of %s: %w", s, err)
			}
			c.read[s] = tail.ID.Seq
		}
		if len(page) < maxBatch {
			return c, nil
		}
		after = page[len(page)-1]
	}
}
