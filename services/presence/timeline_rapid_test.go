package presence_test

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// askTimeline asks how many were online from one time to another, and compares each point
// with the model, and with what OnlineAt says of that instant.
func (w *world) askTimeline(t *rapid.T, h *presence.History, want past) {
	q := presence.TimelineQuery{From: w.time(t, time.Time{}), To: w.time(t, time.Time{}), Points: rapid.IntRange(2, 12).Draw(t, "points")}
	if rapid.IntRange(0, 5).Draw(t, "to now") == 0 {
		q.To = w.now
	}
	if !q.From.Before(q.To) {
		q.From, q.To = q.To, q.From.Add(time.Millisecond)
	}
	got, err := h.Timeline(t.Context(), q)
	if q.To.Before(want.horizon) {
		if !errors.Is(err, presence.ErrForgotten) {
			t.Fatalf("%+v, before the horizon: %+v, %v", q, got, err)
		}
		return
	}
	if err != nil {
		t.Fatalf("%+v: %v\n%s", q, err, w)
	}
	points := want.timeline(q)
	if !slices.Equal(got.Points, points) {
		t.Fatalf("%+v\nis   %+v\nwant %+v\n%s", q, got.Points, points, w)
	}
	if marks := w.marks(points[0].At, q.To); !slices.Equal(got.Marks, marks) || got.Left != 0 {
		t.Fatalf("%+v: marks\nare  %+v, left %d\nwant %+v\n%s", q, got.Marks, got.Left, marks, w)
	}
	if kept := want.horizon; got.Kept.IsZero() == kept.After(q.From) || !got.Kept.IsZero() && !got.Kept.Equal(kept) {
		t.Fatalf("%+v: kept from %v, the horizon is %v", q, got.Kept, kept)
	}
	for _, p := range got.Points {
		page, err := h.OnlineAt(t.Context(), p.At, presence.UserQuery{Limit: presence.MaxUserPage})
		online := 0
		for _, u := range page.Users {
			if u.State == presence.StateOnline {
				online++
			}
		}
		c, u := p.Connections, p.Users
		if err != nil || page.Total != c.Online || page.Unknown != c.Unknown || online != u.Online || len(page.Users)-online != u.Unknown {
			t.Fatalf("at %v: %+v, but online were %+v, %v", p.At, p, page, err)
		}
	}
}

// timeline is what Timeline is to say, said by looking at every instant at which a session
// begins, ends, or becomes unknown.
func (p past) timeline(q presence.TimelineQuery) (all []presence.Point) {
	var changes []time.Time
	for _, s := range p.lives {
		seen := s.LastSeen.Add(time.Millisecond)
		changes = append(changes, s.Since, s.Until, seen, seen.Add(15*time.Second))
	}
	span := q.To.Sub(q.From).Milliseconds()
	n := min(int64(q.Points), span+1)
	at := func(i int64) time.Time { return q.From.Add(time.Duration(i*span/(n-1)) * time.Millisecond) }
	for i := range n {
		if at(i).Before(p.horizon) {
			continue
		}
		point := p.point(at(i))
		for _, change := range changes {
			if i < n-1 && change.After(at(i)) && change.Before(at(i+1)) {
				then := p.point(change)
				widen(&point.Connections, then.Connections)
				widen(&point.Users, then.Users)
			}
		}
		all = append(all, point)
	}
	return all
}

func widen(l *presence.Level, then presence.Level) {
	l.Least, l.Most = min(l.Least, then.Online), max(l.Most, then.Online)
}

// point is how many there were at an instant.
func (p past) point(at time.Time) presence.Point {
	users, total, unknown := p.onlineAt(at)
	online := 0
	for _, u := range users {
		if u.State == presence.StateOnline {
			online++
		}
	}
	return presence.Point{
		At:          at,
		Connections: presence.Level{Online: total, Unknown: unknown, Least: total, Most: total},
		Users:       presence.Level{Online: online, Unknown: len(users) - online, Least: online, Most: online},
	}
}

// marks are when nodes came and went.
func (w *world) marks(from, to time.Time) (all []presence.Mark) {
	in := func(at time.Time) bool { return !at.Before(from) && !at.After(to) }
	for _, run := range w.streams {
		open := make(map[events.Position]bool)
		for _, e := range run {
			m := presence.Mark{At: e.At, Stream: e.ID.Stream}
			switch {
			case e.Type == events.Connected:
				open[e.ID] = true
			case e.Type == events.Disconnected:
				delete(open, e.Conn)
			case e.Type == events.Opened && in(e.At):
				m.Kind = presence.MarkStarted
			case e.Reason == events.NodeLost && !e.At.Before(from) && !latestBefore(e, to):
				m.Kind, m.LastSeen, m.Connections = presence.MarkLost, e.LastSeen, len(open)
			case e.Reason == events.Shutdown && in(e.At):
				m.Kind = presence.MarkLeft
			}
			if m.Kind != 0 {
				all = append(all, m)
			}
		}
	}
	slices.SortFunc(all, func(a, b presence.Mark) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Kind, b.Kind), a.Stream.Compare(b.Stream))
	})
	return all
}

// latestBefore reports whether all that a seal leaves unknown is after a time.
func latestBefore(seal events.Event, to time.Time) bool {
	return seal.LastSeen.After(to) && seal.At.After(to)
}
