package past

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/presenced/presence/clientctl/api"
	"github.com/presenced/presence/clientctl/online"
	"github.com/presenced/presence/clientctl/table"
)

// Timeline is how many were online in the course of time.
type Timeline struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Kept   time.Time `json:"kept,omitzero"` // what was before is forgotten
	Points []Point   `json:"points"`
	Marks  []Mark    `json:"marks"`
	Left   int       `json:"marksLeftOut,omitempty"`
	incomplete
}

// Point is how many were online at an instant, and until the next one.
type Point struct {
	At          time.Time `json:"at"`
	Connections Level     `json:"connections"`
	Users       Level     `json:"users"`
}

// Level is a number in its course until the next point.
type Level struct {
	Online  int `json:"online"`
	Unknown int `json:"unknown"`
	Least   int `json:"least"`
	Most    int `json:"most"`
}

// Mark is a node that came or went.
type Mark struct {
	At          time.Time `json:"at"`
	Kind        string    `json:"kind"`
	Node        string    `json:"node"`
	Epoch       uint32    `json:"epoch"`
	LastSeen    time.Time `json:"lastSeen,omitzero"`
	Connections *int      `json:"connections,omitempty"`
}

// GetTimeline returns how many were online at so many instants between two times, of
// which either may be zero: then they are an hour before To, and now.
func GetTimeline(ctx context.Context, c *api.Client, from, to time.Time, points int) (t Timeline, err error) {
	query := url.Values{"points": {strconv.Itoa(points)}}
	for name, at := range map[string]time.Time{"from": from, "to": to} {
		if !at.IsZero() {
			query.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	err = c.Get(ctx, query, &t, "timeline")
	t.tell(c)
	return t, err
}

// Rows are its points and marks in the order of time.
func (t Timeline) Rows() (rows []any) {
	marks := t.Marks
	for _, p := range t.Points {
		for len(marks) > 0 && marks[0].At.Before(p.At) {
			rows, marks = append(rows, marks[0]), marks[1:]
		}
		rows = append(rows, p)
	}
	for _, m := range marks {
		rows = append(rows, m)
	}
	return rows
}

// A bar has as many characters as are left beside the other columns, but not more than
// barMost.
const (
	barMost = 22
	besides = 48
)

// TimelineTable writes a row for each instant, with a bar of its users, and one for each
// node that came or went.
func TimelineTable(s table.Screen, t Timeline, now time.Time) error {
	if err := leftOut(s, t, now); err != nil {
		return err
	}
	width, most := barMost, 1
	if s.Width > 0 {
		width = min(max(s.Width-besides, 1), barMost)
	}
	for _, p := range t.Points {
		most = max(most, p.Users.Online+p.Users.Unknown)
	}
	none := table.Own("")
	return rows(s, "no instants", t.Rows(), func(row any) []table.Cell {
		switch r := row.(type) {
		case Point:
			return []table.Cell{
				moment(r.At, now), table.Count(r.Users.Online), table.Count(r.Users.Unknown), table.Count(r.Users.Most),
				table.Count(r.Connections.Online), table.Own(bar(r.Users, most, width)),
			}
		case Mark:
			return []table.Cell{moment(r.At, now), none, none, none, none, table.Of(r.text())}
		}
		return []table.Cell{none, none, none, none, none, none}
	},
		table.Column{Head: "AT", Kind: table.Fixed, Rank: 3},
		table.Column{Head: "USERS", Kind: table.Number, Rank: 3},
		table.Column{Head: "UNKNOWN", Kind: table.Number, Rank: 3},
		table.Column{Head: "MOST", Kind: table.Number, Rank: 1},
		table.Column{Head: "CONNECTIONS", Kind: table.Number, Rank: 1},
		table.Column{Rank: 2})
}

// leftOut says what is not in the table.
func leftOut(s table.Screen, t Timeline, now time.Time) (err error) {
	if !t.Kept.IsZero() {
		_, err = fmt.Fprintf(s, "of the time before %s nothing is kept\n", Show(t.Kept, now))
	}
	if err == nil && t.Left > 0 {
		_, err = fmt.Fprintf(s, "%d starts and ends of nodes at the beginning are left out\n", t.Left)
	}
	return err
}

// bar shows who was online, and of whom it is not known, where most takes all of the
// width. What is there is seen, however little it is.
func bar(l Level, most, width int) string {
	length := func(n int) int {
		if n == 0 {
			return 0
		}
		return max(1, (n*width+most/2)/most)
	}
	sure := length(l.Online)
	return strings.Repeat("█", sure) + strings.Repeat("░", max(length(l.Online+l.Unknown)-sure, min(l.Unknown, 1)))
}

// text is what happened; the most important words stand first.
func (m Mark) text() string {
	text := m.Node + " " + m.Kind
	switch {
	case m.Connections == nil:
	case *m.Connections == 1:
		text += " with 1 connection"
	default:
		text += fmt.Sprintf(" with %d connections", *m.Connections)
	}
	if !m.LastSeen.IsZero() {
		text += fmt.Sprintf(", %s after its last sign of life", online.Age(m.At.Sub(m.LastSeen)))
	}
	return fmt.Sprintf("%s (epoch %d)", text, m.Epoch)
}
