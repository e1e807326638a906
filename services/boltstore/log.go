package boltstore

import (
	"context"
	"fmt"
	"math"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/presenced/presence/events"
)

// eventLog is the events.Log of a DB.
type eventLog struct{ d *DB }

var _ events.Log = eventLog{}

// Append implements events.Log. It refuses a run that would leave a hole, with
// events.ErrInvalid (I1).
func (l eventLog) Append(ctx context.Context, run []events.Event) (n int, err error) {
	values, err := events.MarshalRun(run)
	if err != nil || len(run) == 0 {
		return 0, err
	}
	// A run is dense, and so is the stream. So what is taken of a run is its
	// beginning, and a run whose first position is taken is not written at all.
	err = l.d.update(ctx, "append", func(tx *bbolt.Tx) error {
		end, err := endOf(tx, run[0].ID.Stream)
		if err != nil {
			return err
		}
		if run[0].ID.Seq < end.next {
			return &events.OccupiedError{At: run[0].ID}
		}
		return end.extend(tx, run, values)
	})
	if err != nil {
		return 0, err
	}
	return len(run), nil
}

// streamEnd is where a stream ends.
type streamEnd struct {
	next uint64       // the seq that the next event has
	tail events.Event // the last event, or the zero Event
}

func endOf(tx *bbolt.Tx, s events.Stream) (streamEnd, error) {
	tail, err := lastBefore(tx, after(s), s.Prefix())
	if err != nil || tail.ID.IsZero() {
		return streamEnd{}, err
	}
	return streamEnd{next: tail.ID.Seq + 1, tail: tail}, nil
}

// extend adds a run to the stream, at its end.
func (at streamEnd) extend(tx *bbolt.Tx, run []events.Event, values [][]byte) error {
	if len(run) == 0 {
		return nil
	}
	if run[0].ID.Seq != at.next {
		return fmt.Errorf("%w: %s would leave a hole: the stream ends before %s", events.ErrInvalid, run[0].ID, run[0].ID.At(at.next))
	}
	b := tx.Bucket(eventsBucket)
	// Events come in order and stay, so a page that is full is never split. With pages
	// half full, as bbolt leaves them, 300,000 events and their connections took 134 MB
	// instead of 63 MB, in the same time.
	b.FillPercent = 1
	var key [events.MaxPosition]byte
	for i, e := range run {
		if err := b.Put(e.ID.AppendText(key[:0]), values[i]); err != nil {
			return err
		}
	}
	return nil
}

// lastBefore is the last event before limit, if its key has the prefix; otherwise the
// zero Event.
func lastBefore(tx *bbolt.Tx, limit []byte, prefix string) (events.Event, error) {
	key, value := before(tx.Bucket(eventsBucket).Cursor(), limit)
	if key == nil || !strings.HasPrefix(string(key), prefix) {
		return events.Event{}, nil
	}
	return decodeEvent(key, value)
}

// Read implements events.Log.
func (l eventLog) Read(ctx context.Context, from events.Position, limit int) (run []events.Event, err error) {
	if limit <= 0 {
		return nil, alive(ctx)
	}
	err = l.d.view(ctx, "read", func(tx *bbolt.Tx) error {
		b, first, prefix := tx.Bucket(eventsBucket), []byte(from.String()), []byte(from.Prefix())
		n := 0 // to count them costs less than to let run grow
		_ = each(b, first, prefix, func(_, _ []byte) (bool, error) {
			n++
			return n < limit, nil
		})
		run = make([]events.Event, 0, n)
		return each(b, first, prefix, func(key, value []byte) (bool, error) {
			e, err := decodeEvent(key, value)
			run = append(run, e)
			return len(run) < limit, err
		})
	})
	if err != nil {
		return nil, err
	}
	return run, nil
}

// Tail implements events.Log.
func (l eventLog) Tail(ctx context.Context, s events.Stream) (events.Event, error) {
	return l.last(ctx, "stream "+s.String(), after(s), s.Prefix())
}

// Highest implements events.Log.
func (l eventLog) Highest(ctx context.Context, node string) (events.Event, error) {
	return l.last(ctx, "node "+node, afterNode(node), node+"/")
}

func (l eventLog) last(ctx context.Context, of string, limit []byte, prefix string) (e events.Event, err error) {
	err = l.d.view(ctx, "the last event of "+of, func(tx *bbolt.Tx) (err error) {
		e, err = lastBefore(tx, limit, prefix)
		if err == nil && e.ID.IsZero() {
			err = events.ErrNotFound
		}
		return err
	})
	return e, err
}

// Streams implements events.Log.
func (l eventLog) Streams(ctx context.Context, last events.Stream, limit int) (streams []events.Stream, err error) {
	err = l.d.view(ctx, "list streams", func(tx *bbolt.Tx) (err error) {
		streams, err = streamsAfter(tx.Bucket(eventsBucket), last, limit)
		return err
	})
	return streams, err
}

// unlimited is a limit that nothing reaches.
const unlimited = math.MaxInt
