package presence

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/presenced/presence/events"
)

// beatGrace is how long after an owner's last beat its connections are still taken for
// online. Peers declare it lost after 10 s.
const beatGrace = 15 * time.Second

// naiveLives is every session of the log, by Since and then by connection.
func (h *History) naiveLives(ctx context.Context) ([]Session, error) {
	beats := make(map[events.Stream]time.Time)
	nodes, err := h.store.Nodes.All(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		beats[n.Stream] = n.BeatAt
	}
	streams, err := h.store.Log.Streams(ctx, events.Stream{}, 1<<20)
	if err != nil {
		return nil, err
	}
	var lives []Session
	for _, s := range streams {
		run, err := h.store.Log.Read(ctx, s.At(0), 1<<30)
		if err != nil {
			return nil, err
		}
		lives = append(lives, naiveStream(run, beats[s])...)
	}
	slices.SortFunc(lives, func(a, b Session) int {
		return Moment{a.Since, a.Connection}.Compare(Moment{b.Since, b.Connection})
	})
	return lives, nil
}

func naiveStream(run []events.Event, beat time.Time) []Session {
	open := make(map[events.Position]*Session)
	var all []*Session
	var seal events.Event
	for _, e := range run {
		switch e.Type {
		case events.Opened:
		case events.Connected:
			s := &Session{Connection: e.ID, User: e.User, Since: e.At, Remote: e.Remote, Agent: e.Agent, Resumes: e.Resumes}
			open[e.ID] = s
			all = append(all, s)
		case events.Disconnected:
			if s := open[e.Conn]; e.Reason != events.NodeLost {
				s.Until, s.Reason, s.State = e.At, e.Reason, StateOffline
				delete(open, e.Conn)
			}
		case events.Sealed:
			seal = e
		}
	}
	for _, s := range open {
		if !seal.ID.IsZero() {
			s.Until, s.Reason, s.State = seal.At, events.NodeLost, StateOffline
			s.LastSeen = later(seal.LastSeen, s.Since)
			continue
		}
		if beat.IsZero() {
			beat = run[len(run)-1].At
		}
		s.LastSeen = later(beat, s.Since)
		s.State = s.naiveAt(events.Milliseconds(time.Now()))
	}
	lives := make([]Session, len(all))
	for i, s := range all {
		lives[i] = *s
	}
	return lives
}

// naiveAt is the state of a session at a time not before its Since.
func (s Session) naiveAt(at time.Time) State {
	switch {
	case s.Until.IsZero() && at.Sub(s.LastSeen) > beatGrace:
		return StateUnknown
	case s.Until.IsZero():
		return StateOnline
	case !at.Before(s.Until):
		return StateOffline
	case s.Reason == events.NodeLost && at.After(s.LastSeen):
		return StateUnknown
	}
	return StateOnline
}

func (h *History) naiveOnlineAt(ctx context.Context, at time.Time, q UserQuery) (AtPage, error) {
	lives, err := h.naiveLives(ctx)
	if err != nil {
		return AtPage{}, err
	}
	page := AtPage{At: at}
	users := make(map[string]UserAt)
	for _, s := range lives {
		if s.Since.After(at) {
			continue
		}
		state := s.naiveAt(at)
		switch state {
		case StateOnline:
			page.Total++
		case StateUnknown:
			page.Unknown++
		case StateOffline:
			continue
		}
		u, there := users[s.User]
		if !there || state < u.State {
			u = UserAt{User: s.User, Since: s.Since, State: state}
		}
		if state == u.State {
			u.Connections++
		}
		users[s.User] = u
	}
	for _, u := range users {
		if u.User > q.After && (q.Users == nil || slices.Contains(q.Users, u.User)) {
			page.Users = append(page.Users, u)
		}
	}
	slices.SortFunc(page.Users, func(a, b UserAt) int { return strings.Compare(a.User, b.User) })
	if len(page.Users) > q.Limit {
		page.Users = page.Users[:q.Limit]
		page.Next = page.Users[q.Limit-1].User
	}
	return page, nil
}

func (h *History) naiveSessions(ctx context.Context, q SessionQuery, after Moment) (SessionPage, error) {
	lives, err := h.naiveLives(ctx)
	if err != nil {
		return SessionPage{}, err
	}
	from := events.Milliseconds(q.From)
	if q.From.IsZero() {
		from = time.Time{}
	}
	to := events.Milliseconds(q.To)
	page := SessionPage{From: from}
	for _, s := range lives {
		ends := s.Until.IsZero() || s.Until.After(from) || !s.Since.Before(from)
		begins := q.To.IsZero() || s.Since.Before(to)
		if s.User != q.User || !ends || !begins || (Moment{s.Since, s.Connection}).Compare(after) <= 0 {
			continue
		}
		if len(page.Sessions) == q.Limit {
			last := page.Sessions[q.Limit-1]
			page.Next = Moment{last.Since, last.Connection}.cursor()
			break
		}
		page.Sessions = append(page.Sessions, s)
	}
	return page, nil
}

func (h *History) naiveLastSeen(ctx context.Context, users []string) ([]Sighting, error) {
	lives, err := h.naiveLives(ctx)
	if err != nil {
		return nil, err
	}
	var all []Sighting
	for _, user := range users {
		seen := Sighting{User: user, State: StateOffline}
		for _, s := range lives {
			if s.User != user {
				continue
			}
			last, declared := s.Until, time.Time{}
			if !s.LastSeen.IsZero() {
				last = s.LastSeen
				if !s.Until.IsZero() {
					declared = s.Until
				}
			}
			seen.State = min(seen.State, s.State)
			switch {
			case last.After(seen.Last):
				seen.Last, seen.Declared = last, declared
			case last.Equal(seen.Last) && declared.IsZero():
				seen.Declared = declared
			}
		}
		if !seen.Last.IsZero() {
			all = append(all, seen)
		}
	}
	return all, nil
}
