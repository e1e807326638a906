package compare

import (
	"strings"
	"testing"

	"github.com/presenced/presence/bench/peers"
)

// lines are the rows of the table of one measure, without their bars.
func lines(t *testing.T, table *Table, name string) string {
	t.Helper()
	var b strings.Builder
	if err := table.Write(&b); err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(b.String(), "### "+name+"\n")
	if !found {
		t.Fatalf("no table of %q in\n%s", name, &b)
	}
	text, _, _ = strings.Cut(text, "###")
	return text
}

func TestTable_JudgesWithinRounds(t *testing.T) {
	table := NewTable(3, []string{peers.Floor, peers.Ours, "gws", "nbio"})
	for round, values := range [][3]float64{{4, 3, 4.5}, {4, 6, 9}, {4, 4, 5.6}} {
		table.Add(round, peers.Floor, map[string]float64{roundTrip: values[0]})
		table.Add(round, peers.Ours, map[string]float64{roundTrip: values[1]})
		table.Add(round, "gws", map[string]float64{roundTrip: values[2]})
	}
	table.Add(1, "nbio", map[string]float64{roundTrip: 9})
	got := lines(t, table, roundTrip)
	for _, want := range []string{
		"| gateway | 4 µs | 3 – 6 | 3 |  |  |  |\n",
		"| floor | 4 µs | 4 – 4 | 3 | 1.00 × |  |  |\n",
		"| gws | 5.60 µs | 4.50 – 9 | 3 | 1.50 × | ≥ 1.33 × | yes |\n",
		"| nbio | 9 µs | 9 – 9 | 1 | 1.50 × | ≥ 2.00 × | **no** |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no line %q in\n%s", want, got)
		}
	}
	if n := table.Missed(); n != 1 {
		t.Errorf("%d goals are missed, want 1", n)
	}
	if strings.Contains(got, "Thrown away") {
		t.Errorf("a round was thrown away:\n%s", got)
	}
}

func TestTable_ThrowsRoundsAwayByTheFloor(t *testing.T) {
	table := NewTable(4, []string{peers.Floor, peers.Ours})
	for round, floor := range []float64{4, 9, 4.2, 4.1} {
		table.Add(round, peers.Floor, map[string]float64{tickOf(largest): floor, lateness: floor * 100, memoryOf(1000): floor})
		table.Add(round, peers.Ours, map[string]float64{tickOf(largest): floor + 1, lateness: 50, memoryOf(1000): 100 + floor})
	}
	for name, want := range map[string]string{
		tickOf(largest): "Thrown away: 1 of 4 rounds",
		lateness:        "Thrown away: 1 of 4 rounds", // by the floor's tick
	} {
		if got := lines(t, table, name); !strings.Contains(got, want) || !strings.Contains(got, "| 3 |") {
			t.Errorf("%s: want %q in\n%s", name, want, got)
		}
	}
	if got := lines(t, table, memoryOf(1000)); strings.Contains(got, "Thrown away") || !strings.Contains(got, "| gateway | 104 B | 104 – 109 | 4 |  | ≤ 512 B | yes |") {
		t.Errorf("memory depends on the floor:\n%s", got)
	}
}

func TestTable_LargerIsBetter(t *testing.T) {
	table := NewTable(1, nil)
	table.Add(0, peers.Whole, map[string]float64{connectRate: 700})
	table.Add(0, peers.Unrecorded, map[string]float64{connectRate: 1000})
	if got, want := lines(t, table, connectRate), "| unrecorded | 1000 /s | 1000 – 1000 | 1 | 0.70 × | ≥ 0.80 × | **no** |"; !strings.Contains(got, want) {
		t.Errorf("no line %q in\n%s", want, got)
	}
}

// TestAll_GoalsAreAboutServers holds that no goal is about a server that does not take
// part: it would never be judged.
func TestAll_GoalsAreAboutServers(t *testing.T) {
	known := map[string]bool{boundName: true}
	for _, s := range peers.All() {
		known[s.Name] = true
	}
	for _, m := range all() {
		for _, g := range m.goals {
			if !known[g.against] || !known[m.ours] {
				t.Errorf("%s: %q or %q is no server", m.name, m.ours, g.against)
			}
		}
	}
}
