package compare

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/presenced/presence/bench/peers"
)

// Table is all that was measured, by measure, server and round.
type Table struct {
	rounds  int
	servers []string // in the order of their rows
	values  map[string]map[string][]float64
}

// NewTable is an empty one for so many rounds of the servers of those names.
func NewTable(rounds int, servers []string) *Table {
	return &Table{rounds: rounds, servers: servers, values: make(map[string]map[string][]float64)}
}

// Add takes what was measured of a server in a round, from 0.
func (t *Table) Add(round int, server string, measured map[string]float64) {
	for name, v := range measured {
		of := t.values[name]
		if of == nil {
			of = make(map[string][]float64)
			t.values[name] = of
		}
		if of[server] == nil {
			of[server] = slices.Repeat([]float64{unmeasured}, t.rounds)
		}
		of[server][round] = v
	}
	if !slices.Contains(t.servers, server) {
		t.servers = append(t.servers, server)
	}
}

// counts says which rounds count for a measure.
func (t *Table) counts(m measure) []bool {
	by := m.name
	if m.yardstick != "" {
		by = m.yardstick
	}
	floor := t.values[by][peers.Floor]
	if m.always || floor == nil {
		return slices.Repeat([]bool{true}, t.rounds)
	}
	return steady(floor)
}

// row is one server in the table of a measure.
type row struct {
	server string
	values []float64 // of the rounds that count, ascending
	better float64   // how much better ours is, in the median; NaN: not known
	goal   string    // "" for none
	held   bool
}

// rows judges a measure.
func (t *Table) rows(m measure) []row {
	counts, of := t.counts(m), t.values[m.name]
	var rows []row
	for _, server := range t.servers {
		values := pick(of[server], counts)
		if len(values) == 0 {
			continue
		}
		slices.Sort(values)
		r := row{server: server, values: values, better: unmeasured}
		if server == m.ours {
			if m.atMost > 0 {
				r.goal, r.held = "≤ "+quantity(m.atMost, m.unit), median(values) <= m.atMost
			}
		} else if ours := of[m.ours]; ours != nil {
			r.judge(m, pick(advantage(m, ours, of[server]), counts))
		}
		rows = append(rows, r)
	}
	return rows
}

// advantage is how many times better ours is in each round.
func advantage(m measure, ours, other []float64) []float64 {
	if m.larger {
		return ratios(ours, other)
	}
	return ratios(other, ours)
}

// judge compares with ours, by the rounds that count.
func (r *row) judge(m measure, better []float64) {
	r.better = median(better)
	i := slices.IndexFunc(m.goals, func(g goal) bool { return g.against == r.server })
	if i >= 0 {
		r.goal, r.held = "≥ "+times(m.goals[i].factor), r.better >= m.goals[i].factor
	}
}

// Missed is how many goals were not met, or could not be judged.
func (t *Table) Missed() int {
	n := 0
	for _, m := range all() {
		for _, r := range t.rows(m) {
			if r.goal != "" && !r.held {
				n++
			}
		}
	}
	return n
}

// Write writes a table for each measure in Markdown.
func (t *Table) Write(w io.Writer) error {
	var b strings.Builder
	for _, m := range all() {
		if t.values[m.name] == nil {
			continue
		}
		fmt.Fprintf(&b, "### %s\n\n", m.name)
		if away := t.thrownAway(m); away > 0 {
			fmt.Fprintf(&b, "Thrown away: %d of %d rounds, in which the floor was more than 15%% off its median.\n\n", away, t.rounds)
		}
		fmt.Fprintf(&b, "| server | median | from – to | rounds | %s is better | goal | held |\n|---|--:|--:|--:|--:|---|---|\n", m.ours)
		for _, r := range t.rows(m) {
			fmt.Fprintf(&b, "| %s | %s | %s – %s | %d | %s | %s | %s |\n", r.server,
				quantity(median(r.values), m.unit), number(r.values[0]), number(r.values[len(r.values)-1]), len(r.values),
				times(r.better), r.goal, r.verdict())
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *Table) thrownAway(m measure) int {
	n := 0
	for _, counts := range t.counts(m) {
		if !counts {
			n++
		}
	}
	return n
}

func (r row) verdict() string {
	switch {
	case r.goal == "":
		return ""
	case r.held:
		return "yes"
	}
	return "**no**"
}

func times(factor float64) string {
	if math.IsNaN(factor) {
		return ""
	}
	return strconv.FormatFloat(factor, 'f', 2, 64) + " ×"
}

func quantity(v float64, unit string) string { return strings.TrimSpace(number(v) + " " + unit) }

// number writes a value with about three digits, and counts whole.
func number(v float64) string {
	decimals := 0
	switch {
	case v == math.Trunc(v):
	case math.Abs(v) < 10:
		decimals = 2
	case math.Abs(v) < 100:
		decimals = 1
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}
