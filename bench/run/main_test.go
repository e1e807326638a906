package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/presenced/presence/bench/peers"
)

func TestParse_WrongUse(t *testing.T) {
	t.Setenv("MONGODB_URI", "")
	for _, args := range [][]string{{"extra"}, {"--rounds", "0"}, {"--compare-rounds", "0"}, {"--only", "nothing"}, {"--store", "mongodb", "--private"}, {"--store", "redis"}, {"--store", "mongodb"}, {"--unknown"}} {
		if code, err := run(t.Context(), args); code != codeUsage || err == nil {
			t.Errorf("run %v: code %d, error %v", args, code, err)
		}
	}
	if o, err := parse([]string{"--quick"}); err != nil || o.rounds != 1 {
		t.Errorf("--quick: %d rounds, error %v", o.rounds, err)
	}
}

func TestOptions_Choose(t *testing.T) {
	tests := []struct {
		only, servers        string
		own, beside, clients int
		allocations          bool
	}{
		{"", "", 3, 3, len(peers.All()), true},
		{"ping,idle", "", 2, 0, len(peers.All()), false},
		{"commands,allocations", "gws;nbio, inline", 0, 1, 3, true},
		{"crowd", "floor", 0, 1, 1, false},
	}
	for _, tt := range tests {
		c, err := options{only: tt.only, servers: tt.servers}.choose()
		if err != nil || len(c.own) != tt.own || len(c.beside) != tt.beside || len(c.servers) != tt.clients || c.allocations != tt.allocations {
			t.Errorf("--only %q --servers %q: %d of presenced, %d comparisons of %d servers, allocations: %v, error %v",
				tt.only, tt.servers, len(c.own), len(c.beside), len(c.servers), c.allocations, err)
		}
	}
	for _, o := range []options{{only: "pings"}, {only: "ping,"}, {only: "ping,ping"}, {servers: "gws,nbio"}, {servers: "gws;gws"}} {
		if _, err := o.choose(); err == nil {
			t.Errorf("--only %q --servers %q found something", o.only, o.servers)
		}
	}
}

// TestRun_Smoke measures the presenced of this checkout, a little: the benchmark goes
// on working while the product changes.
func TestRun_Smoke(t *testing.T) {
	if testing.Short() {
		t.Skip("builds presenced, and runs it for some seconds")
	}
	out := filepath.Join(t.TempDir(), "results")
	if err := os.WriteFile(out, []byte("an older run\n\n## Of another command\n\nkept\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, err := run(t.Context(), []string{"--quick", "--root", "../..", "--out", out, "--servers", "presenced;unrecorded"})
	if code != codeHeld || err != nil {
		t.Fatalf("code %d, error %v", code, err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--quick", "numbers mean nothing", "| idle | connections | 1000 |", "| storm | clients connected and welcomed | 1000 |", "| ping | floor, all workers busy: p99 |",
		"## Beside other servers", "### 16 pipelined commands", "| presenced |", "| unrecorded |"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if got := string(text); strings.Contains(got, "an older run") || !strings.Contains(got, "\n\n## Of another command\n\nkept\n") {
		t.Errorf("the older run is there, or not the section of another command:\n%s", got)
	}
}
