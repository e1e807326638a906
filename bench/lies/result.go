package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/presenced/presence/bench/report"
	"github.com/presenced/presence/services/presenced/witness"
)

// result is what was measured.
type result struct {
	options  options
	began    time.Time
	commit   string // "" if the nodes are somebody else's
	database string
	verified string
	outcome  witness.Outcome
	lies     witness.LieSeconds
}

// publish prints the result, and makes it the section of a file, if one is named.
func (r result) publish(file string) error {
	fmt.Print(r.section())
	if file == "" {
		return nil
	}
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(file, []byte(report.ReplaceSection(string(old), title, r.section())), 0o600) //nolint:gosec // the file that the user names
}

const title = "## Lies"

func (r result) section() string {
	var b strings.Builder
	b.WriteString(title + "\n")
	fmt.Fprintf(&b, `
For how long, added up over all users, `+"`GET /online`"+` said what the clients knew to be
wrong. "Inside" is what the service promises no better: a dead node's users %s, a
silent client %s, a clean leave %s, clients of a node that stands still until %s after
it goes on. "Outside" must be 0.

| kind | inside, s | outside, s |
|---|---|---|
| ghost: said to be online, is not connected | %.1f | %.1f |
| missing: is connected and welcomed, not said to be online | %.1f | %.1f |

`, r.options.trial.Bounds.Death, r.options.trial.Bounds.Silent, r.options.trial.Bounds.Close, r.options.trial.Bounds.Rejoin,
		r.lies.Ghost.Inside.Seconds(), r.lies.Ghost.Outside.Seconds(),
		r.lies.Missing.Inside.Seconds(), r.lies.Missing.Outside.Seconds())
	fmt.Fprintf(&b, "- written by `%s`, run in `bench/`, seed %d\n",
		strings.Join(append([]string{"go run ./lies"}, r.options.args...), " "), r.options.trial.Seed)
	fmt.Fprintf(&b, "- when: %s\n", r.began.UTC().Format("2006-01-02 15:04 UTC"))
	if r.commit != "" {
		fmt.Fprintf(&b, "- commit: %s\n- database: %s\n", r.commit, r.database)
	}
	fmt.Fprintf(&b, "- %s\n- verify afterwards: %s\n", r.what(), r.verified)
	fmt.Fprintf(&b, "- machine: %d processors, load at the end (1, 5, 15 minutes): %s\n", runtime.NumCPU(), load())
	return b.String()
}

// what says in numbers what was done.
func (r result) what() string {
	var kills, stands int
	for _, f := range r.outcome.Faults {
		if f.Stood {
			stands++
		} else {
			kills++
		}
	}
	var silent int
	var connected time.Duration
	end := time.Now()
	if n := len(r.outcome.Answers); n > 0 {
		end = r.outcome.Answers[n-1].Answered
	}
	for i := range r.outcome.Sightings {
		s := &r.outcome.Sightings[i]
		if s.Silent {
			silent++
		}
		if gone := s.Gone(); len(s.Welcomes) > 0 && gone.IsZero() {
			connected += end.Sub(s.Welcomes[0].At)
		} else if len(s.Welcomes) > 0 {
			connected += gone.Sub(s.Welcomes[0].At)
		}
	}
	return fmt.Sprintf("%d users with %d connections, of which %d fell silent, were connected for %.0f s in all; %d kills, %d pauses and cuts; %d answers",
		r.options.trial.Clients, len(r.outcome.Sightings), silent, connected.Seconds(), kills, stands, len(r.outcome.Answers))
}

// load is the number of processes that ran or wanted to, on average.
func load() string {
	text, _ := os.ReadFile("/proc/loadavg") // without it the load is unknown
	fields := strings.Fields(string(text))
	if len(fields) < 3 {
		return "unknown"
	}
	return strings.Join(fields[:3], ", ")
}
