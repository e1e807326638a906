package events

import (
	"context"
	"errors"
	"fmt"
)

// Log is every stream. It is safe for concurrent use. Reads are majority-committed
// and see every Append that was acknowledged before them, by any node.
//
// Errors are of four classes, and errors.Is and errors.As tell which:
// *OccupiedError, ErrUnavailable, ErrRefused and ErrInvalid. A context that ended is
// ErrUnavailable too: the outcome is not known.
type Log interface {
	// Append adds a dense run of one stream, in order, each event only if those before
	// it are there. It returns how many events, from the first, are known to be
	// durable; that is len(run) if and only if err is nil. An *OccupiedError names the
	// first position that was taken. After any other error the events from n on may
	// or may not be there, and may still arrive.
	Append(ctx context.Context, run []Event) (n int, err error)

	// Read returns up to limit events of the stream of from, ascending, beginning at
	// from. Fewer than limit means that the stream had no more.
	Read(ctx context.Context, from Position, limit int) ([]Event, error)

	// Tail returns the last event of a stream, or ErrNotFound.
	Tail(ctx context.Context, s Stream) (Event, error)

	// Highest returns the last event of the highest epoch of a node id, or
	// ErrNotFound. It says which epoch is next, and whether this one is sealed.
	Highest(ctx context.Context, node string) (Event, error)

	// Streams returns up to limit streams of the log after the given one (the zero
	// Stream: from the first), ascending as text.
	Streams(ctx context.Context, after Stream, limit int) ([]Stream, error)
}

// ErrNotFound is returned when a stream, or a node id, has no event.
var ErrNotFound = errors.New("no such event")

// ErrUnavailable is returned when the outcome of an operation is not known: the
// store could not be reached, gave no answer in time, or failed in between. What
// was asked may have happened, and may still happen. Repeat it.
var ErrUnavailable = errors.New("store unavailable")

// ErrRefused is returned when the store has definitely not done what was asked, for
// a reason that lies in its environment: disk full, not authorised, over quota.
// Keep what was to be written, back off, and say that the service is not ready.
var ErrRefused = errors.New("store refused")

// OccupiedError is returned by Append when a position is taken.
type OccupiedError struct {
	At Position // the first position of the run that was taken
}

// Error says which position was taken.
func (e *OccupiedError) Error() string { return fmt.Sprintf("position %s is occupied", e.At) }

// ValidateRun returns an error that wraps ErrInvalid unless run is what Append
// takes: valid events of one stream at consecutive positions, At never falling.
func ValidateRun(run []Event) error {
	for i, e := range run {
		if err := e.Validate(); err != nil {
			return err
		}
		if i == 0 {
			continue
		}
		if prev := run[i-1]; e.ID != prev.ID.Next() || e.At.Before(prev.At) {
			return fmt.Errorf("%w: %s does not follow %s", ErrInvalid, e.ID, prev.ID)
		}
	}
	return nil
}
