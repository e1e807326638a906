package main

import (
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/services/presenced/witness"
)

func TestParse_Refuses(t *testing.T) {
	for args, says := range map[string]string{
		"extra":           "extra",
		"--clients 0":     "--clients",
		"--nodes 0":       "--nodes",
		"--silent 2":      "--silent",
		"--for 0s":        "--for",
		"--kill -1s":      "--kill",
		"--at n1":         "want ID,ws://",
		"--at n1,a:1,b:2": "want ID,ws://",
	} {
		if _, err := parse(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want an error that says %q", args, err, says)
		}
	}
}

func TestParse_Nodes(t *testing.T) {
	o, err := parse(strings.Fields("--at n1,ws://a:1/,http://a:2 --at n2,ws://b:1,http://b:2/"))
	if err != nil || len(o.trial.Nodes) != 2 {
		t.Fatalf("%+v, %v", o, err)
	}
	if n := o.trial.Nodes[0]; n.ID != "n1" || n.Clients != "ws://a:1" || n.Admin != "http://a:2" || n.Start != nil {
		t.Errorf("%+v", n)
	}
}

// The results name the database exactly.
func TestFerretIn(t *testing.T) {
	info := &debug.BuildInfo{Deps: []*debug.Module{{Path: "github.com/FerretDB/wire", Version: "v0.0.8"}, {Path: "github.com/FerretDB/FerretDB", Version: "v1.24.2"}}}
	if got, want := ferretIn(info), "FerretDB v1.24.2 (on SQLite), on the same machine"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := ferretIn(new(debug.BuildInfo)); !strings.Contains(got, "unknown") {
		t.Errorf("%q, and nothing is known", got)
	}
}

func TestResult_Section(t *testing.T) {
	r := result{commit: "abc", database: "d", verified: "all holds", outcome: witness.Outcome{
		Faults: []witness.Fault{{Stood: true}, {}, {}},
		Sightings: []witness.Sighting{
			{Welcomes: []witness.Welcome{{At: time.Unix(10, 0)}}, Left: time.Unix(13, 0), Silent: true},
			{Welcomes: []witness.Welcome{{At: time.Unix(10, 0)}}},
		},
		Answers: []witness.Answer{{Answered: time.Unix(20, 0)}},
	}}
	r.lies.Ghost.Inside, r.lies.Missing.Outside = 1500*time.Millisecond, 2*time.Second
	for _, says := range []string{
		"not connected | 1.5 | 0.0 |", "to be online | 0.0 | 2.0 |", "2 kills, 1 pauses", "of which 1 fell silent", "for 13 s in all", "commit: abc",
	} {
		if !strings.Contains(r.section(), says) {
			t.Errorf("does not say %q:\n%s", says, r.section())
		}
	}
}
