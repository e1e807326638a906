package events

import (
	"errors"
	"fmt"
	"time"
)

// Snapshot is what a stream adds up to at a position before its seal: a fold that
// begins there, instead of at seq 0, comes to the same end (I8).
type Snapshot struct {
	ID   Position  // of the last event that is in it
	At   time.Time // of that event
	Open []Open    // the open connections, in position order
}

// Open is an open connection, as far as a fold needs to know it.
type Open struct {
	Conn  Position // of its connected event
	User  string
	Since time.Time
}

// ErrNoSnapshot is returned when there can be no snapshot of a fold: it is empty, or
// its stream is sealed.
var ErrNoSnapshot = errors.New("no snapshot before the first event, nor after the seal")

// Snapshot is what was folded so far, or ErrNoSnapshot.
func (f *Fold) Snapshot() (Snapshot, error) {
	if f.tail.ID.IsZero() || f.Sealed() {
		return Snapshot{}, ErrNoSnapshot
	}
	s := Snapshot{ID: f.tail.ID, At: f.tail.At, Open: make([]Open, 0, len(f.open))}
	for _, e := range f.Open() {
		s.Open = append(s.Open, Open{Conn: e.ID, User: e.User, Since: e.At})
	}
	return s, nil
}

// FoldFrom is the fold of the events through s.ID, made from the snapshot alone. Until
// the next event its Tail has only an ID and a time, and the events that Open returns
// for connections of the snapshot have no Remote, Agent and Resumes. It returns an error
// that wraps ErrInvalid if s can be no snapshot.
func FoldFrom(s Snapshot) (*Fold, error) {
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("%w: snapshot %s: %w", ErrInvalid, s.ID, err)
	}
	f := &Fold{tail: Event{ID: s.ID, At: s.At}, open: make(map[uint64]Event, len(s.Open))}
	for _, o := range s.Open {
		f.open[o.Conn.Seq] = Event{ID: o.Conn, Type: Connected, At: o.Since, User: o.User}
	}
	return f, nil
}

func (s Snapshot) validate() error {
	if err := ValidateNode(s.ID.Node); err != nil {
		return err
	}
	if s.ID.Epoch == 0 || s.ID.Seq > MaxSeq {
		return errors.New("id: epoch or seq out of range")
	}
	if err := validateTime("at", s.At); err != nil {
		return err
	}
	last := uint64(0)
	for _, o := range s.Open {
		if o.Conn.Stream != s.ID.Stream || o.Conn.Seq <= last || o.Conn.Seq > s.ID.Seq || o.Since.After(s.At) {
			return fmt.Errorf("open: %s is not of the stream, out of order, or too late", o.Conn)
		}
		if err := errors.Join(ValidateUser(o.User), validateTime("since", o.Since)); err != nil {
			return fmt.Errorf("open: %s: %w", o.Conn, err)
		}
		last = o.Conn.Seq
	}
	return nil
}
