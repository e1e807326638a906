package session

import (
	"errors"
	"time"

	"github.com/presenced/presence/services/auth"
	"github.com/presenced/presence/services/protocol"
)

// proof is what a client has shown of who it is.
type proof struct {
	// static
	session *Session

	// guarded by Expiry.mu once it was added
	expires int64 // Unix milliseconds, by the wall clock
	place   int32 // in Expiry.queue; notQueued: it is not there

	// owned by the session's event loop
	seesAll bool
}

func newProof(s *Session, expires time.Time, seesAll bool) *proof {
	return &proof{session: s, expires: expires.UnixMilli(), place: notQueued, seesAll: seesAll}
}

// Proven reports whether the client has proven who it is. Like SeesAll it belongs to the
// event loop.
func (s *Session) Proven() bool { return s.extra != nil && s.extra.proof != nil }

// SeesAll reports whether the client's token allows it to ask about all users.
func (s *Session) SeesAll() bool { return s.Proven() && s.extra.proof.seesAll }

// renew takes another token, of the same user.
func (s *Session) renew(c *protocol.Command) {
	identity, err := s.host.Auth.Renew(s.conn.User(), c.Token)
	if err != nil {
		s.refuse(&protocol.Error{ID: c.ID, Code: tokenCode(err), Message: err.Error()})
		return
	}
	e := s.remember()
	if e.proof == nil {
		e.proof = newProof(s, identity.Expires, identity.SeesAll)
	}
	e.proof.seesAll = identity.SeesAll
	s.lookAgain()
	s.host.Expiry.move(e.proof, identity.Expires)
	s.answer(func(b []byte) []byte { return protocol.AppendToken(b, c.ID, identity.Expires) })
}

// tokenCode says what a client can do about a token that was not taken.
func tokenCode(err error) protocol.Code {
	switch {
	case errors.Is(err, auth.ErrOtherUser), errors.Is(err, auth.ErrNoTokens):
		return protocol.Forbidden
	case errors.Is(err, auth.ErrKeyNotYet):
		return protocol.Internal
	}
	return protocol.Unauthorized
}
