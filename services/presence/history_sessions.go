package presence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/presenced/presence/events"
)

// diary collects the sessions of a user, oldest first, one more than the page has, so
// that it is known whether there is a next one.
type diary struct {
	q        SessionQuery
	from, to time.Time // to is zero: without end
	after    Moment
	spans    map[events.Stream]span
	broken   brokenSet
	now      time.Time

	sessions []Session
	waiting  map[events.Position]bool // sessions whose end was not seen
	full     bool                     // no further session is looked for
}

func (h *History) sessions(ctx context.Context, q SessionQuery, after Moment, horizon time.Time) (page SessionPage, err error) {
	d := &diary{q: q, from: whole(q.From), to: whole(q.To), after: after, now: events.Milliseconds(time.Now()), waiting: make(map[events.Position]bool), broken: make(brokenSet)}
	d.from = later(d.from, horizon)
	if !d.to.IsZero() && !d.from.Before(d.to) {
		return SessionPage{From: d.from}, nil
	}
	if d.spans, err = h.spans(ctx); err != nil {
		return SessionPage{}, err
	}
	if after.At.Before(d.from) {
		if err := h.before(ctx, d); err != nil {
			return SessionPage{}, err
		}
	}
	if err := h.walk(ctx, d); err != nil {
		return SessionPage{}, err
	}
	return d.answer(), nil
}

// whole is a bound in whole milliseconds; no bound stays none.
func whole(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return events.Milliseconds(t)
}

// before adds the sessions that began before the interval, and were open when it began.
func (h *History) before(ctx context.Context, d *diary) error {
	at := d.from.Add(-time.Millisecond)
	for stream, s := range d.spans {
		if !s.overlaps(at) {
			continue
		}
		f, err := h.openAt(ctx, s, at)
		if err := d.broken.meet(stream, err); err != nil {
			return fmt.Errorf("%s: %w", stream, err)
		}
		if d.broken[stream] {
			continue
		}
		for _, e := range f.Open() {
			if e.User != d.q.User || MomentOf(e).Compare(d.after) <= 0 {
				continue
			}
			// A snapshot has not all of the event.
			if full, err := h.eventAt(ctx, e.ID); err == nil {
				e = full
			} else if !errors.Is(err, events.ErrNotFound) {
				return err
			}
			d.add(e)
		}
	}
	slices.SortFunc(d.sessions, func(a, b Session) int { return a.moment().Compare(b.moment()) })
	return nil
}

func (s Session) moment() Moment { return Moment{s.Since, s.Connection} }

// walk goes through the user's events, adds the sessions that begin in the interval, and
// gives those that it has their ends.
func (h *History) walk(ctx context.Context, d *diary) error {
	after := Moment{At: d.from}
	if d.after.Compare(after) > 0 {
		after = d.after
	}
	for {
		page, err := h.store.Past.OfUser(ctx, d.q.User, after, maxBatch)
		if err != nil {
			return err
		}
		for _, e := range page {
			if err := d.see(e); err != nil {
				return err
			}
		}
		if len(page) < maxBatch {
			break
		}
		if after = MomentOf(page[len(page)-1]); d.settled(after.At) {
			break
		}
	}
	return h.settle(ctx, d)
}

// see takes the next event of the user.
func (d *diary) see(e events.Event) error {
	switch e.Type {
	case events.Connected:
		if !d.to.IsZero() && !e.At.Before(d.to) {
			d.full = true
		}
		if !d.full {
			d.add(e)
		}
	case events.Disconnected:
		if d.waiting[e.Conn] && e.Reason != events.NodeLost {
			d.end(e)
		}
	case events.Opened, events.Sealed:
		return fmt.Errorf("%w: %s %s has a user", events.ErrInvalid, e.Type, e.ID)
	}
	return nil
}

func (d *diary) add(e events.Event) {
	d.waiting[e.ID] = true
	d.sessions = append(d.sessions, Session{
		Connection: e.ID, User: e.User, Since: e.At, Remote: e.Remote, Agent: e.Agent, Resumes: e.Resumes,
	})
	// Sessions that turn out to have ended as the interval began are not of it, so the
	// page is full only when there are enough without them.
	d.full = d.kept() > d.q.Limit
}

// kept is how many of the sessions are surely of the page or after it: those that begin
// in the interval, or are known to end in it.
func (d *diary) kept() (n int) {
	for _, s := range d.sessions {
		if !s.Since.Before(d.from) || s.Until.After(d.from) {
			n++
		}
	}
	return n
}

// end gives a session its end.
func (d *diary) end(e events.Event) {
	delete(d.waiting, e.Conn)
	for i := range d.sessions {
		if s := &d.sessions[i]; s.Connection == e.Conn {
			s.Until, s.Reason, s.State = e.At, e.Reason, StateOffline
			return
		}
	}
}

// settled reports whether no event after a time can change the page: it is full, and no
// stream of a session without end goes on for so long.
func (d *diary) settled(at time.Time) bool {
	if !d.full {
		return false
	}
	for id := range d.waiting {
		if s, known := d.spans[id.Stream]; !known || !s.sealed() || !s.tail.At.Before(at) {
			return false
		}
	}
	return true
}

// settle ends the sessions that got no end from the owner of their stream, or says that
// they are open.
func (h *History) settle(ctx context.Context, d *diary) error {
	for i := range d.sessions {
		s := &d.sessions[i]
		if !d.waiting[s.Connection] {
			continue
		}
		span, err := h.spanOf(ctx, d.spans, s.Connection.Stream)
		if err != nil {
			return err
		}
		s.LastSeen = span.seen(s.Since)
		switch {
		case span.broken != nil || span.seal.Reason == events.Shutdown: // its end is missing
			d.broken[s.Connection.Stream] = true
			s.LastSeen, s.State = s.Since, StateUnknown
		case span.sealed():
			s.Until, s.Reason, s.State = span.seal.At, events.NodeLost, StateOffline
		default:
			s.State = span.stateAt(d.now, s.Since)
		}
	}
	return nil
}

// spanOf is the span of a stream; it is read if the stream began after the others were.
func (h *History) spanOf(ctx context.Context, known map[events.Stream]span, stream events.Stream) (span, error) {
	if s, ok := known[stream]; ok {
		return s, nil
	}
	return h.span(ctx, stream, time.Time{})
}

// answer is the page.
func (d *diary) answer() SessionPage {
	page := SessionPage{From: d.from, Broken: d.broken.list()}
	for _, s := range d.sessions {
		if s.Since.Before(d.from) && !s.Until.IsZero() && !s.Until.After(d.from) {
			continue
		}
		if len(page.Sessions) == d.q.Limit {
			page.Next = page.Sessions[d.q.Limit-1].moment().cursor()
			break
		}
		page.Sessions = append(page.Sessions, s)
	}
	return page
}
