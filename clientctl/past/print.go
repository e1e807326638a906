package past

import (
	"fmt"
	"time"

	"github.com/presenced/presence/clientctl/online"
	"github.com/presenced/presence/clientctl/table"
	"github.com/presenced/presence/events"
)

// rows writes a table, or says that it has no rows.
func rows[T any](s table.Screen, none string, all []T, row func(T) []table.Cell, columns ...table.Column) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(s, none)
		return err
	}
	t := table.New(columns...)
	for _, r := range all {
		t.Add(row(r)...)
	}
	return t.Write(s)
}

// layout is how a time is shown where there is room.
const layout = "2006-01-02 15:04:05 MST"

// Show is a time as a person reads it, in the location of now, with its zone.
func Show(t, now time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(now.Location()).Format(layout)
}

func moment(t, now time.Time) table.Cell { return online.Moment(t, now, layout) }

func age(d time.Duration) table.Cell { return table.Of(online.Age(d)) }

// AtTable writes who was online at a time, and says which time that is.
func AtTable(s table.Screen, users []UserAt, at, now time.Time) error {
	if _, err := fmt.Fprintf(s, "at %s (%s)\n", Show(at, now), at.UTC().Format(time.RFC3339)); err != nil {
		return err
	}
	return rows(s, "nobody was online", users, func(u UserAt) []table.Cell {
		return []table.Cell{table.Of(u.User), moment(u.Since, now), age(at.Sub(u.Since)), table.Count(u.Connections), table.Of(u.State)}
	},
		table.Column{Head: "USER", Rank: 2},
		table.Column{Head: "SINCE", Kind: table.Fixed, Rank: 1},
		table.Column{Head: "FOR", Kind: table.Fixed},
		table.Column{Head: "CONNECTIONS", Kind: table.Number},
		table.Column{Head: "STATE", Kind: table.Fixed, Rank: 1})
}

// SessionTable writes sessions. One whose node was lost was confirmed for the last time
// before it was declared ended.
func SessionTable(s table.Screen, sessions []Session, now time.Time) error {
	return rows(s, "no sessions", sessions, func(s Session) []table.Cell {
		confirmed := s.LastSeen
		if confirmed.IsZero() {
			confirmed = s.Until
		}
		return []table.Cell{
			moment(s.Since, now), moment(confirmed, now), moment(s.Until, now),
			table.Of(s.State), table.Of(s.Reason), table.Of(s.Connection),
		}
	},
		table.Column{Head: "SINCE", Kind: table.Fixed, Rank: 3},
		table.Column{Head: "LAST CONFIRMED", Kind: table.Fixed, Rank: 1},
		table.Column{Head: "ENDED", Kind: table.Fixed, Rank: 2},
		table.Column{Head: "STATE", Kind: table.Fixed, Rank: 2},
		table.Column{Head: "REASON", Kind: table.Fixed},
		table.Column{Head: "CONNECTION", Kind: table.ID, Rank: 2})
}

// LastSeenTable writes when users were last seen, also those of whom the server knows
// nothing.
func LastSeenTable(s table.Screen, asked []string, seen []Sighting, now time.Time) error {
	known := make(map[string]Sighting, len(seen))
	for _, s := range seen {
		known[s.User] = s
	}
	return rows(s, "", asked, func(user string) []table.Cell {
		s, ok := known[user]
		if !ok {
			return []table.Cell{table.Of(user), table.Of("never seen"), table.Of(""), table.Of(""), table.Of("")}
		}
		return []table.Cell{table.Of(user), table.Of(s.State), moment(s.Last, now), age(now.Sub(s.Last)), moment(s.Declared, now)}
	},
		table.Column{Head: "USER", Rank: 2},
		table.Column{Head: "STATE", Kind: table.Fixed, Rank: 1},
		table.Column{Head: "LAST CONFIRMED", Kind: table.Fixed, Rank: 1},
		table.Column{Head: "AGO", Kind: table.Fixed, Rank: 1},
		table.Column{Head: "DECLARED LOST", Kind: table.Fixed})
}

// NodeTable writes the nodes that have not left.
func NodeTable(s table.Screen, nodes []Node, now time.Time) error {
	return rows(s, "no nodes", nodes, func(n Node) []table.Cell {
		return []table.Cell{
			table.Of(n.Node), table.Count(int(n.Epoch)), table.Count(n.Connections), moment(n.BeatAt, now),
			age(now.Sub(n.StartedAt)), table.Of(n.Addr), table.Of(n.Version),
		}
	},
		table.Column{Head: "NODE", Kind: table.ID, Rank: 3},
		table.Column{Head: "EPOCH", Kind: table.Number, Rank: 1},
		table.Column{Head: "CONNECTIONS", Kind: table.Number, Rank: 2},
		table.Column{Head: "LAST BEAT", Kind: table.Fixed, Rank: 2},
		table.Column{Head: "UP FOR", Kind: table.Fixed, Rank: 1},
		table.Column{Head: "ADDRESS", Rank: 1},
		table.Column{Head: "VERSION"})
}

// EventTable writes events as they come.
type EventTable struct{ stream *table.Stream }

// NewEventTable returns a table whose head comes again after so many events; 0: only
// once.
func NewEventTable(every int) *EventTable {
	sample := events.Event{Type: events.Disconnected, User: "some-user"}
	return &EventTable{table.NewStream(every, eventRow(sample, time.Time{}),
		table.Column{Head: "AT", Kind: table.Fixed, Rank: 2},
		table.Column{Head: "EVENT", Kind: table.Fixed, Rank: 2},
		table.Column{Head: "USER", Rank: 2},
		table.Column{Head: "ID", Kind: table.ID},
		table.Column{Head: "WHAT", Rank: 1})}
}

// Add writes one event.
func (t *EventTable) Add(s table.Screen, e events.Event, now time.Time) error {
	return t.stream.Row(s, eventRow(e, now)...)
}

func eventRow(e events.Event, now time.Time) []table.Cell {
	return []table.Cell{moment(e.At, now), table.Of(e.Type.String()), table.Of(e.User), table.Of(e.ID.String()), table.Of(what(e, now))}
}

// what is what else there is to say of an event; the most important words stand first.
func what(e events.Event, now time.Time) (words string) {
	switch e.Type {
	case events.Opened:
		words = e.Addr
	case events.Connected:
		if !e.Resumes.IsZero() {
			words = "resumes " + e.Resumes.String()
		}
	case events.Disconnected:
		words = fmt.Sprintf("%s of %s", e.Reason, e.Conn)
	case events.Sealed:
		words = fmt.Sprintf("%s by %s", e.Reason, e.By)
	}
	if !e.LastSeen.IsZero() {
		words += ", last confirmed " + Show(e.LastSeen, now)
	}
	return words
}
