package past

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/presenced/presence/clientctl/online"
	"github.com/presenced/presence/clientctl/terminal"
	"github.com/presenced/presence/events"
)

// table writes rows under a head, or says that there are none.
func table[T any](w io.Writer, none, head string, rows []T, row func(T) string) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(w, none)
		return err
	}
	const gap = 2
	t := tabwriter.NewWriter(w, 0, 0, gap, ' ', 0)
	fmt.Fprintln(t, head) // errors come with Flush
	for _, r := range rows {
		fmt.Fprintln(t, row(r))
	}
	return t.Flush()
}

// AtTable writes who was online at a time, and says which time that is.
func AtTable(w io.Writer, users []UserAt, at, now time.Time) error {
	if _, err := fmt.Fprintf(w, "at %s (%s)\n", Show(at, now), at.UTC().Format(time.RFC3339)); err != nil {
		return err
	}
	return table(w, "nobody was online", "USER\tSINCE\tFOR\tCONNECTIONS\tSTATE", users, func(u UserAt) string {
		return fmt.Sprintf("%s\t%s\t%s\t%d\t%s", terminal.Escape(u.User), Show(u.Since, now), online.Age(at.Sub(u.Since)),
			u.Connections, terminal.Escape(u.State))
	})
}

// SessionTable writes sessions. One whose node was lost was confirmed for the last time
// before it was declared ended.
func SessionTable(w io.Writer, sessions []Session, now time.Time) error {
	return table(w, "no sessions", "SINCE\tLAST CONFIRMED\tENDED\tSTATE\tREASON\tCONNECTION", sessions, func(s Session) string {
		confirmed := s.LastSeen
		if confirmed.IsZero() {
			confirmed = s.Until
		}
		reason := s.Reason
		if reason == "" {
			reason = "-"
		}
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", Show(s.Since, now), Show(confirmed, now), Show(s.Until, now),
			terminal.Escape(s.State), terminal.Escape(reason), terminal.Escape(s.Connection))
	})
}

// LastSeenTable writes when users were last seen, also those of whom the server knows
// nothing.
func LastSeenTable(w io.Writer, asked []string, seen []Sighting, now time.Time) error {
	known := make(map[string]Sighting, len(seen))
	for _, s := range seen {
		known[s.User] = s
	}
	return table(w, "", "USER\tSTATE\tLAST CONFIRMED\tAGO\tDECLARED LOST", asked, func(user string) string {
		s, ok := known[user]
		if !ok {
			return terminal.Escape(user) + "\tnever seen\t-\t-\t-"
		}
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s", terminal.Escape(user), terminal.Escape(s.State), Show(s.Last, now),
			online.Age(now.Sub(s.Last)), Show(s.Declared, now))
	})
}

// NodeTable writes the nodes that have not left.
func NodeTable(w io.Writer, nodes []Node, now time.Time) error {
	return table(w, "no nodes", "NODE\tEPOCH\tCONNECTIONS\tLAST BEAT\tUP FOR\tADDRESS\tVERSION", nodes, func(n Node) string {
		return fmt.Sprintf("%s\t%d\t%d\t%s\t%s\t%s\t%s", terminal.Escape(n.Node), n.Epoch, n.Connections, Show(n.BeatAt, now),
			online.Age(now.Sub(n.StartedAt)), terminal.Escape(n.Addr), terminal.Escape(n.Version))
	})
}

// EventLine is an event as a line for people.
func EventLine(e events.Event, now time.Time) string {
	line := fmt.Sprintf("%s  %s  %-12s", Show(e.At, now), e.ID, e.Type)
	switch e.Type {
	case events.Opened:
		line += "  " + e.Addr
	case events.Connected:
		line += "  " + e.User
		if !e.Resumes.IsZero() {
			line += "  resumes " + e.Resumes.String()
		}
	case events.Disconnected:
		line += fmt.Sprintf("  %s  %s of %s", e.User, e.Reason, e.Conn)
	case events.Sealed:
		line += fmt.Sprintf("  %s by %s", e.Reason, e.By)
	}
	if !e.LastSeen.IsZero() {
		line += ", last confirmed " + Show(e.LastSeen, now)
	}
	return terminal.Escape(line)
}
