package presence

import (
	"context"
	"fmt"
	"time"

	"github.com/presenced/presence/events"
)

// The limits of a Timeline.
const (
	MinTimelinePoints = 2
	MaxTimelinePoints = 1000
	MaxTimelineMarks  = 1000
)

// TimelineQuery asks how many were online at instants that are evenly apart.
type TimelineQuery struct {
	From   time.Time // the first instant
	To     time.Time // the last one, later than From
	Points int       // how many, MinTimelinePoints to MaxTimelinePoints; fewer where they would be less than 1 ms apart
}

// Timeline is how many were online in the course of time.
type Timeline struct {
	From, To time.Time // that were asked for, as they were understood

	// Kept is the horizon, if that is later than From: what was before it is forgotten, and
	// has no points. Otherwise it is zero.
	Kept time.Time

	Points []Point // ascending; those that are not before the horizon
	Marks  []Mark  // ascending; at most MaxTimelineMarks, the latest
	Left   int     // marks before those, which were left out

	// Broken are the streams of that time whose events make no sense: of their connections
	// none is counted, and of a node that was lost by them there is no mark.
	Broken []events.Stream
}

// Point is how many were there at an instant, and until the next one.
type Point struct {
	At          time.Time
	Connections Level // Online and Unknown are Total and Unknown of OnlineAt
	Users       Level // Online and Unknown are how many of its Users are in that State
}

// Level is a number in its course from one point to the next.
type Level struct {
	Online  int // at the point
	Unknown int // at the point: of which it is not known

	// Least and Most were online at some instant from the point on until before the next
	// one. Of the last point they are Online.
	Least, Most int
}

// MarkKind is what happened to a node. The set is closed.
type MarkKind uint8

// The kinds.
const (
	MarkStarted MarkKind = iota + 1 // the node began an epoch
	MarkLeft                        // it ended its epoch itself
	MarkLost                        // it was declared lost
)

var markNames = [...]string{MarkStarted: "started", MarkLeft: "left", MarkLost: "lost"}

// String is the kind in a word: "started", "left", "lost".
func (k MarkKind) String() string {
	if k < MarkStarted || k > MarkLost {
		return fmt.Sprintf("mark(%d)", uint8(k))
	}
	return markNames[k]
}

// Mark is an instant at which a node came or went.
type Mark struct {
	At     time.Time
	Kind   MarkKind
	Stream events.Stream

	// Of MarkLost: the node's last sign of life, from which on, until At, it is not known
	// whether its connections were there; and how many these were.
	LastSeen    time.Time
	Connections int
}

// Timeline returns how many were online at instants from one time to another, and when
// nodes came and went in between. Each stream that overlaps that time is folded once, from
// the newest snapshot at or before From to To, whatever the number of points; one whose
// connections may be unknown is also folded to its end. What it holds in memory is a page
// of events for each node that lived at the same time, and who was online then. It
// returns ErrForgotten if all of that time is before the horizon, ErrInvalid for a query
// out of its limits, and ErrUnavailable.
func (h *History) Timeline(ctx context.Context, q TimelineQuery) (Timeline, error) {
	q, err := q.understood()
	if err != nil {
		return Timeline{}, err
	}
	var t Timeline
	err = h.steadily(ctx, func(horizon time.Time) (err error) {
		t, err = h.timeline(ctx, q, horizon)
		return err
	})
	return t, err
}

// understood is q in whole milliseconds, with as many points as there is time for, or an
// error that wraps events.ErrInvalid.
func (q TimelineQuery) understood() (TimelineQuery, error) {
	q.From, q.To = events.Milliseconds(q.From), events.Milliseconds(q.To)
	if q.Points < MinTimelinePoints || q.Points > MaxTimelinePoints {
		return q, fmt.Errorf("%w: timeline: %d points; want %d to %d", events.ErrInvalid, q.Points, MinTimelinePoints, MaxTimelinePoints)
	}
	if !q.From.Before(q.To) {
		return q, fmt.Errorf("%w: timeline: from %v is not before to %v", events.ErrInvalid, q.From, q.To)
	}
	q.Points = int(min(int64(q.Points), q.To.UnixMilli()-q.From.UnixMilli()+1))
	return q, nil
}

// instants are those of the points that are not before a horizon.
func (q TimelineQuery) instants(horizon time.Time) []time.Time {
	from, to, last := q.From.UnixMilli(), q.To.UnixMilli(), int64(q.Points-1)
	var all []time.Time
	for i := range int64(q.Points) {
		if at := time.UnixMilli(from + i*(to-from)/last).UTC(); !at.Before(horizon) {
			all = append(all, at)
		}
	}
	return all
}
