//go:build unix

package main

import (
	"io"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// greeting is how a server's script begins that a console talks with, which measures now
// and then how long the server takes.
const greeting = `
	probed
	send {"type":"welcome","connection":"c1","user":"42","node":"n1"}
`

// sitDownAtConsole starts a command of clientctl at a terminal on which lines can be moved.
func sitDownAtConsole(t *testing.T, script string, command ...string) *typist {
	t.Helper()
	return sitDownIn(t, []string{"TERM=xterm"}, script, append([]string{"clientctl"}, command...)...)
}

// asBefore checks that the terminal is in the state of a new one.
func (p *typist) asBefore() {
	p.t.Helper()
	one, other, err := pty.Open()
	if err != nil {
		p.t.Fatal(err)
	}
	defer one.Close()
	defer other.Close()
	want, err := term.GetState(int(one.Fd()))
	if err != nil {
		p.t.Fatal(err)
	}
	got, err := term.GetState(int(p.terminal.Fd()))
	if err != nil || !reflect.DeepEqual(got, want) {
		p.t.Errorf("the terminal is left as %v, was %v (%v)", got, want, err)
	}
}

// rest is all that is left to be read, once clientctl has ended.
func (p *typist) rest() string {
	text, _ := io.ReadAll(p.lines) // ends with the error that the other side is closed
	return string(text)
}

func TestConnect_at_a_console(t *testing.T) {
	tests := []struct {
		name, keys string
		code       int
	}{
		{"Ctrl-C", "\x03", 130},
		{"Ctrl-C twice, a line being typed", "typed\x03\x03", 130},
		{"Ctrl-D", "\x04", 0},
		{"quit", "quit\r", 0},
		{"/quit", "/quit\r", 0},
		{"Ctrl-Z does nothing where no shell is", "\x1a/quit\r", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := sitDownAtConsole(t, greeting+`
				expect {"type":"fibonacci","id":"1","n":42}
				send {"type":"fibonacci","id":"1","n":42,"value":"267914296"}
				closed 1000`, "connect")
			p.sees(`welcome 42: connection c1 on node n1$`)
			p.press("/wat\r") // told, and no failure of the whole: a person sees it
			p.sees(`there is no "/wat": did you mean /watch\?`)
			p.press("42\r")
			p.sees(`F\(42\) = 267914296$`)
			p.press(tt.keys)
			p.leaves(tt.code)
			p.asBefore()
			if text := p.rest(); !strings.HasSuffix(text, "\x1b[J\x1b[?2004l") {
				t.Errorf("the rows at the bottom are left: %q", text)
			}
		})
	}
}

func TestConnect_at_a_console_is_ended_from_elsewhere(t *testing.T) {
	tests := []struct {
		name, script string
		signal       syscall.Signal
		code         int
		says         string
	}{
		{"SIGTERM", "closed 1000", syscall.SIGTERM, 130, ""},
		{"SIGHUP", "closed 1000", syscall.SIGHUP, 130, ""},
		{"the server", "close 4503 kicked", 0, 4, "clientctl: the server closed the connection (4503): kicked\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := sitDownAtConsole(t, greeting+tt.script, "connect")
			p.sees(`welcome 42`)
			if tt.signal != 0 {
				if err := p.command.Process.Signal(tt.signal); err != nil {
					t.Fatal(err)
				}
			}
			p.leaves(tt.code)
			p.asBefore()
			if text := p.rest(); !strings.HasSuffix(text, "\x1b[J\x1b[?2004l"+tt.says) {
				t.Errorf("at the end it wrote %q", text)
			}
		})
	}
}

// A pipe that nobody reads ends it, but not before the terminal is as it was.
func TestConnect_at_a_console_whose_notices_nobody_reads(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	p := sitDownWith(t, w, []string{"TERM=xterm"}, greeting+"closed 1000", "clientctl", "connect")
	p.sees(`welcome 42`)
	p.press("/quiz\r")
	p.leaves(-1) // by SIGPIPE
	p.asBefore()
	if text := p.rest(); !strings.HasSuffix(text, "\x1b[J\x1b[?2004l") {
		t.Errorf("the rows at the bottom are left: %q", text)
	}
}

func TestConnect_at_a_console_fails_to_connect(t *testing.T) {
	p := sitDownAtConsole(t, "refuse 403 0 not you", "connect")
	p.sees(`^.*clientctl: ws://127\.0\.0\.1:[0-9]+ refused the connection: 403 Forbidden: not you$`)
	p.leaves(4)
	p.asBefore()
}

func TestConnect_colours(t *testing.T) {
	tests := []struct {
		name      string
		variables []string
		arguments string
		coloured  bool
	}{
		{"a terminal", []string{"TERM=xterm"}, "connect", true},
		{"NO_COLOR", []string{"TERM=xterm", "NO_COLOR=1"}, "connect", false},
		{"NO_COLOR is empty", []string{"TERM=xterm", "NO_COLOR="}, "connect", true},
		{"TERM is not set", []string{"TERM="}, "connect", true},
		{"never", []string{"TERM=xterm"}, "connect --color never", false},
		{"always", []string{"TERM=xterm", "NO_COLOR=1"}, "connect --color always", true},
		{"a dumb terminal", []string{"TERM=dumb"}, "connect", false},
		{"a dumb terminal, always", []string{"TERM=dumb"}, "connect --color always", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			script := `send {"type":"presence","joins":[{"user":"bob"}],"leaves":[]}` + "\nclosed 1000"
			if tt.variables[0] != "TERM=dumb" {
				script = greeting + script
			}
			p := sitDownIn(t, tt.variables, script, append([]string{"clientctl"}, strings.Fields(tt.arguments)...)...)
			if tt.coloured {
				p.reads("\x1b[32mjoin\x1b[0m bob")
			} else {
				p.reads("join bob")
			}
			p.press("\x04")
			p.leaves(0)
			if text := p.rest(); !tt.coloured && strings.Contains(text, "\x1b[0m") {
				t.Errorf("there are colours in %q", text)
			}
		})
	}
}

// As JSON, and when standard input is not read, there is no status line.
func TestConnect_plain_lines_at_a_terminal(t *testing.T) {
	for _, arguments := range []string{"connect -o json", "connect --skip-user-input"} {
		t.Run(arguments, func(t *testing.T) {
			p := sitDownAtConsole(t, `
				send {"type":"time","time":"2026-11-23T10:00:00Z","unixMs":1795428000000}
				send {"type":"welcome","connection":"c1","user":"42","node":"n1"}
				closed 1000`, strings.Fields(arguments)...)
			p.sees(`^({"type":"time","time":"2026-11-23T10:00:00Z","unixMs":1795428000000}|time 2026-11-23T10:00:00Z)$`)
			p.sees(`^({"type":"welcome".*}|welcome 42: connection c1 on node n1)$`)
			p.press("\x03")
			p.leaves(130)
			p.asBefore()
		})
	}
}

// What is longer than a line of the terminal is broken between words, with and without a
// status line.
func TestConnect_breaks_lines_between_words(t *testing.T) {
	for _, variable := range []string{"TERM=xterm", "TERM=dumb"} {
		t.Run(variable, func(t *testing.T) {
			script := "closed 1000"
			if variable != "TERM=dumb" {
				script = "probed\n" + script
			}
			p := sitDownIn(t, []string{variable, "NO_COLOR=1"}, script, "clientctl", "connect")
			if err := pty.Setsize(p.terminal, &pty.Winsize{Cols: 40, Rows: 24}); err != nil {
				t.Fatal(err)
			}
			p.press("/quiz\r")
			p.sees(`clientctl: there is no "/quiz": did you$`)
			p.sees(`^mean /quit\?$`)
			p.press("\x04")
			p.leaves(0)
		})
	}
}

// A shell gets the terminal as it was, and gives it back.
func TestConnect_at_a_console_is_stopped_and_goes_on(t *testing.T) {
	p := sitDownIn(t, []string{"TERM=xterm", "PS1=$ ", "ENV="}, greeting+`
		expect {"type":"fibonacci","id":"1","n":42}
		send {"type":"fibonacci","id":"1","n":42,"value":"267914296"}
		closed 1000`, "sh", "-im")
	p.press("clientctl connect\r")
	p.sees(`welcome 42`)
	p.press("typed")
	p.reads("typed")
	p.press("\x1a")
	p.sees(`Stopped`)
	p.press("stty -a | grep -c -e ' icanon'; echo code $?\r")
	p.sees(`^code 0$`)
	p.press("fg\r")
	p.reads("typed")
	p.press("\x1542\r")
	p.sees(`F\(42\) = 267914296$`)
	p.press("\x03")
	p.reads("\x1b[J\x1b[?2004l")
	p.press("exit 7\r")
	p.leaves(7)
}

// Who is stopped can be ended: the terminal is the shell's, and stays so.
func TestConnect_at_a_console_is_ended_while_it_is_stopped(t *testing.T) {
	p := sitDownIn(t, []string{"TERM=xterm", "PS1=$ ", "ENV="}, greeting+"closed 1000", "sh", "-im")
	p.press("clientctl connect\r")
	p.sees(`welcome 42`)
	p.press("\x1a")
	p.sees(`Stopped`)
	p.press("kill -TERM %1; kill -CONT %1\r")
	if err := p.server.Stop(); err != nil { // it says goodbye
		t.Error(err)
	}
	p.press("exit 7\rexit 7\r") // the first may only warn of the job
	p.leaves(7)
}

// Where the system heeds no stop, since no shell could end it, Ctrl-Z changes nothing.
func TestConnect_at_a_console_that_cannot_be_stopped(t *testing.T) {
	p := sitDownIn(t, []string{"TERM=xterm"}, greeting+`
		expect {"type":"fibonacci","id":"1","n":42}
		send {"type":"fibonacci","id":"1","n":42,"value":"267914296"}
		closed 1000`, "sh", "-c", "clientctl connect; exit 7")
	p.sees(`welcome 42`)
	for range 2 {
		p.press("\x1a")
		p.reads("\x1b[?2004l")
		p.reads("\x1b[?2004h")
		p.reads("connected as 42 on n1")
	}
	p.press("42\r")
	p.sees(`F\(42\) = 267914296$`)
	p.press("\x03")
	p.leaves(7)
	p.asBefore()
}
