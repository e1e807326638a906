//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/presenced/presence/clientctl/terminal"
)

// admin answers the Nth request by the Nth of answers, and all that come later by the
// last one. One that begins with a digit is a status and no more.
func admin(t *testing.T, answers ...string) string {
	t.Helper()
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer := answers[min(int(n.Add(1)), len(answers))-1]
		var status int
		if _, err := fmt.Sscanf(answer, "%d", &status); err == nil {
			w.WriteHeader(status)
			return
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// start starts clientctl at a terminal of a size; nil: of none that it says.
func start(t *testing.T, size *pty.Winsize, variables []string, args ...string) *typist {
	t.Helper()
	cmd := exec.Command("clientctl", args...)
	cmd.Env = append(os.Environ(), "SKIP_USER_INPUT=", "TOKEN=", "TOKEN_FILE=", "ADMIN_TOKEN=", "NO_COLOR=", "TERM=xterm", "TZ=UTC", "GORACE="+noExitSleep)
	cmd.Env = append(cmd.Env, variables...)
	terminal, err := pty.StartWithSize(cmd, size)
	if err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() }) // so that no read waits for ever
	t.Cleanup(func() {
		watchdog.Stop()
		cmd.Process.Kill() // if it has not ended
		terminal.Close()
	})
	return &typist{t: t, terminal: terminal, lines: bufio.NewReader(terminal), command: cmd}
}

// onlineUsers is an answer of GET /online.
func onlineUsers(names ...string) string {
	var users []string
	for _, name := range names {
		users = append(users, fmt.Sprintf(`{"user":%q,"since":"2026-11-23T10:00:00Z","connections":2,"nodes":["node-1","node-2"]}`, name))
	}
	return `{"users":[` + strings.Join(users, ",") + `],"total":1}`
}

// all reads what is written until clientctl ends.
func (p *typist) all() string {
	text, _ := io.ReadAll(p.lines) // a terminal whose program has ended cannot be read
	p.leaves(0)
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

func TestOnline_fits_the_terminal(t *testing.T) {
	const wide = "東京都庁第一本庁舎の人"
	at := admin(t, onlineUsers("ana", wide))
	for _, tt := range []struct {
		columns   uint16
		variables []string
		want      string
	}{
		{200, nil, "\x1b[1mUSER                    SINCE                FOR"},
		{200, []string{"NO_COLOR=1"}, "USER                    SINCE                FOR"},
		{200, []string{"TERM=dumb"}, "USER                    SINCE                FOR"},
		{30, []string{"NO_COLOR=1"}, "東京都庁第一本庁…  11-23 10:00"},
		{12, nil, "東京都庁第…\n"},
	} {
		got := start(t, &pty.Winsize{Cols: tt.columns, Rows: 24}, tt.variables, "online", "--admin", at).all()
		if !strings.Contains(got, tt.want) {
			t.Errorf("in %d columns, %v:\n%s\nwant %q in it", tt.columns, tt.variables, got, tt.want)
		}
		if tt.variables != nil && strings.Contains(got, "\x1b") {
			t.Errorf("with %v: %q", tt.variables, got)
		}
		for line := range strings.Lines(got) {
			line = strings.NewReplacer("\n", "", "\x1b[1m", "", "\x1b[0m", "").Replace(line)
			if terminal.Width(line) > int(tt.columns) {
				t.Errorf("%q is wider than %d", line, tt.columns)
			}
		}
	}
}

// Each answer takes the place of the one before; who comes and goes is marked, and a
// failure is told, and passes.
func TestOnline_watch_at_a_terminal(t *testing.T) {
	at := admin(t, onlineUsers("ana"), onlineUsers("ana", "bob"), "503", onlineUsers("bob"))
	p := start(t, &pty.Winsize{Cols: 100, Rows: 10}, nil, "online", "--watch=100ms", "--admin", at)
	p.reads(strings.Repeat("\r\n", 9) + "\x1b[H\x1b[2K")
	p.sees(`, every 100ms$`)
	p.sees(`^\x1b\[2K\x1b\[1m   USER  SINCE`)
	p.sees(`^\x1b\[2K   ana   2026-11-23 10:00:00 .* 2  node-1 node-2$`)
	p.reads("\x1b[J")
	p.reads("\x1b[H\x1b[2K")
	p.sees(`^\x1b\[2K   ana   2026`)
	p.sees(`^\x1b\[2K\+  bob   2026`)
	p.sees(`every 100ms\. As of [0-9:]+: http://.* refused: 503`)
	p.sees(`^\x1b\[2K\+  bob   2026`) // what was seen last stays
	p.sees(`, every 100ms$`)
	p.sees(`^\x1b\[2K-  ana   2026`)
	p.sees(`^\x1b\[2K   bob   2026`)
	p.press("\x03")
	p.leaves(130)
}

// A terminal that cannot move its cursor has one table after the other.
func TestNodes_watch_at_a_dumb_terminal(t *testing.T) {
	at := admin(t, `{"nodes":[]}`)
	p := start(t, &pty.Winsize{Cols: 100, Rows: 10}, []string{"TERM=dumb"}, "nodes", "-w=100ms", "--admin", at)
	for range 2 {
		p.sees(`^[0-9-]+ [0-9:]+ UTC, every 100ms$`)
		p.sees(`^no nodes$`)
		p.sees(`^$`)
	}
	p.press("\x03")
	p.leaves(130)
}

// The head of the log's table comes again with each screenful.
func TestEvents_follow_at_a_terminal(t *testing.T) {
	const e = `{"_id":"n1/00000001/000000000000000%d","type":"connected","at":"2026-11-23T10:00:0%dZ","user":"ana","v":1}` + "\n"
	at := admin(t, `{"cursor":"zero"}`+"\n"+fmt.Sprintf(e+e, 1, 1, 2, 2)+`{"cursor":"two"}`+"\n"+fmt.Sprintf(e, 3, 3),
		fmt.Sprintf(`{"cursor":"two"}`+"\n"+e+e, 3, 3, 4, 4), "503")
	p := start(t, &pty.Winsize{Cols: 60, Rows: 5}, nil, "events", "--follow", "--admin", at)
	const head = `^\x1b\[1mAT +EVENT +USER +WHAT\x1b\[0m$`
	p.sees(head)
	for range 3 {
		p.sees(`^.{11} +connected +ana +-$`)
	}
	p.sees(`^clientctl: .* has ended the stream; trying again until it is back$`)
	p.sees(`^clientctl: it is back, and the log goes on where it stopped$`)
	p.sees(head)
	p.sees(`^.{11} +connected +ana +-$`)
	p.sees(`trying again until it is back$`)
	p.press("\x03")
	p.sees(`go on with --after two$`)
	p.leaves(130)
}
