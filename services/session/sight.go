package session

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/roster"
	"github.com/presenced/presence/services/protocol"
)

// Sight says of whom a client may ask whether they are online, by who and by watch. The
// set is closed.
type Sight uint8

// The sights.
const (
	SeesAll    Sight = iota // of everyone
	SeesListed              // of users whom it names; of everyone if its token says so
	SeesNobody              // of nobody
)

// ErrNoSight is returned by ParseSight.
var ErrNoSight = errors.New("want all, listed or off")

// ParseSight reads a sight from the name that it has in settings.
func ParseSight(name string) (Sight, error) {
	switch name {
	case "all":
		return SeesAll, nil
	case "listed":
		return SeesListed, nil
	case "off":
		return SeesNobody, nil
	}
	return SeesNobody, fmt.Errorf("%q: %w", name, ErrNoSight)
}

// sight is that of this client.
func (s *Session) sight() Sight {
	if s.host.Sees == SeesListed && s.SeesAll() {
		return SeesAll
	}
	return s.host.Sees
}

// maySee reports whether the client may see what a command asks for. If not, the client is
// told so.
func (s *Session) maySee(c *protocol.Command) bool {
	forbidden := ""
	switch s.sight() {
	case SeesAll:
	case SeesListed:
		if c.Users == nil {
			forbidden = "everyone may not be asked for here: name those you mean in users"
		}
	case SeesNobody:
		forbidden = "who is online is not told here"
	}
	if forbidden != "" {
		s.refuse(&protocol.Error{ID: c.ID, Code: protocol.Forbidden, Message: forbidden})
	}
	return forbidden == ""
}

// who has the store asked who is online, beside the event loop.
func (s *Session) who(c *protocol.Command) {
	if !s.maySee(c) {
		return
	}
	q := question{bytes.Clone(c.ID), presence.UserQuery{Users: c.Users, After: c.After, Limit: c.Limit}}
	if c.Users != nil {
		q.query.Limit = presence.MaxUserPage
	}
	a := s.ask()
	if a.line == nil {
		a.line = &line{asker: s.host.Asker, socket: s.socket, counts: s.extra.counts}
	}
	switch err := a.line.ask(q); {
	case errors.Is(err, errAsksTooMuch):
		s.refuse(&protocol.Error{ID: c.ID, Code: protocol.Busy, Message: err.Error() + "; send this one again when one is answered"})
	case err != nil:
		s.refuse(leaving(c.ID))
	}
}

// watch begins a watch, in the place of the one before.
func (s *Session) watch(c *protocol.Command) {
	if !s.maySee(c) {
		return
	}
	a := s.ask()
	if a.watch != nil {
		a.watch.Stop(nil)
		a.watch = nil
	}
	w, err := s.host.Roster.Watch(s.socket, roster.Query{ID: bytes.Clone(c.ID), Level: c.Level, Users: c.Users})
	switch {
	case errors.Is(err, roster.ErrFull):
		s.refuse(&protocol.Error{ID: c.ID, Code: protocol.Busy, Message: err.Error() + "; name fewer, or send this one again later"})
	case err != nil:
		s.refuse(leaving(c.ID))
	default:
		a.watch = w
	}
}

// unwatch ends the watch, if there is one. Its last push comes before the answer.
func (s *Session) unwatch(c *protocol.Command) {
	a := s.ask()
	if a.watch == nil {
		s.answer(func(b []byte) []byte { return protocol.AppendUnwatch(b, c.ID) })
		return
	}
	a.watch.Stop(protocol.AppendUnwatch(nil, c.ID))
	a.watch = nil
}

// lookAgain ends a watch of everyone that the client's new token does not allow any more.
func (s *Session) lookAgain() {
	a := s.extra.asked
	if a == nil || a.watch == nil || !a.watch.Everyone() || s.sight() == SeesAll {
		return
	}
	s.extra.counts.refuse(protocol.Forbidden)
	a.watch.Stop(protocol.AppendError(nil, &protocol.Error{Code: protocol.Forbidden,
		Message: "the new token is not for watching everyone: the watch has ended"}))
	a.watch = nil
}

// leaving is the answer to what is asked of a server that stops.
func leaving(id []byte) *protocol.Error {
	return &protocol.Error{ID: id, Code: protocol.Internal, Message: "the server is leaving; send this one again after connecting again"}
}
