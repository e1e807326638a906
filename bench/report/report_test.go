package report

import (
	"strings"
	"testing"

	"github.com/presenced/presence/bench/scenario"
)

// table is one measure with the goal, in as many rounds as there are values.
func table(goal scenario.Goal, values ...float64) *Table {
	t := new(Table)
	for _, v := range values {
		t.Add("storm", []scenario.Measure{{Name: "first"}, {Name: "late", Unit: "ms", Value: v, Goal: goal}})
	}
	return t
}

func TestTable_Verdict(t *testing.T) {
	atMost, lessThan := scenario.Goal{Kind: scenario.AtMost, Value: 5}, scenario.Goal{Kind: scenario.LessThan, Value: 5}
	exactly := scenario.Goal{Kind: scenario.Exactly}
	tests := []struct {
		name   string
		table  *Table
		missed int
		line   string
	}{
		{"no goal", table(scenario.Goal{}, 7), 0, "| storm | late | 7 ms | 7 – 7 | 1 |  |  |"},
		{"the median holds", table(atMost, 9, 4, 5), 0, "| storm | late | 5 ms | 4 – 9 | 3 | ≤ 5 ms | yes |"},
		{"the median does not", table(lessThan, 9, 4, 5), 1, "| storm | late | 5 ms | 4 – 9 | 3 | < 5 ms | **no** |"},
		{"of two the larger counts", table(atMost, 4, 6), 1, "| storm | late | 6 ms | 4 – 6 | 2 | ≤ 5 ms | **no** |"},
		{"every round holds", table(exactly, 0, 0), 0, "| storm | late | 0 ms | 0 – 0 | 2 | 0 ms in every round | yes |"},
		{"one round does not", table(exactly, 0, 0, 1), 1, "| storm | late | 0 ms | 0 – 1 | 3 | 0 ms in every round | **no** |"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.table.Missed(); got != tt.missed {
				t.Errorf("%d goals are missed, want %d", got, tt.missed)
			}
			var b strings.Builder
			if err := tt.table.Write(&b); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(b.String(), tt.line+"\n") {
				t.Errorf("no line %q in\n%s", tt.line, &b)
			}
		})
	}
}

func TestNumber(t *testing.T) {
	for want, v := range map[string]float64{"0": 0, "12345": 12345, "0.123": 0.1234, "1.23": 1.2345, "12.3": 12.345, "123": 123.45, "-1": -1} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %s, want %s", v, got, want)
		}
	}
}
