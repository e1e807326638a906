package console

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/presenced/presence/clientctl/talk"
	"github.com/presenced/presence/clientctl/terminal"
	"pgregory.net/rapid"
)

func TestSituation_status(t *testing.T) {
	now := time.Date(2026, 11, 30, 10, 0, 1, 0, time.FixedZone("CET", 3600))
	up := situation{
		place: "ws://h:1", user: "ana", node: "n1", state: talk.State{Phase: talk.Connected},
		clock: now.UTC(), heard: now.Add(-time.Second), latency: 412 * time.Microsecond,
	}
	with := func(change func(*situation)) situation {
		s := up
		change(&s)
		return s
	}
	waiting := situation{place: "ws://h:1", state: talk.State{Phase: talk.Waiting, Until: now.Add(12400 * time.Millisecond)}}
	tests := []struct {
		name  string
		s     situation
		width int
		want  string
	}{
		{"all of it", up, 80, "● connected as ana on n1 · 2026-11-30 10:00:01 CET · 0.41 ms"},
		{"no room for the date", up, 48, "● connected as ana on n1 · 10:00:01 · 0.41 ms"},
		{"nor for words", up, 40, "● ana on n1 · 10:00:01 · 0.41 ms"},
		{"nor for the latency", up, 25, "● ana on n1 · 10:00:01"},
		{"for the time alone", up, 10, "● 10:00:01"},
		{"for less", up, 6, "● 10:…"},
		{"watching", with(func(s *situation) { s.watching = true }), 80, "● connected as ana on n1, watching · 2026-11-30 10:00:01 CET · 0.41 ms"},
		{"before a time and a latency", with(func(s *situation) { s.clock, s.latency = time.Time{}, 0 }), 80, "● connected as ana on n1"},
		{"a silent server", with(func(s *situation) { s.heard = now.Add(-7500 * time.Millisecond) }), 80, "● connected as ana on n1 · 2026-11-30 10:00:01 CET · silent for 7s"},
		{"a slow server", with(func(s *situation) { s.latency = 1234567 * time.Microsecond }), 80, "● connected as ana on n1 · 2026-11-30 10:00:01 CET · 1235 ms"},
		{"a hostile name", with(func(s *situation) { s.user, s.node = "a\x1b[2J", "n\u202e" }), 80, `● connected as a\x1b[2J on n\u202e · 2026-11-30 10:00:01 CET · 0.41 ms`},
		{"not recorded yet", with(func(s *situation) { s.user = "" }), 80, "◌ connected, not recorded yet · 2026-11-30 10:00:01 CET · 0.41 ms"},
		{"connecting", situation{place: "ws://h:1"}, 80, "◌ connecting to ws://h:1 …"},
		{"connecting, narrow", situation{place: "ws://h:1"}, 16, "◌ connecting …"},
		{"waiting", waiting, 80, "○ no connection to ws://h:1 · connecting again in 12s"},
		{"waiting, narrow", waiting, 14, "○ again in 12s"},
		{"waiting, narrower", waiting, 6, "○ 12s"},
		{"waiting is over", situation{state: talk.State{Phase: talk.Waiting, Until: now.Add(-time.Second)}}, 14, "○ again in 0s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.s.status(now, false)
			if got := s.Mark + " " + fit(s.Forms, tt.width-2); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// However narrow the window and whoever the server, the line fits and is only text.
func TestFit_fits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := situation{
			place: rapid.String().Draw(t, "place"), user: rapid.String().Draw(t, "user"), node: rapid.String().Draw(t, "node"),
			state: talk.State{Phase: rapid.SampledFrom([]talk.Phase{talk.Connecting, talk.Connected, talk.Waiting}).Draw(t, "phase")},
		}
		width := rapid.IntRange(0, 100).Draw(t, "width")
		got := fit(s.status(time.Unix(0, 0), false).Forms, width)
		if terminal.Width(got) > width || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			t.Fatalf("%q in %d columns", got, width)
		}
	})
}
