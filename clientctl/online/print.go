package online

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/presenced/presence/clientctl/table"
	"github.com/presenced/presence/clientctl/terminal"
)

// Columns of tables of users. The user is cut last.
var columns = []table.Column{
	{Head: "USER", Rank: 2},
	{Head: "SINCE", Kind: table.Fixed, Rank: 1},
	{Head: "FOR", Kind: table.Fixed, Rank: 1},
	{Head: "CONNECTIONS", Kind: table.Number, Rank: 1},
	{Head: "NODES"},
}

// Table writes users as a table for people: since in the location of now, and how
// long that is. Everything that the server sent is escaped.
func Table(s table.Screen, users []User, now time.Time) error {
	if len(users) == 0 {
		return nobody(s)
	}
	t := table.New(columns...)
	for _, u := range users {
		t.Add(row(u, now)...)
	}
	return t.Write(s)
}

func nobody(w io.Writer) error {
	_, err := io.WriteString(w, "nobody is online\n")
	return err
}

func row(u User, now time.Time) []table.Cell {
	return []table.Cell{
		table.Of(u.User), Moment(u.Since, now, time.DateTime), table.Of(Age(now.Sub(u.Since))),
		table.Count(u.Connections), table.Of(strings.Join(u.Nodes, " ")),
	}
}

// Moment is a time in the location of now and in a layout; its short form has the clock
// only if it is today, and no clock if it is long ago. No time is "-".
func Moment(t, now time.Time, layout string) table.Cell {
	if t.IsZero() {
		return table.Of("")
	}
	t = t.In(now.Location())
	short := time.DateOnly
	switch y, m, d := t.Date(); {
	case y == now.Year() && m == now.Month() && d == now.Day():
		short = time.TimeOnly
	case now.Sub(t).Abs() < halfYear:
		short = "01-02 15:04"
	}
	return table.Short(t.Format(layout), t.Format(short))
}

// halfYear is for how long a day without its year says which day it is.
const halfYear = 182 * 24 * time.Hour

// JSON writes objects, one a line. With escape, what would change a terminal is written
// as \uXXXX, which means the same.
func JSON[T any](w io.Writer, objects []T, escape bool) error {
	for _, o := range objects {
		line, err := json.Marshal(o)
		if err != nil {
			return err
		}
		if escape {
			line = []byte(terminal.EscapeJSON(string(line)))
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// Age writes a span in its two largest units: 3d4h, 5h0m, 12m7s, 3s. A negative one,
// of a clock that is behind the server's, is 0s.
func Age(d time.Duration) string {
	const day = 24 * time.Hour
	seconds := int64(max(d, 0) / time.Second)
	switch {
	case d >= day:
		return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%ds", seconds)
}
