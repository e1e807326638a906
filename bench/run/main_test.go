package main

import "testing"

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
