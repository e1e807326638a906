package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

// How much of the past GET /timeline tells of, unless it is said.
const (
	defaultLast   = time.Hour
	maxLast       = 10 * 365 * 24 * time.Hour
	defaultPoints = 61 // a minute apart
)

// timeline is the answer of GET /timeline.
type timeline struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Kept   time.Time `json:"kept,omitzero"` // of what was before nothing is known any more; only if that is after from
	Points []point   `json:"points"`
	Marks  []mark    `json:"marks"`
	Left   int       `json:"marksLeftOut,omitempty"` // before those
	Broken []string  `json:"broken,omitempty"`
}

// point is how many were online at an instant, and until the next.
type point struct {
	At          time.Time `json:"at"`
	Connections level     `json:"connections"`
	Users       level     `json:"users"`
}

type level struct {
	Online  int `json:"online"`
	Unknown int `json:"unknown"`
	Least   int `json:"least"`
	Most    int `json:"most"`
}

// mark is a node that came or went. Of one that was lost, lastSeen is its last sign of
// life, and connections are those of which it is not known until when they were there.
type mark struct {
	At          time.Time `json:"at"`
	Kind        string    `json:"kind"` // started, left or lost
	Node        string    `json:"node"`
	Epoch       uint32    `json:"epoch"`
	LastSeen    time.Time `json:"lastSeen,omitzero"`
	Connections *int      `json:"connections,omitempty"`
}

func (a api) timeline(w http.ResponseWriter, r *http.Request) {
	q, err := parseTimeline(r.URL.RawQuery, time.Now())
	if err != nil {
		fail(w, http.StatusBadRequest, protocol.BadRequest, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), historyTimeout)
	defer cancel()
	line, err := a.cfg.History.Timeline(ctx, q)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		fail(w, http.StatusServiceUnavailable, protocol.Internal,
			fmt.Sprintf("so much of the log could not be read within %s: ask for less time", historyTimeout))
		return
	}
	if !a.answered(w, r, err) {
		return
	}
	reply(w, timelineOf(line))
}

// parseTimeline reads the query of GET /timeline.
func parseTimeline(raw string, now time.Time) (presence.TimelineQuery, error) {
	q, last := presence.TimelineQuery{Points: defaultPoints}, time.Duration(0)
	err := parameters{
		"from": moment(&q.From), "to": moment(&q.To), "last": span(&last),
		"points": between(presence.MinTimelinePoints, presence.MaxTimelinePoints, &q.Points),
	}.read(raw)
	switch {
	case err != nil:
		return q, err
	case last != 0 && !q.From.IsZero():
		return q, errors.New("last is how long before to: give it or from")
	case last == 0:
		last = defaultLast
	}
	if q.To.IsZero() {
		q.To = now
	}
	if q.From.IsZero() {
		q.From = q.To.Add(-last)
	}
	if q.To.Sub(q.From) < time.Millisecond {
		return q, errors.New("from is not before to")
	}
	return q, nil
}

// span is how long something took.
func span(to *time.Duration) func([]string) error {
	return once(func(text string) (err error) {
		if *to, err = time.ParseDuration(text); err != nil || *to < time.Second || *to > maxLast {
			return fmt.Errorf("must be a time between 1s and %.0fh, such as 24h", maxLast.Hours())
		}
		return nil
	})
}

func timelineOf(t presence.Timeline) timeline {
	answer := timeline{
		From: t.From, To: t.To, Kept: t.Kept, Left: t.Left, Broken: texts(t.Broken),
		Points: make([]point, 0, len(t.Points)), Marks: make([]mark, 0, len(t.Marks)),
	}
	for _, p := range t.Points {
		answer.Points = append(answer.Points, point{p.At, level(p.Connections), level(p.Users)})
	}
	for _, m := range t.Marks {
		node := mark{At: m.At, Kind: m.Kind.String(), Node: m.Stream.Node, Epoch: m.Stream.Epoch, LastSeen: m.LastSeen}
		if m.Kind == presence.MarkLost {
			node.Connections = &m.Connections
		}
		answer.Marks = append(answer.Marks, node)
	}
	return answer
}
