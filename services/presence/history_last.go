package presence

import (
	"context"
	"errors"
	"time"

	"github.com/presenced/presence/events"
)

func (h *History) lastSeen(ctx context.Context, users []string, horizon time.Time) (answer Sightings, err error) {
	spans, err := h.spans(ctx)
	if err != nil {
		return answer, err
	}
	seen, broken := make(map[string]*Sighting, len(users)), make(brokenSet)
	for _, user := range users {
		seen[user] = &Sighting{User: user, State: StateOffline}
	}
	if err := h.seeOpen(ctx, spans, seen, broken); err != nil {
		return answer, err
	}
	last, err := h.store.Past.Last(ctx, users)
	if err != nil {
		return answer, err
	}
	for _, e := range last {
		if err := h.seeEvent(ctx, spans, seen[e.User], e); err != nil {
			return answer, err
		}
	}
	for _, user := range users {
		s := seen[user]
		if s == nil {
			continue // asked for twice
		}
		delete(seen, user)
		forgotten := s.State == StateOffline && s.Last.Before(horizon)
		if !s.Last.IsZero() && !forgotten {
			answer.Users = append(answer.Users, *s)
		}
	}
	answer.Broken = broken.list()
	return answer, nil
}

// at takes in that the user was surely there at a time, and declared lost later, if so:
// of two that were last seen at the same time, the one that was declared first, or not at
// all, says more.
func (s *Sighting) at(last, declared time.Time) {
	if last.After(s.Last) || last.Equal(s.Last) && declared.Before(s.Declared) {
		s.Last, s.Declared = last, declared
	}
}

// seeOpen takes in the connections that have no end.
func (h *History) seeOpen(ctx context.Context, spans map[events.Stream]span, seen map[string]*Sighting, broken brokenSet) error {
	now := events.Milliseconds(time.Now())
	for stream, s := range spans {
		if s.done {
			continue
		}
		open, err := h.openAtEnd(ctx, s)
		if err := broken.meet(stream, err); err != nil {
			return err
		}
		for _, e := range open {
			user, asked := seen[e.User]
			if !asked {
				continue
			}
			user.at(s.seen(e.At), s.seal.At)
			if !s.sealed() {
				user.State = min(user.State, s.stateAt(now, e.At))
			}
		}
	}
	return nil
}

// seeEvent takes in the last event of a user. Unless that is the end of a connection that
// was there until then, another one may have been seen after that one was, so the events
// since then are taken in too.
func (h *History) seeEvent(ctx context.Context, spans map[events.Stream]span, seen *Sighting, e events.Event) error {
	if err := h.see(ctx, spans, seen, e); err != nil || e.Type == events.Disconnected && e.Reason != events.NodeLost {
		return err
	}
	for after := (Moment{At: seen.Last}); ; {
		page, err := h.store.Past.OfUser(ctx, e.User, after, maxBatch)
		if err != nil {
			return err
		}
		for _, e := range page {
			if err := h.see(ctx, spans, seen, e); err != nil {
				return err
			}
		}
		if len(page) < maxBatch {
			return nil
		}
		after = MomentOf(page[len(page)-1])
	}
}

// see takes in one event of a user. A connected event alone says nothing that its end,
// or its being open, does not say better.
func (h *History) see(ctx context.Context, spans map[events.Stream]span, seen *Sighting, e events.Event) error {
	switch {
	case e.Type == events.Connected:
		return nil
	case e.Reason != events.NodeLost:
		seen.at(e.At, time.Time{})
		return nil
	}
	s, err := h.spanOf(ctx, spans, e.Conn.Stream)
	if err != nil {
		return err
	}
	c, err := h.eventAt(ctx, e.Conn)
	if err != nil && !errors.Is(err, events.ErrNotFound) {
		return err
	}
	declared := s.seal.At
	if s.broken != nil {
		declared = e.At
	}
	seen.at(later(e.LastSeen, c.At), declared)
	return nil
}
