package events

import (
	"errors"
	"fmt"
	"slices"
)

// ErrGrammar is returned when an event cannot follow the events before it.
var ErrGrammar = errors.New("stream grammar broken")

// Fold is what a stream adds up to: which of its connections are open, and whether
// it is sealed. The zero Fold is the stream before its first event; FoldFrom goes on
// from a snapshot. A Fold belongs to one goroutine.
//
// It keeps, event by event,
//
//	I1 the stream is dense from seq 0, or from the snapshot on;
//	I2 at most one seal, and only a takeover's disconnected events after it;
//	I4 a connection has at most one disconnected, which follows its connected.
//
// An event that breaks one of them is refused and leaves the Fold as it was.
type Fold struct {
	tail Event // the last event applied, or the end of the snapshot; zero before the first
	seal Event // the sealed event; zero before it
	open map[uint64]Event
}

// Apply takes the next event of the stream, or returns an error that wraps
// ErrGrammar, or ErrInvalid, and says what does not fit.
func (f *Fold) Apply(e Event) error {
	if err := e.Validate(); err != nil {
		return err
	}
	if err := f.follows(e); err != nil {
		return fmt.Errorf("%w: %s %s: %w", ErrGrammar, e.Type, e.ID, err)
	}
	switch e.Type {
	case Opened:
		f.open = make(map[uint64]Event)
	case Connected:
		f.open[e.ID.Seq] = e
	case Disconnected:
		delete(f.open, e.Conn.Seq)
	case Sealed:
		f.seal = e
	}
	f.tail = e
	return nil
}

// follows returns nil if e may come next.
func (f *Fold) follows(e Event) error {
	if f.tail.ID.IsZero() {
		if e.Type != Opened {
			return errors.New("a stream begins with opened at seq 0")
		}
		return nil
	}
	switch {
	case e.ID != f.tail.ID.Next():
		return fmt.Errorf("it does not stand at %s", f.tail.ID.Next())
	case e.At.Before(f.tail.At):
		return fmt.Errorf("its time is before that of %s", f.tail.ID)
	case e.Type == Disconnected:
		return f.followsOpen(e)
	case f.Sealed():
		return fmt.Errorf("the stream is sealed at %s", f.seal.ID)
	}
	return nil
}

func (f *Fold) followsOpen(e Event) error {
	c, ok := f.open[e.Conn.Seq]
	switch {
	case !ok:
		return fmt.Errorf("%s is not open", e.Conn)
	case !sameUser(c.User, e.User):
		return fmt.Errorf("%s is of another user", e.Conn)
	case f.Sealed() != (e.Reason == NodeLost):
		return errors.New("reason node_lost stands after the seal, and only there")
	}
	return nil
}

// Tail is the last event applied, the zero Event before the first.
func (f *Fold) Tail() Event { return f.tail }

// Sealed reports whether the stream is sealed.
func (f *Fold) Sealed() bool { return !f.seal.ID.IsZero() }

// Seal is the sealed event, the zero Event before it.
func (f *Fold) Seal() Event { return f.seal }

// Len is the number of open connections.
func (f *Fold) Len() int { return len(f.open) }

// Conn returns the connected event of an open connection, and whether it is open.
func (f *Fold) Conn(id Position) (Event, bool) {
	e, ok := f.open[id.Seq]
	return e, ok && e.ID == id
}

// Open returns the connected events of the open connections, in position order.
func (f *Fold) Open() []Event {
	open := make([]Event, 0, len(f.open))
	for _, e := range f.open {
		open = append(open, e)
	}
	slices.SortFunc(open, func(a, b Event) int {
		if a.ID.Seq < b.ID.Seq {
			return -1
		}
		return 1
	})
	return open
}
