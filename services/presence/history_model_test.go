package presence_test

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// past is what History is to say, said by looking at every event that there ever was.
type past struct {
	lives   []presence.Session
	horizon time.Time
}

// pastOf is the past that some streams tell. beats are the last signs of life of the
// owners of those that are not sealed.
func pastOf(streams [][]events.Event, beats map[events.Stream]time.Time, now time.Time) past {
	var p past
	for _, run := range streams {
		p.lives = append(p.lives, livesOf(run, beats[run[0].ID.Stream], now)...)
	}
	slices.SortFunc(p.lives, func(a, b presence.Session) int {
		return presence.Moment{At: a.Since, ID: a.Connection}.Compare(presence.Moment{At: b.Since, ID: b.Connection})
	})
	return p
}

func livesOf(run []events.Event, beat, now time.Time) (lives []presence.Session) {
	if beat.IsZero() {
		beat = run[len(run)-1].At
	}
	for _, c := range run {
		if c.Type != events.Connected {
			continue
		}
		s := presence.Session{Connection: c.ID, User: c.User, Since: c.At, Remote: c.Remote, Agent: c.Agent, Resumes: c.Resumes}
		s.LastSeen = latest(beat, c.At)
		s.State = stateAt(s, now)
		for _, e := range run {
			switch {
			case e.Type == events.Sealed:
				s.Until, s.Reason, s.State = e.At, events.NodeLost, presence.StateOffline
				s.LastSeen = latest(e.LastSeen, c.At)
			case e.Type == events.Disconnected && e.Conn == c.ID && e.Reason != events.NodeLost:
				s.Until, s.Reason, s.State = e.At, e.Reason, presence.StateOffline
				s.LastSeen = time.Time{}
			default:
				continue
			}
			break
		}
		lives = append(lives, s)
	}
	return lives
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// stateAt is the state of a session at a time not before its Since.
func stateAt(s presence.Session, at time.Time) presence.State {
	switch {
	case s.Until.IsZero() && at.Sub(s.LastSeen) > 15*time.Second:
		return presence.StateUnknown
	case s.Until.IsZero():
		return presence.StateOnline
	case !at.Before(s.Until):
		return presence.StateOffline
	case s.Reason == events.NodeLost && at.After(s.LastSeen):
		return presence.StateUnknown
	}
	return presence.StateOnline
}

// onlineAt is everybody who was online at a time, or of whom that is not known.
func (p past) onlineAt(at time.Time) (all []presence.UserAt, total, unknown int) {
	users := make(map[string]presence.UserAt)
	for _, s := range p.lives {
		if s.Since.After(at) {
			continue
		}
		state := stateAt(s, at)
		switch state {
		case presence.StateOnline:
			total++
		case presence.StateUnknown:
			unknown++
		case presence.StateOffline:
			continue
		}
		u, there := users[s.User]
		if !there || state < u.State {
			u = presence.UserAt{User: s.User, Since: s.Since, State: state}
		}
		if state == u.State {
			u.Connections++
		}
		users[s.User] = u
	}
	all = slices.SortedFunc(maps.Values(users), func(a, b presence.UserAt) int { return cmp.Compare(a.User, b.User) })
	return all, total, unknown
}

// sessions are those of a user that overlap [from, to).
func (p past) sessions(user string, from, to time.Time) (all []presence.Session) {
	from = latest(from, p.horizon)
	if !to.IsZero() && !from.Before(to) {
		return nil
	}
	for _, s := range p.lives {
		ends := s.Until.IsZero() || s.Until.After(from) || !s.Since.Before(from)
		if s.User == user && ends && (to.IsZero() || s.Since.Before(to)) {
			all = append(all, s)
		}
	}
	return all
}

// lastSeen is when a user was last seen, and whether ever.
func (p past) lastSeen(user string) (seen presence.Sighting, ever bool) {
	seen = presence.Sighting{User: user, State: presence.StateOffline}
	for _, s := range p.lives {
		if s.User != user {
			continue
		}
		last, declared := s.Until, time.Time{}
		if !s.LastSeen.IsZero() {
			last, declared = s.LastSeen, s.Until
		}
		seen.State = min(seen.State, s.State)
		if last.After(seen.Last) || last.Equal(seen.Last) && declared.Before(seen.Declared) {
			seen.Last, seen.Declared = last, declared
		}
	}
	forgotten := seen.State == presence.StateOffline && seen.Last.Before(p.horizon)
	return p.within(seen), !seen.Last.IsZero() && !forgotten
}

// within is a sighting without what it says of the time before the horizon: of who may
// still be there, it is only known that nothing was seen since.
func (p past) within(s presence.Sighting) presence.Sighting {
	if s.Last.Before(p.horizon) {
		s.Last, s.Declared = p.horizon, time.Time{}
	}
	return s
}
