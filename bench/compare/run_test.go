package compare

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/bench/peers"
)

func TestTurns(t *testing.T) {
	servers := []peers.Server{{Name: "a"}, {Name: peers.Floor}, {Name: "b"}, {Name: "c"}}
	for round, want := range []string{"floor a b c", "floor b c a", "floor c a b", "floor a b c"} {
		if got := strings.Join(names(turns(servers, round)), " "); strings.ReplaceAll(got, boundName+" ", "") != want {
			t.Errorf("round %d: %s, want %s", round, got, want)
		}
	}
	if got := turns(servers[1:2], 3); len(got) != 1 {
		t.Errorf("the floor alone: %v", got)
	}
	if servers[0].Name != "a" || servers[1].Name != peers.Floor {
		t.Error("the servers were put into another order")
	}
}

func TestScenarios_AreKnown(t *testing.T) {
	for _, name := range Scenarios() {
		if scenario(name) == nil {
			t.Errorf("there is no %q", name)
		}
		if !slices.ContainsFunc(peers.All(), func(s peers.Server) bool { return s.Plays(name) && s.Name == peers.Floor }) {
			t.Errorf("%q has no floor", name)
		}
	}
}

func TestEdge(t *testing.T) {
	second := time.Unix(1_800_000_000, 0)
	for _, tt := range []struct{ now, want time.Duration }{
		{0, 900 * time.Millisecond},
		{899 * time.Millisecond, 900 * time.Millisecond},
		{900 * time.Millisecond, 900 * time.Millisecond},
		{901 * time.Millisecond, 1900 * time.Millisecond},
	} {
		if got := edge(second.Add(tt.now)).Sub(second); got != tt.want {
			t.Errorf("after %v: got %v, want %v", tt.now, got, tt.want)
		}
	}
}

func TestParseBenchmarks(t *testing.T) {
	const out = `goos: linux
BenchmarkBroadcast/4000_clients-2   100000   9587 ns/op   0.00226 allocs/client   9.286 cpu-µs/client   64 B/op   3 allocs/op
BenchmarkEcho/1_in_a_read           1000   21043 ns/op   0 B/op   0 allocs/op
BenchmarkStream/whole-16   1000   81 ns/op   12 B/op   2 allocs/op
BenchmarkSilent-2   1000   81 ns/op
PASS
`
	got := parseBenchmarks([]byte(out))
	want := []Allocation{{"Broadcast/4000_clients", 0.00226, "client"}, {"Echo/1_in_a_read", 0, "op"}, {"Stream/whole", 2, "op"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var b strings.Builder
	missed, err := WriteAllocations(&b, got)
	if err != nil || missed != 1 || !strings.Contains(b.String(), "| Stream/whole | 2 per op | 0 | **no** |") {
		t.Errorf("%d missed, error %v:\n%s", missed, err, &b)
	}
}

func TestBound(t *testing.T) {
	if got := bound(5); math.IsNaN(got) || got <= 0 || bound(10) != 2*got {
		t.Errorf("with writes of 5 µs: %v ms, of 10 µs: %v ms", got, bound(10))
	}
}
