//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/presenced/presence/clientctl/scripted"
)

// typist sits at a terminal at which clientctl runs.
type typist struct {
	t        *testing.T
	terminal *os.File
	lines    *bufio.Reader
	command  *exec.Cmd
	server   *scripted.Server
}

// sitDown starts clientctl at a dumb terminal, with a server that plays script.
func sitDown(t *testing.T, script string) *typist {
	t.Helper()
	return sitDownTo(t, script, "connect")
}

// sitDownTo starts a command of clientctl.
func sitDownTo(t *testing.T, script string, command ...string) *typist {
	t.Helper()
	return sitDownIn(t, []string{"TERM=dumb"}, script, append([]string{"clientctl"}, command...)...)
}

// sitDownIn starts a program, with variables. What it is told of clientctl's target is in
// $USER and $WS.
func sitDownIn(t *testing.T, variables []string, script string, program ...string) *typist {
	t.Helper()
	return sitDownWith(t, nil, variables, script, program...)
}

// sitDownWith starts a program whose standard error is not the terminal, unless it is nil.
func sitDownWith(t *testing.T, stderr *os.File, variables []string, script string, program ...string) *typist {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, err := scripted.Start(l, script)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program[0], program[1:]...)
	if stderr != nil {
		cmd.Stderr = stderr
	}
	cmd.Env = append(os.Environ(), "SKIP_USER_INPUT=", "TOKEN=", "TOKEN_FILE=", "CA=", "NO_COLOR=", "GORACE="+noExitSleep,
		"USER=42", "WS=ws://"+l.Addr().String())
	cmd.Env = append(cmd.Env, variables...)
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	const patience = time.Minute // a read of the terminal ends with it
	watchdog := time.AfterFunc(patience, func() {
		cmd.Process.Kill()
		terminal.Close()
	})
	t.Cleanup(func() {
		watchdog.Stop()
		cmd.Process.Kill() // if it has not ended
		terminal.Close()
	})
	return &typist{t, terminal, bufio.NewReader(terminal), cmd, server}
}

func (p *typist) press(keys string) {
	p.t.Helper()
	if _, err := p.terminal.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

// sees reads lines until one matches.
func (p *typist) sees(pattern string) {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	var seen []string
	for {
		line, err := p.lines.ReadString('\n')
		seen = append(seen, line)
		if re.MatchString(strings.TrimRight(line, "\r\n")) {
			return
		}
		if err != nil {
			p.t.Fatalf("no %q in %q: %v", pattern, seen, err)
		}
	}
}

// leaves waits for clientctl to exit, and for the server's script to be at its end.
func (p *typist) leaves(code int) {
	p.t.Helper()
	watchdog := time.AfterFunc(20*time.Second, func() { p.command.Process.Kill() })
	defer watchdog.Stop()
	err := p.command.Wait()
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		p.t.Fatal(err)
	}
	if got != code {
		p.t.Errorf("the exit code is %d, want %d", got, code)
	}
	if p.server == nil { // there was none
		return
	}
	if err := p.server.Stop(); err != nil {
		p.t.Errorf("the server's script: %v", err)
	}
}

func TestConnect_at_a_terminal(t *testing.T) {
	long := strings.Repeat("7", 200)
	script := `
		send {"type":"welcome","connection":"c1","user":"4\\u001b2","node":"n1"}
		expect {"type":"fibonacci","id":"1","n":42}
		send {"type":"fibonacci","id":"1","n":42,"value":"267914296"}
		expect {"type":"fibonacci","id":"2","n":950}
		send {"type":"fibonacci","id":"2","n":950,"value":"` + long + `"}
		closed 1000`
	tests := []struct {
		name, keys string
		code       int
	}{
		{"Ctrl-C", "\x03", 130},
		{"Ctrl-D", "\x04", 0},
		{"quit", "quit\n", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := sitDown(t, script)
			p.sees(`^welcome 4\\x1b2: connection c1 on node n1$`)
			p.press("42\n")
			p.sees(`^F\(42\) = 267914296$`)
			p.press("what\n") // told, and no failure of the whole: a person sees it
			p.sees(`"what" is not understood: type a whole number`)
			p.press("950\n")
			p.sees(`^F\(950\) = 7{48}…7{48} \(200 digits\)$`)
			p.press(tt.keys)
			p.leaves(tt.code)
		})
	}
}

func TestConnect_SIGTERM_closes_cleanly(t *testing.T) {
	p := sitDown(t, `
		send {"type":"welcome","connection":"c1","user":"42","node":"n1"}
		closed 1000`)
	p.sees("^welcome 42")
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.leaves(130)
}

// At a terminal the progress is a line that changes and goes; Ctrl-C ends the load with a
// report, a goodbye and the code of an interruption.
func TestLoad_at_a_terminal(t *testing.T) {
	p := sitDownIn(t, []string{"TERM=xterm"}, `
		send {"type":"welcome","connection":"c1","user":"42","node":"n1"}
		closed 1000`, "clientctl", "load", "-n", "1", "--duration", "1h", "--user", "42")
	p.reads("[--------------------]   0% holding ")
	p.reads("1 of 1 open  0 errors")
	p.press("\x03")
	p.reads("\r\x1b[K")
	p.sees(`^.*1 run to ws://127\.0\.0\.1:[0-9]+, .*, interrupted$`)
	p.sees(`^connections  1 asked, 1 welcomed, 0 failed, 0 lost$`)
	p.leaves(130)
}

// A dumb terminal is told in lines, as a file is.
func TestLoad_at_a_dumb_terminal(t *testing.T) {
	p := sitDownTo(t, `
		send {"type":"welcome","connection":"c1","user":"42","node":"n1"}
		closed 1000`, "load", "-n", "1", "--duration", "0s", "--user", "42")
	p.leaves(0)
	if text := p.rest(); strings.Contains(text, "\x1b") || !strings.HasPrefix(text, "closing ") {
		t.Errorf("got %q", text)
	}
}

// reads reads until a text has come, without an end of a line.
func (p *typist) reads(text string) {
	p.t.Helper()
	var seen []byte
	for !bytes.HasSuffix(seen, []byte(text)) {
		b, err := p.lines.ReadByte()
		if err != nil {
			p.t.Fatalf("no %q in %q: %v", text, seen, err)
		}
		seen = append(seen, b)
	}
}
