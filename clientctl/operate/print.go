package operate

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/presenced/presence/clientctl/online"
	"github.com/presenced/presence/clientctl/terminal"
)

const gap = 2 // between the columns of a table

// ConnectionTable writes the connections of a user.
func ConnectionTable(w io.Writer, user string, connections []Connection, now time.Time) error {
	if len(connections) == 0 {
		_, err := fmt.Fprintf(w, "%s is not online\n", terminal.Escape(user))
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, gap, ' ', 0)
	fmt.Fprintln(t, "CONNECTION\tSINCE\tFOR\tNODE\tREMOTE\tAGENT") // errors come with Flush
	for _, c := range connections {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", terminal.Escape(c.ID), c.Since.In(now.Location()).Format(time.DateTime),
			online.Age(now.Sub(c.Since)), terminal.Escape(c.Node), dash(c.Remote), dash(c.Agent))
	}
	return t.Flush()
}

// dash is a text to be shown, and "-" if there is none.
func dash(text string) string {
	if text == "" {
		return "-"
	}
	return terminal.Escape(text)
}

// KickText writes what came of a kick.
func KickText(w io.Writer, o Order, k Kicked) error {
	whom := terminal.Escape(o.User + o.Connection)
	if k.Asked == 0 {
		_, err := fmt.Fprintf(w, "%s is not online: nothing to close\n", whom)
		return err
	}
	if _, err := fmt.Fprintf(w, "%s: %d of %s closed\n", whom, k.Gone, count(k.Asked, "connection")); err != nil {
		return err
	}
	for _, id := range k.Pending {
		if _, err := fmt.Fprintf(w, "pending  %s\n", terminal.Escape(id)); err != nil {
			return err
		}
	}
	return nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// StatsTable writes counts, a line each: those of the cluster, and those of the node by
// their names.
func StatsTable(w io.Writer, s Stats) error {
	users := "-"
	if s.Cluster.Users != nil {
		users = strconv.Itoa(*s.Cluster.Users)
	}
	var versions []string
	for _, v := range slices.Sorted(maps.Keys(s.Cluster.Versions)) {
		versions = append(versions, fmt.Sprintf("%s on %s", v, count(s.Cluster.Versions[v], "node")))
	}
	t := tabwriter.NewWriter(w, 0, 0, gap, ' ', 0)
	fmt.Fprintf(t, "CLUSTER\tVALUE\nnodes\t%d\nconnections\t%d\nusers\t%s\nversions\t%s\n", // errors come with Flush
		s.Cluster.Nodes, s.Cluster.Connections, users, terminal.Escape(strings.Join(versions, ", ")))
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(t, "\nNODE\tVALUE")
	for _, name := range slices.Sorted(maps.Keys(s.Node)) {
		fmt.Fprintf(t, "%s\t%s\n", terminal.Escape(name), terminal.Escape(shown(s.Node[name])))
	}
	return t.Flush()
}

// shown is a value of JSON for people: whole numbers in digits.
func shown(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// ProblemLine is a problem as a line for people.
func ProblemLine(p Problem) string {
	place := p.ID
	if place == "" {
		place = p.Stream
	}
	return terminal.Escape(fmt.Sprintf("problem  %s  %s  %s", p.Kind, place, p.Detail))
}

// ReportLine sums up for people.
func ReportLine(r Report) string {
	sum := "all holds"
	if !r.Holds {
		sum = count(r.Problems, "problem")
	}
	return fmt.Sprintf("%s, %d events, %s: %s", count(r.Streams, "stream"), r.Events, count(r.Open, "open connection"), sum)
}
