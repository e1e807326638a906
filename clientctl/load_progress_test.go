package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/clientctl/load"
)

func TestStatus_show(t *testing.T) {
	p := load.Progress{
		Phase: load.Holding, Done: 0.436, Elapsed: 12345 * time.Millisecond, Asked: 10000, Open: 9998, Errors: 2,
		Ticks: 100, Missed: 1, LatenessP99: 3141592 * time.Nanosecond, Answered: 50, CommandP99: 900 * time.Microsecond,
	}
	const all = "holding 12s  9998 of 10000 open  2 errors  ticks 1 missed, p99 3.14ms late  commands 50, p99 900µs"
	for name, tt := range map[string]struct {
		width func() int
		want  string
	}{
		"a file":             {nil, all + "\n"},
		"a terminal":         {func() int { return 200 }, "\r[########------------]  43% " + all + "\x1b[K"},
		"a narrow terminal":  {func() int { return 41 }, "\r[########------------]  43% holding 12s \x1b[K"},
		"no terminal at all": {func() int { return 0 }, "\r\x1b[K"},
	} {
		var b bytes.Buffer
		status{&b, tt.width}.show(p)
		if b.String() != tt.want {
			t.Errorf("%s: %q, want %q", name, b.String(), tt.want)
		}
	}
	for done, want := range map[float64]string{-1: "[--------------------]   0%", 0: "[--------------------]   0%", 1: "[####################] 100%", 7: "[####################] 100%"} {
		if got := bar(done); got != want {
			t.Errorf("%v: %s, want %s", done, got, want)
		}
	}
	if s := figures(load.Progress{}); strings.Contains(s, "ticks") || strings.Contains(s, "commands") {
		t.Errorf("of nothing it says %q", s)
	}
}
