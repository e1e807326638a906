package operate

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/presenced/presence/clientctl/online"
	"github.com/presenced/presence/clientctl/table"
	"github.com/presenced/presence/clientctl/terminal"
)

// ConnectionTable writes the connections of a user.
func ConnectionTable(s table.Screen, user string, connections []Connection, now time.Time) error {
	if len(connections) == 0 {
		_, err := fmt.Fprintf(s, "%s is not online\n", terminal.Escape(user))
		return err
	}
	t := table.New(
		table.Column{Head: "CONNECTION", Kind: table.ID, Rank: 2},
		table.Column{Head: "SINCE", Kind: table.Fixed, Rank: 1},
		table.Column{Head: "FOR", Kind: table.Fixed, Rank: 1},
		table.Column{Head: "NODE", Kind: table.ID},
		table.Column{Head: "REMOTE", Kind: table.Fixed, Rank: 1},
		table.Column{Head: "AGENT"})
	for _, c := range connections {
		t.Add(table.Of(c.ID), online.Moment(c.Since, now, time.DateTime), table.Of(online.Age(now.Sub(c.Since))),
			table.Of(c.Node), table.Of(c.Remote), table.Of(c.Agent))
	}
	return t.Write(s)
}

// KickTable writes what came of a kick, and which connections have not gone.
func KickTable(s table.Screen, o Order, k Kicked) error {
	whom := terminal.Escape(o.User + o.Connection)
	if k.Asked == 0 {
		_, err := fmt.Fprintf(s, "%s is not online: nothing to close\n", whom)
		return err
	}
	if _, err := fmt.Fprintf(s, "%s: %d of %s closed\n", whom, k.Gone, count(k.Asked, "connection")); err != nil || len(k.Pending) == 0 {
		return err
	}
	t := table.New(table.Column{Head: "PENDING", Kind: table.ID})
	for _, id := range k.Pending {
		t.Add(table.Of(id))
	}
	return t.Write(s)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// StatsTable writes counts: those of the cluster, which versions run in it, and what the
// node says of itself, by its names, words before numbers.
func StatsTable(s table.Screen, st Stats) error {
	users := table.Of("")
	if st.Cluster.Users != nil {
		users = table.Count(*st.Cluster.Users)
	}
	cluster := pairs("CLUSTER", "COUNT", table.Number)
	cluster.Add(table.Of("nodes"), table.Count(st.Cluster.Nodes))
	cluster.Add(table.Of("connections"), table.Count(st.Cluster.Connections))
	cluster.Add(table.Of("users"), users)
	versions := pairs("VERSION", "NODES", table.Number)
	for _, v := range slices.Sorted(maps.Keys(st.Cluster.Versions)) {
		versions.Add(table.Of(v), table.Count(st.Cluster.Versions[v]))
	}
	words, numbers := pairs("NODE", "VALUE", table.Text), pairs("NODE", "COUNT", table.Number)
	for _, name := range slices.Sorted(maps.Keys(st.Node)) {
		if n, ok := st.Node[name].(float64); ok {
			numbers.Add(table.Of(name), table.Of(strconv.FormatFloat(n, 'f', -1, 64)))
			continue
		}
		words.Add(table.Of(name), table.Of(fmt.Sprint(st.Node[name])))
	}
	for i, t := range []*table.Table{cluster, versions, words, numbers} {
		if i > 0 {
			fmt.Fprintln(s) // an error comes again with the table
		}
		if err := t.Write(s); err != nil {
			return err
		}
	}
	return nil
}

// pairs is a table of names and values; a value stays as long as it can.
func pairs(name, value string, kind table.Kind) *table.Table {
	return table.New(table.Column{Head: name}, table.Column{Head: value, Kind: kind, Rank: 1})
}

// ProblemTable writes problems as they come.
type ProblemTable struct{ stream *table.Stream }

// NewProblemTable returns one without rows.
func NewProblemTable() *ProblemTable {
	sample := problemRow(Problem{Kind: "not_sealed", ID: "n1/00000001/0000000000000001"})
	return &ProblemTable{table.NewStream(0, sample,
		table.Column{Head: "PROBLEM", Kind: table.Fixed, Rank: 1},
		table.Column{Head: "PLACE", Kind: table.ID, Rank: 1},
		table.Column{Head: "DETAIL", Rank: 1})}
}

// Add writes one problem.
func (t *ProblemTable) Add(s table.Screen, p Problem) error { return t.stream.Row(s, problemRow(p)...) }

func problemRow(p Problem) []table.Cell {
	place := p.ID
	if place == "" {
		place = p.Stream
	}
	return []table.Cell{table.Of(p.Kind), table.Of(place), table.Of(p.Detail)}
}

// ReportLine sums up for people.
func ReportLine(r Report) string {
	sum := "all holds"
	if !r.Holds {
		sum = count(r.Problems, "problem")
	}
	return fmt.Sprintf("%s, %d events, %s: %s", count(r.Streams, "stream"), r.Events, count(r.Open, "open connection"), sum)
}
