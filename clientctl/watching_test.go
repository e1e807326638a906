package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

func TestInterval_Set(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"2s": 2 * time.Second, "100ms": 100 * time.Millisecond, "1h": time.Hour, "5": 5 * time.Second, "0.5": 500 * time.Millisecond,
		"": 0, "0": 0, "99ms": 0, "1h1s": 0, "-2s": 0, "3601": 0, "nan": 0, "1e300": 0, "-inf": 0, "soon": 0,
	} {
		var i interval
		if err := i.Set(text); (err != nil) != (want == 0) || time.Duration(i) != want {
			t.Errorf("%q: %s, %v, want %s", text, time.Duration(i), err, want)
		}
	}
}

func TestJoinIntervals(t *testing.T) {
	root := newRoot(process{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
	for in, want := range map[string]string{
		"online --watch 5s":        "online --watch=5s",
		"online -w 500ms ana":      "online --watch=500ms ana",
		"online --watch ana":       "online --watch ana",
		"online -w 42":             "online -w 42", // a user
		"online -w 0":              "online -w 0",
		"online --watch=5s 5s":     "online --watch=5s 5s",
		"online -- --watch 5s":     "online -- --watch 5s",
		"online --watch":           "online --watch",
		"watch --watch 5s":         "watch --watch 5s", // which has no such flag
		"nodes -o json --watch 1m": "nodes -o json --watch=1m",
		"nonsense --watch 5s":      "nonsense --watch 5s",
	} {
		if got := strings.Join(joinIntervals(root, strings.Fields(in)), " "); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}
