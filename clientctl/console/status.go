package console

import (
	"fmt"
	"strings"
	"time"

	"github.com/presenced/presence/clientctl/talk"
	"github.com/presenced/presence/clientctl/terminal"
)

// situation is what a status line tells of. Its text is as it came: not escaped.
type situation struct {
	place    string // the server's address
	state    talk.State
	user     string        // of the welcome; "": this connection has none yet
	node     string        // likewise
	clock    time.Time     // the server's time; zero: it did not tell it yet
	heard    time.Time     // when it did, by our clock
	latency  time.Duration // of the last answer that tells; 0: there is none yet
	watching bool
}

// quietAfter is how long after the server's last word that is said: it tells the time each
// second.
const quietAfter = 3 * time.Second

// status says it in forms from long to short, times in the location of now.
func (s situation) status(now time.Time, c terminal.Colours) Status {
	switch {
	case s.state.Phase == talk.Waiting:
		left := max(s.state.Until.Sub(now), 0).Round(time.Second)
		return Status{Mark: "○", Paint: c.Red, Forms: []string{
			fmt.Sprintf("no connection to %s · connecting again in %s", terminal.Escape(s.place), left),
			fmt.Sprintf("no connection · again in %s", left),
			fmt.Sprintf("again in %s", left),
			left.String(),
		}}
	case s.state.Phase == talk.Connecting:
		return Status{Mark: "◌", Paint: c.Yellow, Forms: []string{
			"connecting to " + terminal.Escape(s.place) + " …", "connecting …", "…",
		}}
	case s.user == "":
		return Status{Mark: "◌", Paint: c.Yellow, Forms: s.timed("connected, not recorded yet", "not recorded yet", now)}
	}
	user, node := terminal.Escape(s.user), terminal.Escape(s.node)
	long := "connected as " + user + " on " + node
	if s.watching {
		long += ", watching"
	}
	return Status{Mark: "●", Paint: c.Green, Forms: s.timed(long, user+" on "+node, now)}
}

// timed puts the time and how long the server takes behind what it says.
func (s situation) timed(long, short string, now time.Time) []string {
	full, brief, latency := s.clockText(now)
	forms := []string{
		joined(long, full, latency), joined(long, brief, latency),
		joined(short, brief, latency), joined(short, brief),
	}
	if brief == "" {
		return forms
	}
	return append(forms, brief)
}

// clockText is the server's clock with and without the date, and the latency or, if the
// server does not say anything any more, that.
func (s situation) clockText(now time.Time) (full, brief, latency string) {
	if s.latency > 0 {
		latency = span(s.latency)
	}
	if s.clock.IsZero() {
		return "", "", latency
	}
	local := s.clock.In(now.Location())
	if quiet := now.Sub(s.heard); quiet >= quietAfter {
		latency = "silent for " + quiet.Truncate(time.Second).String()
	}
	return local.Format("2006-01-02 15:04:05 MST"), local.Format(time.TimeOnly), latency
}

// span is a time in milliseconds, with the digits that mean something.
func span(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 1:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

func joined(parts ...string) string {
	var all []string
	for _, p := range parts {
		if p != "" {
			all = append(all, p)
		}
	}
	return strings.Join(all, " · ")
}
