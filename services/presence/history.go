package presence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/presenced/presence/events"
)

// History answers from the log who was online, and when. It is safe for concurrent
// use, writes nothing, and needs no member that runs.
//
// Times are those of events: UTC, whole milliseconds, by the clock of the node that
// wrote them. What is finer in a time that is asked for is cut off. An interval is half
// open: who connected at exactly T was online at T, who disconnected at exactly T was
// not.
//
// A stream whose events make no sense, since the database has lost one of them, keeps no
// answer from being given: it is named in it, as Broken. So is each that an answer comes by;
// only a Verifier comes by all.
//
// An answer has three values. When a node dies, its last beat is the last instant at
// which its connections are known to have been there; from then until its stream is
// sealed they are unknown, never online. A stream that is not sealed, and whose owner
// has not beaten for 15 s at the time that is asked about, is unknown from then on too.
type History struct {
	// static after construction
	store Store

	mu    sync.Mutex
	ended map[events.Stream]span // streams in which nothing will change any more
}

// NewHistory returns the history of a store.
func NewHistory(store Store) *History { return &History{store: store} }

// ErrForgotten is returned when the time that is asked for is before the horizon:
// retention has deleted what the answer would need.
var ErrForgotten = errors.New("before what retention has kept")

// MaxSessionPage is the most sessions that one call of Sessions returns.
const MaxSessionPage = 1000

// State says whether a user or a connection was there. The set is closed.
type State uint8

// The states.
const (
	StateOnline  State = iota + 1
	StateUnknown       // its node gave no sign of life then, and was not declared lost yet
	StateOffline
)

var stateNames = [...]string{StateOnline: "online", StateUnknown: "unknown", StateOffline: "offline"}

// String is the state in a word: "online", "unknown", "offline".
func (s State) String() string {
	if s < StateOnline || s > StateOffline {
		return fmt.Sprintf("state(%d)", uint8(s))
	}
	return stateNames[s]
}

// AtPage is one answer of OnlineAt, ascending by user, each user once.
type AtPage struct {
	At      time.Time // that was asked for, as it was understood
	Users   []UserAt
	Next    string // the After of the next page; empty on the last
	Total   int    // connections online then, of all users
	Unknown int    // connections of all users of which it is not known

	// Broken are the streams that were open then and whose events make no sense: who was
	// connected by them is not in this answer, and not known.
	Broken []events.Stream
}

// UserAt is a user who was online at a time, or of whom that is not known.
type UserAt struct {
	User        string
	Since       time.Time // of the oldest of the connections
	Connections int       // those in State
	State       State     // StateOnline if any connection was; else StateUnknown
}

// OnlineAt returns who was online at a time. Of q it takes the users, the page and its
// limit, as Online.Users does. Each page is exact for that time; as what is unknown is
// cleared up when a lost node's stream is sealed, two pages of one answer may differ in
// that. It returns ErrForgotten, ErrInvalid for a query out of its limits, and
// ErrUnavailable.
func (h *History) OnlineAt(ctx context.Context, at time.Time, q UserQuery) (AtPage, error) {
	if err := q.validate(); err != nil {
		return AtPage{}, err
	}
	at = events.Milliseconds(at)
	var page AtPage
	err := h.steadily(ctx, func(horizon time.Time) (err error) {
		page, err = h.onlineAt(ctx, at, q, horizon)
		return err
	})
	return page, err
}

// steadily reads with the horizon, and again if that has moved meanwhile: then retention
// may have begun to delete what was read.
func (h *History) steadily(ctx context.Context, read func(horizon time.Time) error) error {
	horizon, err := h.store.Past.Horizon(ctx)
	for err == nil {
		failed := read(horizon)
		var now time.Time
		if now, err = h.store.Past.Horizon(ctx); err == nil && !now.After(horizon) {
			return hidden(failed)
		}
		horizon = now
	}
	return err
}

// hidden is err, but if that says that the log makes no sense, without the class of it: what
// was asked for is not at fault.
func hidden(err error) error {
	if err != nil && senseless(err) {
		return errors.New(err.Error())
	}
	return err
}

// forgotten is ErrForgotten for a time before the horizon.
func forgotten(at, horizon time.Time) error {
	return fmt.Errorf("%s is %w, which is from %s on", at.Format(time.RFC3339Nano), ErrForgotten, horizon.Format(time.RFC3339Nano))
}

// validate returns an error that wraps events.ErrInvalid unless q is within its limits.
func (q UserQuery) validate() error {
	if q.Limit < 1 || q.Limit > MaxUserPage || len(q.Users) > MaxUserPage {
		return fmt.Errorf("%w: user query: limit %d and %d users; want 1 to %d, and at most %d",
			events.ErrInvalid, q.Limit, len(q.Users), MaxUserPage, MaxUserPage)
	}
	return nil
}

// SessionQuery asks for the sessions of a user that overlap [From, To).
type SessionQuery struct {
	User  string
	From  time.Time // zero: from the beginning
	To    time.Time // zero: without end
	After string    // only sessions after this one; from SessionPage.Next
	Limit int       // 1 to MaxSessionPage
}

// Session is the life of one connection. A client that its node had to record anew is
// two sessions, the later of which Resumes the earlier.
type Session struct {
	Connection events.Position
	User       string
	Since      time.Time
	Until      time.Time     // not included; zero: it is still open
	Reason     events.Reason // why it ended; zero: it is still open
	State      State         // of now: StateOffline if it has ended
	Remote     string
	Agent      string
	Resumes    events.Position // zero if it resumes none

	// LastSeen is the last instant at which the connection is known to have been
	// there, if that is not Until: of a session that ended with node_lost, and of one
	// that is still open.
	LastSeen time.Time
}

// SessionPage is one answer of Sessions: oldest first, by Since and then by Connection.
type SessionPage struct {
	From     time.Time // that was asked for, or the horizon if that is later
	Sessions []Session
	Next     string // the After of the next page; empty on the last

	// Broken are the streams that were looked at and whose events make no sense: sessions
	// may be missing, and of one whose end cannot be found the state is StateUnknown.
	Broken []events.Stream
}

// Sessions returns the sessions of a user that overlap [From, To), oldest first. It
// returns ErrInvalid for a query out of its limits or an After that is none, and
// ErrUnavailable.
func (h *History) Sessions(ctx context.Context, q SessionQuery) (SessionPage, error) {
	after, err := q.validate()
	if err != nil {
		return SessionPage{}, err
	}
	var page SessionPage
	err = h.steadily(ctx, func(horizon time.Time) (err error) {
		page, err = h.sessions(ctx, q, after, horizon)
		return err
	})
	return page, err
}

// Sighting is when a user was last seen.
type Sighting struct {
	User  string
	State State // of now

	// Last is the last instant at which the user is known to have been online: when
	// the last connection ended, or the last sign of life of its node. If that is before
	// the horizon (then State is StateUnknown), there may have been a later one, also
	// before the horizon.
	Last time.Time

	// Declared is when the node of the user's last connection was declared lost, which
	// may be long after Last; zero if the connection ended in another way, or is open.
	Declared time.Time
}

// Sightings is the answer of LastSeen.
type Sightings struct {
	Users []Sighting // in the order in which they were asked for, each once

	// Broken are the streams that may not have ended and whose events make no sense: who is
	// still connected by them, and until when others were, is not known.
	Broken []events.Stream
}

// LastSeen returns when users were last seen; who was never seen, or only before the
// horizon, is left out. It returns ErrInvalid for more than MaxUserPage users, and
// ErrUnavailable.
func (h *History) LastSeen(ctx context.Context, users []string) (Sightings, error) {
	if len(users) > MaxUserPage {
		return Sightings{}, fmt.Errorf("%w: %d users, and at most %d may be asked for", events.ErrInvalid, len(users), MaxUserPage)
	}
	var seen Sightings
	err := h.steadily(ctx, func(horizon time.Time) (err error) {
		seen, err = h.lastSeen(ctx, users, horizon)
		return err
	})
	return seen, err
}
