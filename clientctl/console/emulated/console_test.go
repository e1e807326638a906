package emulated

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/clientctl/fault"
)

const (
	status  = "● connected as ana on n1"
	welcome = "welcome ana: connection n1/00000001/0000000000000001 on node n1"

	left, up, down, home = "\x1b[D", "\x1b[A", "\x1b[B", "\x1b[H"
)

func tick(second int) string {
	return fmt.Sprintf(`{"type":"time","time":"2026-11-23T10:00:%02dZ","unixMs":1795428000000}`, second)
}

// clocked is the status line at that second. The test's clock is far from the server's, so
// only the local zone matters.
func clocked(second int) string {
	at := time.Date(2026, 11, 23, 10, 0, second, 0, time.UTC)
	return status + " · " + at.Local().Format("2006-01-02 15:04:05 MST")
}

func TestConsole_status_does_not_disturb_what_is_typed(t *testing.T) {
	s := sitDown(t, setting{})
	p := s.server.accept()
	s.sees(welcome, status, "> |")
	s.types("half 愛x" + left)
	s.sees(welcome, status, "> half 愛|x")
	for second := range 5 {
		p.says(tick(second))
		s.sees(welcome, clocked(second), "> half 愛|x")
	}
	p.says(`{"type":"presence","joins":[{"user":"bob","since":"2026-11-23T10:00:00Z"}],"leaves":[{"user":"zoe"}]}`)
	s.sees(welcome, "join bob since 2026-11-23 10:00:00", "leave zoe", clocked(4), "> half 愛|x")
	s.types(home + "\x1b[3~")
	s.sees(clocked(4), "> |alf 愛x")
}

func TestConsole_lines_scroll_above_while_typing(t *testing.T) {
	s := sitDown(t, setting{columns: 60, rows: 8})
	p := s.server.accept()
	var want strings.Builder
	for i := range 200 {
		p.says(fmt.Sprintf(`{"type":"presence","joins":[],"leaves":[{"user":"u%d"}]}`, i))
		if i%10 == 0 {
			s.types(fmt.Sprint(i % 7))
			fmt.Fprint(&want, i%7)
		}
	}
	s.sees("leave u194", "leave u195", "leave u196", "leave u197", "leave u198", "leave u199", status, "> "+want.String()+"|")
}

func TestConsole_editing_and_history(t *testing.T) {
	s := sitDown(t, setting{})
	p := s.server.accept()
	s.sees(welcome, status, "> |")
	s.types("43\x7f2\r")
	p.hears(`{"type":"fibonacci","id":"1","n":42}`)
	p.says(`{"type":"fibonacci","id":"1","n":42,"value":"267914296"}`)
	s.sees(welcome, "> 42", "F(42) = 267914296", status, "> |")
	s.types("seq 1" + left + "\x17" + up)
	s.sees(status, "> 42|")
	s.types(down)
	s.sees(status, "> 1|")
	s.types(up + home + "1\r")
	p.hears(`{"type":"fibonacci","id":"2","n":142}`)
	s.sees("> 142", status, "> |")
	s.types("/w\t\t")
	s.sees("/who  /watch", status, "> /w|")
	s.types("h\t")
	s.sees("/who  /watch", status, "> /who |")
	s.types("\x0c")
	s.waits("an empty screen but for the two rows", func(rows []string) bool {
		return len(rows) == 2 && rows[0] == status && rows[1] == "> /who |"
	})
}

func TestConsole_pasted_lines_are_asked(t *testing.T) {
	s := sitDown(t, setting{})
	p := s.meets()
	s.types("\x1b[200~1\r\n2\r\n3\x1b[201~")
	p.hears(`{"type":"fibonacci","id":"1","n":1}`)
	p.hears(`{"type":"fibonacci","id":"2","n":2}`)
	s.sees("> 1", "> 2", status, "> 3|")
}

func TestConsole_who_and_watch(t *testing.T) {
	s := sitDown(t, setting{})
	p := s.server.accept()
	s.sees(welcome, status, "> |")
	s.types("/who\r")
	p.hears(`{"type":"who","id":"1","limit":100}`)
	p.says(`{"type":"who","id":"1","users":[{"user":"ana","since":"2026-11-23T10:00:00Z","connections":2}],"next":"ana","total":12}`)
	s.sees("> /who", "USER  SINCE                CONNECTIONS", "ana   2026-11-23 10:00:00            2",
		"in all, connections: 12; there are more users: type /more", status, "> |")
	s.types("/more\r")
	p.hears(`{"type":"who","id":"2","limit":100,"after":"ana"}`)
	s.types("/watch bob\r")
	p.hears(`{"type":"watch","id":"3","users":["bob"]}`)
	p.says(`{"type":"watch","id":"3","level":"users","accepted":1,"part":1,"users":[]}`)
	s.sees("> /watch bob", "watching 1 user", status+", watching", "> |")
	p.says(`{"type":"presence","joins":[{"user":"bob","since":"2026-11-23T10:00:01Z"}],"leaves":[]}`)
	s.sees("join bob since 2026-11-23 10:00:01", status+", watching", "> |")
	p.says(`{"type":"presence","joins":[],"leaves":[{"user":"bob"}]}`)
	s.sees("leave bob", status+", watching", "> |")
	s.types("/unwtach\r")
	s.sees(`clientctl: there is no "/unwtach": did you mean /unwatch?`, status+", watching", "> |")
}

func TestConsole_connects_again(t *testing.T) {
	s := sitDown(t, setting{columns: 120, rows: 24})
	p := s.meets()
	s.types("/watch\r")
	p.hears(`{"type":"watch","id":"1"}`)
	p.says(`{"type":"watch","id":"1","level":"users","part":1,"users":[]}`)
	s.sees("watching everyone", status+", watching", "> |")
	p.says(`{"type":"drain","reconnectAfterMs":1000}`)
	s.types("typed")
	s.sees(status+", watching", "> typed|")
	p.closes(1012, "restart\x1b[2J")
	p = s.server.accept()
	p.hears(`{"type":"watch","id":"2"}`)
	s.sees(`clientctl: the server closed the connection (1012): restart\x1b[2J; connecting again in 1.05s`,
		"clientctl: connected again", welcome, status, "> typed|")
	place, _, _ := strings.Cut(s.server.address, "?")
	for _, want := range []string{"○ no connection to " + place + " · connecting again in 1s", "◌ connecting to " + place + " …"} {
		if !s.has(want) {
			t.Errorf("%q was not to be seen", want)
		}
	}
	p.says(`{"type":"watch","id":"2","level":"users","part":1,"users":[]}`)
	s.sees("watching everyone", status+", watching", "> typed|")
}

func TestConsole_latency(t *testing.T) {
	s := sitDown(t, setting{probe: time.Hour})
	p := s.server.accept()
	p.hears(`{"type":"ping","id":"probe-1"}`)
	p.says(`{"type":"pong","id":"probe-1"}`)
	s.waits("a latency", func(rows []string) bool {
		return len(rows) == 3 && strings.HasPrefix(rows[1], status+" · ") && strings.HasSuffix(rows[1], " ms") && rows[2] == "> |"
	})
}

func TestConsole_windows(t *testing.T) {
	s := sitDown(t, setting{})
	p := s.server.accept()
	p.says(tick(0))
	s.types("0123456789abcdefghij")
	s.sees(clocked(0), "> 0123456789abcdefghij|")
	brief := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).Local().Format(time.TimeOnly)
	s.resizes(30, 10)
	s.sees("● ana on n1 · "+brief, "> 0123456789abcdefghij|")
	s.resizes(12, 10)
	s.sees("● "+brief, "> …defghij|")
	s.resizes(80, 2) // no room for a status line
	s.waits("the input alone", func(rows []string) bool {
		return rows[len(rows)-1] == "> 0123456789abcdefghij|" && !strings.Contains(strings.Join(rows, "\n"), "●")
	})
	p.says(tick(1))
	p.says(`{"type":"presence","joins":[],"leaves":[{"user":"bob"}]}`)
	s.sees("leave bob", "> 0123456789abcdefghij|")
	s.resizes(80, 24)
	s.sees(clocked(1), "> 0123456789abcdefghij|")
}

func TestConsole_narrow_windows(t *testing.T) {
	for _, columns := range []uint16{1, 2, 3, 5, 8, 13} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			s := sitDown(t, setting{columns: columns, rows: 30})
			p := s.server.accept()
			for range 3 { // rows that did not fit would be left behind by each change
				s.types("愛愛\x7f\x7f142" + left)
				p.says(tick(0))
				p.says(`{"type":"presence","joins":[],"leaves":[{"user":"b"}]}`)
				s.types(home + "\x0b/ping")
				p.says(tick(1))
				s.types("\r")
				<-p.heard
			}
			marks := 0
			s.waits("one status and one prompt", func(rows []string) bool {
				marks = strings.Count(strings.Join(rows, ""), "●")
				return strings.HasSuffix(rows[len(rows)-1], "|") && len(strings.Trim(rows[len(rows)-1], "> |")) == 0
			})
			if want := min(int(columns)/4, 1); marks > 1 || marks < want {
				t.Errorf("%d status lines in %q", marks, s.screen())
			}
		})
	}
}

// What is longer than a row is broken between words, also after the window has changed.
func TestConsole_breaks_lines_between_words(t *testing.T) {
	s := sitDown(t, setting{columns: 60, rows: 24})
	p := s.server.accept()
	s.sees("welcome ana: connection n1/00000001/0000000000000001 on node", "n1", status, "> |")
	s.resizes(40, 24)
	s.types("/quiz\r")
	s.sees(`clientctl: there is no "/quiz": did you`, "mean /quit?", status, "> |")
	s.types("/who\r")
	p.hears(`{"type":"who","id":"1","limit":100}`)
	p.says(`{"type":"who","id":"1","users":[{"user":"a user with a long name","since":"2026-11-23T10:00:00Z","connections":2}],"total":7}`)
	s.sees("USER                 SINCE", "a user with a long…  2026-11-23 10:00:00", "in all, connections: 7", status, "> |")
}

// Names, reasons and texts are others': none of them does anything to the terminal.
func TestConsole_hostile_texts_are_only_texts(t *testing.T) {
	const evil = `\u001b[2J\u001b]0;owned\u0007\u009b31m\u202e\r\n`
	const shown = `\x1b[2J\x1b]0;owned\a\u009b31m\u202e\r\n`
	s := sitDown(t, setting{columns: 200, rows: 30, colours: true})
	p := <-s.server.peers
	p.says(`{"type":"welcome","connection":"c` + evil + `","user":"u` + evil + `","node":"n` + evil + `"}`)
	s.sees("● connected as u"+shown+" on n"+shown, "> |")
	const refused = `clientctl: /who "a\u202eb": invalid user id: it has a control or bidirectional character at byte 1`
	s.types("/who a\u202eb\r")
	s.sees(`> /who a\u202eb`, refused, "● connected as u"+shown+" on n"+shown, "> |")
	s.types("/watch zoe\r")
	p.hears(`{"type":"watch","id":"1","users":["zoe"]}`)
	p.says(`{"type":"error","id":"1","code":"busy` + evil + `","message":"m` + evil + `"}`)
	p.says(`{"type":"presence","joins":[{"user":"j` + evil + `"}],"leaves":[{"user":"l` + evil + `"}]}`)
	s.sees(
		"welcome u"+shown+": connection c"+shown+" on node n"+shown,
		`> /who a\u202eb`, refused, "> /watch zoe",
		"clientctl: watch: m"+shown+" (busy"+shown+")",
		"join j"+shown, "leave l"+shown,
		"● connected as u"+shown+" on n"+shown, "> |")
	s.mu.Lock()
	defer s.mu.Unlock()
	if raw := s.sent.String(); strings.Contains(raw, "\x1b[2J") || strings.Contains(raw, "\x1b]") || strings.Contains(raw, "\u009b") {
		t.Errorf("a control sequence came through: %q", raw)
	}
}

func TestConsole_Ctrl_C_clears_and_then_leaves(t *testing.T) {
	s := sitDown(t, setting{})
	s.meets()
	s.types("typed")
	s.sees(welcome, status, "> typed|")
	s.types("\x03")
	s.sees(welcome, status, "> |")
	s.types("\x03")
	if err := s.leaves(); !errors.Is(err, fault.ErrInterrupted) {
		t.Errorf("ended with %v", err)
	}
	s.sees(welcome, "|")
}

func TestConsole_Ctrl_D_waits_for_answers(t *testing.T) {
	s := sitDown(t, setting{})
	p := s.meets()
	s.types("42\r\x04not read\r")
	p.hears(`{"type":"fibonacci","id":"1","n":42}`)
	p.says(`{"type":"fibonacci","id":"1","n":42,"value":"267914296"}`)
	if err := s.leaves(); err != nil {
		t.Errorf("ended with %v", err)
	}
	s.sees(welcome, "> 42", "F(42) = 267914296", "|")
}

func TestConsole_Ctrl_C_after_Ctrl_D(t *testing.T) {
	s := sitDown(t, setting{})
	p := s.meets()
	s.types("42\r\x04")
	p.hears(`{"type":"fibonacci","id":"1","n":42}`)
	s.types("\x03")
	if err := s.leaves(); !errors.Is(err, fault.ErrInterrupted) {
		t.Errorf("ended with %v", err)
	}
}

func TestConsole_leaves_when_sent_away(t *testing.T) {
	s := sitDown(t, setting{})
	p := s.server.accept()
	s.sees(welcome, status, "> |")
	p.closes(4503, "kicked")
	if err := s.leaves(); fault.KindOf(err) != fault.Refused {
		t.Errorf("ended with %v", err)
	}
	s.sees(welcome, "|")
}

// Keys never wait for a server: what is too much is told, and Ctrl-C works.
func TestConsole_takes_only_so_much(t *testing.T) {
	s := sitDown(t, setting{})
	p := s.meets()
	for range 9 {
		s.types("1\r")
	}
	for range 8 { // as many as fly
		<-p.heard
	}
	for range 1200 {
		s.types("1\r")
	}
	s.sees("not taken: 1000 lines wait to be sent", status, "> |")
	s.types("\x03")
	if err := s.leaves(); !errors.Is(err, fault.ErrInterrupted) {
		t.Errorf("ended with %v", err)
	}
}

func TestConsole_colours(t *testing.T) {
	for _, colours := range []bool{true, false} {
		t.Run(fmt.Sprint(colours), func(t *testing.T) {
			set := setting{}
			if colours {
				set.colours = true
			}
			s := sitDown(t, set)
			p := s.meets()
			p.says(`{"type":"presence","joins":[{"user":"bob"}],"leaves":[]}`)
			s.types("what?\r")
			s.waits("the join and the notice, whichever is first", func(rows []string) bool {
				text := strings.Join(rows, "")
				return strings.Contains(text, "join bob") && strings.Contains(text, "is not understood")
			})
			s.mu.Lock()
			defer s.mu.Unlock()
			raw := s.sent.String()
			for _, want := range []string{"\x1b[32mjoin\x1b[0m bob", "\x1b[32m●\x1b[0m", "\x1b[1m> \x1b[0m", "\x1b[33m\"what?\""} {
				if strings.Contains(raw, want) != colours {
					t.Errorf("%q in %q is %v", want, raw, !colours)
				}
			}
			if !colours && strings.Contains(strings.ReplaceAll(raw, "\x1b[?2004h", ""), "m") && strings.Contains(raw, "\x1b[0m") {
				t.Errorf("colours in %q", raw)
			}
		})
	}
}
