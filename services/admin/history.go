package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

// History answers who was online, and when; presence.History does.
type History interface {
	OnlineAt(ctx context.Context, at time.Time, q presence.UserQuery) (presence.AtPage, error)
	Sessions(ctx context.Context, q presence.SessionQuery) (presence.SessionPage, error)
	LastSeen(ctx context.Context, users []string) (presence.Sightings, error)
	Timeline(ctx context.Context, q presence.TimelineQuery) (presence.Timeline, error)
}

var _ History = (*presence.History)(nil)

// historyTimeout is how long a question about the past may take in the store: it may
// fold a part of the log.
const historyTimeout = 30 * time.Second

// atPage is the answer of GET /online?at=. In all of these, broken are the streams that the
// answer had to do without: their events make no sense.
type atPage struct {
	At      time.Time `json:"at"`
	Users   []userAt  `json:"users"`
	Next    string    `json:"next,omitempty"` // the after of the next page
	Total   int       `json:"total"`          // connections online then, of all users
	Unknown int       `json:"unknown"`        // connections of all users of which it is not known
	Broken  []string  `json:"broken,omitempty"`
}

type userAt struct {
	User        string    `json:"user"`
	Since       time.Time `json:"since"`
	Connections int       `json:"connections"`
	State       string    `json:"state"` // online or unknown
}

func (a api) onlineAt(w http.ResponseWriter, r *http.Request, at time.Time, q presence.UserQuery) {
	ctx, cancel := context.WithTimeout(r.Context(), historyTimeout)
	defer cancel()
	page, err := a.cfg.History.OnlineAt(ctx, at, q)
	if !a.answered(w, r, err) {
		return
	}
	answer := atPage{At: page.At.UTC(), Users: make([]userAt, 0, len(page.Users)), Next: page.Next, Total: page.Total, Unknown: page.Unknown, Broken: texts(page.Broken)}
	for _, u := range page.Users {
		answer.Users = append(answer.Users, userAt{u.User, u.Since.UTC(), u.Connections, u.State.String()})
	}
	reply(w, answer)
}

// sessionPage is the answer of GET /history/{user}.
type sessionPage struct {
	User     string    `json:"user"`
	From     time.Time `json:"from,omitzero"` // that was asked for, or since when there is a log
	Sessions []session `json:"sessions"`
	Next     string    `json:"next,omitempty"` // the after of the next page
	Broken   []string  `json:"broken,omitempty"`
}

// session is the life of one connection. Until is when it ended; of one that ended with
// its node that is when the node was declared lost, and lastSeen when it was surely
// there still.
type session struct {
	Connection string    `json:"connection"`
	Since      time.Time `json:"since"`
	Until      time.Time `json:"until,omitzero"`
	LastSeen   time.Time `json:"lastSeen,omitzero"`
	Reason     string    `json:"reason,omitempty"`
	State      string    `json:"state"` // online, unknown or offline
	Remote     string    `json:"remote,omitempty"`
	Agent      string    `json:"agent,omitempty"`
	Resumes    string    `json:"resumes,omitempty"`
}

func (a api) history(w http.ResponseWriter, r *http.Request) {
	q, err := parseHistory(r.PathValue("user"), r.URL.RawQuery)
	if err != nil {
		fail(w, http.StatusBadRequest, protocol.BadRequest, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), historyTimeout)
	defer cancel()
	page, err := a.cfg.History.Sessions(ctx, q)
	if errors.Is(err, events.ErrInvalid) { // all else was looked at
		fail(w, http.StatusBadRequest, protocol.BadRequest, "after "+errNoNext.Error())
		return
	}
	if !a.answered(w, r, err) {
		return
	}
	answer := sessionPage{User: q.User, From: page.From, Sessions: make([]session, 0, len(page.Sessions)), Next: page.Next, Broken: texts(page.Broken)}
	for _, s := range page.Sessions {
		answer.Sessions = append(answer.Sessions, sessionOf(s))
	}
	reply(w, answer)
}

func sessionOf(s presence.Session) session {
	answer := session{
		Connection: s.Connection.String(), Since: s.Since, Until: s.Until, LastSeen: s.LastSeen,
		State: s.State.String(), Remote: s.Remote, Agent: s.Agent, Resumes: text(s.Resumes),
	}
	if s.Reason != 0 {
		answer.Reason = s.Reason.String()
	}
	return answer
}

// texts are streams as text.
func texts(streams []events.Stream) (all []string) {
	for _, s := range streams {
		all = append(all, s.String())
	}
	return all
}

// text is a position as text, and none as none.
func text(p events.Position) string {
	if p.IsZero() {
		return ""
	}
	return p.String()
}

// sighting is when a user was last seen; of one whose node was lost, declared is when
// that was found out.
type sighting struct {
	User     string    `json:"user"`
	State    string    `json:"state"` // online, unknown or offline
	Last     time.Time `json:"last"`
	Declared time.Time `json:"declared,omitzero"`
}

// sightings is the answer of GET /last-seen, in the order of the question. Who was never
// seen is not in it.
type sightings struct {
	Users  []sighting `json:"users"`
	Broken []string   `json:"broken,omitempty"`
}

func (a api) lastSeen(w http.ResponseWriter, r *http.Request) {
	asked, err := parseLastSeen(r.URL.RawQuery)
	if err != nil {
		fail(w, http.StatusBadRequest, protocol.BadRequest, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), historyTimeout)
	defer cancel()
	seen, err := a.cfg.History.LastSeen(ctx, asked)
	if !a.answered(w, r, err) {
		return
	}
	answer := sightings{Users: make([]sighting, 0, len(seen.Users)), Broken: texts(seen.Broken)}
	for _, s := range seen.Users {
		answer.Users = append(answer.Users, sighting{s.User, s.State.String(), s.Last, s.Declared})
	}
	reply(w, answer)
}
