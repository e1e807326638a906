// Package report puts what was measured in several rounds into one table, and judges
// it by its goals.
package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/presenced/presence/bench/scenario"
)

// Table is all that was measured.
type Table struct{ rows []row }

// row is one measure of one scenario, in all rounds.
type row struct {
	scenario string
	measure  scenario.Measure // of the first round; its Value is not used
	values   []float64        // ascending
}

// Add takes what one round of a scenario measured: the same measures each time.
func (t *Table) Add(name string, measures []scenario.Measure) {
	for _, m := range measures {
		r := t.row(name, m)
		i, _ := slices.BinarySearch(r.values, m.Value)
		r.values = slices.Insert(r.values, i, m.Value)
	}
}

func (t *Table) row(name string, m scenario.Measure) *row {
	for i := range t.rows {
		if r := &t.rows[i]; r.scenario == name && r.measure.Name == m.Name {
			return r
		}
	}
	t.rows = append(t.rows, row{scenario: name, measure: m})
	return &t.rows[len(t.rows)-1]
}

// Missed is how many goals were not met.
func (t *Table) Missed() int {
	n := 0
	for _, r := range t.rows {
		if r.measure.Goal.Kind != scenario.NoGoal && !r.held() {
			n++
		}
	}
	return n
}

// Write writes the table in Markdown.
func (t *Table) Write(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| scenario | measure | median | from – to | rounds | goal | held |\n")
	b.WriteString("|---|---|--:|--:|--:|---|---|\n")
	for _, r := range t.rows {
		unit := r.measure.Unit
		fmt.Fprintf(&b, "| %s | %s | %s | %s – %s | %d | %s | %s |\n",
			r.scenario, r.measure.Name, quantity(r.median(), unit), number(r.values[0]), number(r.values[len(r.values)-1]),
			len(r.values), r.goal(), r.verdict())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// median is the middle value, or the larger one of the two in the middle: all
// measures with a goal for their median are better when smaller.
func (r row) median() float64 { return r.values[len(r.values)/2] }

// held reports whether the goal was met.
func (r row) held() bool {
	goal := r.measure.Goal
	switch goal.Kind {
	case scenario.Exactly:
		return r.values[0] == goal.Value && r.values[len(r.values)-1] == goal.Value
	case scenario.AtMost:
		return r.median() <= goal.Value
	case scenario.LessThan:
		return r.median() < goal.Value
	case scenario.NoGoal:
	}
	return true
}

func (r row) verdict() string {
	switch {
	case r.measure.Goal.Kind == scenario.NoGoal:
		return ""
	case r.held():
		return "yes"
	}
	return "**no**"
}

func (r row) goal() string {
	value := quantity(r.measure.Goal.Value, r.measure.Unit)
	switch r.measure.Goal.Kind {
	case scenario.Exactly:
		return value + " in every round"
	case scenario.AtMost:
		return "≤ " + value
	case scenario.LessThan:
		return "< " + value
	case scenario.NoGoal:
	}
	return ""
}

func quantity(v float64, unit string) string {
	return strings.TrimSpace(number(v) + " " + unit)
}

// number writes a value with about three digits, and counts whole.
func number(v float64) string {
	decimals := 0
	switch {
	case v == float64(int64(v)):
	case v < 1:
		decimals = 3
	case v < 10:
		decimals = 2
	case v < 100:
		decimals = 1
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}
