package auth

import (
	"errors"
	"time"
)

// Identity is who a client is.
type Identity struct {
	User    string    // see events.ValidateUser
	Expires time.Time // until when that is proven, by the wall clock; zero: it is not proven at all
	SeesAll bool      // the proof allows to ask about all users; see claims
}

// Proven reports whether the client has proven who it is.
func (i Identity) Proven() bool { return !i.Expires.IsZero() }

// Authenticator says who clients are. It is safe for concurrent use and does not block.
type Authenticator interface {
	// Identify judges an upgrade request. Its errors say to people what to do, and wrap
	// one of this package's.
	Identify(c Credentials) (Identity, error)

	// Renew judges a token that a client shows later on. It must be of the same user:
	// else the error is ErrOtherUser.
	Renew(user string, token []byte) (Identity, error)
}

// What a client is told; none of it is longer than the reason of a close frame may be.
var (
	// ErrNoToken is returned when a request has no token.
	ErrNoToken = errors.New("a token is needed: send Authorization: Bearer, or the subprotocols presence.v1, bearer.TOKEN")

	// ErrBadRequest is returned when a request brings a token in a wrong way.
	ErrBadRequest = errors.New("bad request")

	// ErrToken is returned for a token that is not accepted, and says why.
	ErrToken = errors.New("the token is not accepted")

	// ErrKeyNotYet is returned for a token whose key is not known yet, but may be soon.
	ErrKeyNotYet = errors.New("the key of the token is not known yet: try again in some seconds")

	// ErrOtherUser is returned when a token is of another user than it should be.
	ErrOtherUser = errors.New("the token is of another user")

	// ErrNoTokens is returned when there is nothing that tokens could be judged by.
	ErrNoTokens = errors.New("this server does not authenticate, and takes no token")
)
