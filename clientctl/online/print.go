package online

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/presenced/presence/clientctl/terminal"
)

// Table writes users as a table for people: since in the location of now, and how
// long that is. Everything that the server sent is escaped.
func Table(w io.Writer, users []User, now time.Time) error {
	if len(users) == 0 {
		_, err := io.WriteString(w, "nobody is online\n")
		return err
	}
	const gap = 2
	t := tabwriter.NewWriter(w, 0, 0, gap, ' ', 0)
	fmt.Fprintln(t, "USER\tSINCE\tFOR\tCONNECTIONS\tNODES") // errors come with Flush
	for _, u := range users {
		since := u.Since.In(now.Location()).Format(time.DateTime)
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\n", terminal.Escape(u.User), since, Age(now.Sub(u.Since)),
			u.Connections, terminal.Escape(strings.Join(u.Nodes, " ")))
	}
	return t.Flush()
}

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
