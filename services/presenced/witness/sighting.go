package witness

import (
	"time"

	"github.com/gobwas/ws"
)

// Sighting is what one client saw of one socket, from the attempt to connect to the
// end. A time that is zero has not come.
type Sighting struct {
	User string
	Node string // that it was dialled at

	Dialled  time.Time // before anything was sent
	Upgraded time.Time // the 101 has arrived
	Welcomes []Welcome // more than one if the node lost its stream and joined again

	Left   time.Time // before the client closed, or fell silent
	Silent bool      // it fell silent: the socket lives, and nobody reads it
	Ended  time.Time // the client has seen the end of the socket, or that there is none
	Code   ws.StatusCode

	Ticks    int
	LastTick time.Time
	Gap      time.Duration // the longest between two time messages
}

// Welcome is one welcome.
type Welcome struct {
	ID string // of the connection
	At time.Time
}

// Gone is when the client was surely connected no more, zero if it may still be.
func (s *Sighting) Gone() time.Time {
	if !s.Left.IsZero() {
		return s.Left
	}
	return s.Ended
}

// mayBeOnline reports whether the client may have been connected at some moment
// between two times.
func (s *Sighting) mayBeOnline(from, to time.Time) bool {
	gone := s.Gone()
	return !s.Dialled.After(to) && (gone.IsZero() || !gone.Before(from))
}

// isOnline reports whether the client was welcomed before, and connected throughout,
// two times.
func (s *Sighting) isOnline(from, to time.Time) bool {
	gone := s.Gone()
	return len(s.Welcomes) > 0 && s.Welcomes[0].At.Before(from) && (gone.IsZero() || gone.After(to))
}
