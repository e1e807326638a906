package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse_WrongUse(t *testing.T) {
	t.Setenv("MONGODB_URI", "")
	for _, args := range [][]string{{"extra"}, {"--rounds", "0"}, {"--store", "redis"}, {"--store", "mongodb"}, {"--unknown"}} {
		if code, err := run(t.Context(), args); code != codeUsage || err == nil {
			t.Errorf("run %v: code %d, error %v", args, code, err)
		}
	}
	if o, err := parse([]string{"--quick"}); err != nil || o.rounds != 1 {
		t.Errorf("--quick: %d rounds, error %v", o.rounds, err)
	}
}

func TestChoose(t *testing.T) {
	for only, want := range map[string]int{"": 3, "ping": 1, "ping,idle": 2} {
		if got, err := choose(only); err != nil || len(got) != want {
			t.Errorf("choose(%q) is %d scenarios, error %v; want %d", only, len(got), err, want)
		}
	}
	for _, only := range []string{"pings", "ping,", "ping,ping"} {
		if _, err := choose(only); err == nil {
			t.Errorf("choose(%q) found something", only)
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
	code, err := run(t.Context(), []string{"--quick", "--root", "../..", "--out", out})
	if code != codeHeld || err != nil {
		t.Fatalf("code %d, error %v", code, err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--quick", "numbers mean nothing", "| idle | connections | 1000 |", "| storm | clients connected and welcomed | 1000 |", "| ping | floor, all workers busy: p99 |"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if got := string(text); strings.Contains(got, "an older run") || !strings.HasSuffix(got, "\n\n## Of another command\n\nkept\n") {
		t.Errorf("the older run is there, or not the section of another command:\n%s", got)
	}
}
