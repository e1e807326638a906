package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
)

// What the README says to type works with the server that it says to start.
func TestClientctl(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "clientctl")
	if out, err := exec.Command("go", "build", "-o", binary, "../../clientctl").CombinedOutput(); err != nil {
		t.Fatalf("build clientctl: %v\n%s", err, out)
	}
	onEveryStore(t, func(t *testing.T, b backend) { typeAll(t, binary, start(t, b)) })
}

// What the README says to type to show who one is works, with the secret of the server.
func TestClientctl_Token(t *testing.T) {
	dir := t.TempDir()
	binary, secret, token := filepath.Join(dir, "clientctl"), filepath.Join(dir, "secret"), filepath.Join(dir, "ana.token")
	if out, err := exec.Command("go", "build", "-o", binary, "../../clientctl").CombinedOutput(); err != nil {
		t.Fatalf("build clientctl: %v\n%s", err, out)
	}
	if err := os.WriteFile(secret, []byte(authSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tg := startJWT(t, embeddedBackend(t))
	run := func(variable string, args ...string) (out, errs string, code int) {
		cmd := exec.Command(binary, args...)
		cmd.Env = append(os.Environ(), "USER=root", "TOKEN=", variable)
		var o, e bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("42\n"), &o, &e
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return o.String(), e.String(), cmd.ProcessState.ExitCode()
	}
	made, errs, code := run("", "token", "--user", "ana", "--ttl", "1h", "--secret-file", secret)
	if code != 0 {
		t.Fatalf("token: %d: %s", code, errs)
	}
	if err := os.WriteFile(token, []byte(made), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := run("TOKEN_FILE="+token, "connect", "--ws", tg.ws, "-o", "text"); code != 0 || !strings.Contains(out, "267914296") {
		t.Errorf("connect: %d: %s%s", code, out, errs)
	}
	if out, errs, code := run("TOKEN="+strings.TrimSpace(made), "fibonacci", "90", "--ws", tg.ws); code != 0 || out != "2880067194370816120\n" {
		t.Errorf("fibonacci: %d: %s%s", code, out, errs)
	}
	if _, errs, code := run("", "fibonacci", "90", "--user", "ana", "--ws", tg.ws); code != 4 || !strings.Contains(errs, "TOKEN_FILE") {
		t.Errorf("without a token: %d: %s", code, errs)
	}
	if _, errs, code := run("TOKEN_FILE="+token, "fibonacci", "90", "--user", "bob", "--ws", tg.ws); code != 4 || !strings.Contains(errs, "another user") {
		t.Errorf("as bob: %d: %s", code, errs)
	}
}

// typeAll types each of the commands, and looks for a part of the answer.
func typeAll(t *testing.T, binary string, tg *target) {
	dial(t, tg, "here")
	for name, tt := range map[string]struct {
		args  string
		stdin string
		want  string
	}{
		"connect":        {"connect --user ana -o text --ws " + tg.ws, "42\n", "267914296"},
		"fibonacci":      {"fibonacci 90 --user ana --ws " + tg.ws, "", "2880067194370816120\n"},
		"sequence":       {"sequence 7 --user ana --ws " + tg.ws, "", "0\n1\n1\n2\n3\n5\n8\n"},
		"online":         {"online --admin " + tg.admin, "", "here"},
		"online at":      {"online --at -0s --admin " + tg.admin, "", "here"},
		"history":        {"history here --admin " + tg.admin, "", "online"},
		"last-seen":      {"last-seen nobody here --admin " + tg.admin, "", "never seen"},
		"events":         {"events --admin " + tg.admin, "", "connected     here"},
		"nodes":          {"nodes --admin " + tg.admin, "", "n1"},
		"online USER":    {"online here --admin " + tg.admin, "", "127.0.0.0"},
		"stats":          {"stats --users --admin " + tg.admin, "", "uptimeSeconds"},
		"verify":         {"verify --admin " + tg.admin, "", "all holds"},
		"kick":           {"kick nobody --admin " + tg.admin, "", "nobody is not online"},
		"online as JSON": {"online -o json --user here --admin " + tg.admin, "", `"user":"here"`},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(binary, strings.Fields(tt.args)...)
			cmd.Stdin = strings.NewReader(tt.stdin)
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v\n%s", err, errs.String())
			}
			if !strings.Contains(out.String(), tt.want) {
				t.Errorf("printed %q, want %q", out.String(), tt.want)
			}
		})
	}
	t.Run("events that follow", func(t *testing.T) { follow(t, binary, tg) })
	if got := tg.online(t); len(got) != 1 {
		eventually(t, "only who is here is online", func() bool { return len(tg.online(t)) == 1 })
	}
}

// clientctl load puts a real server under load, and says what that did.
func TestClientctl_Load(t *testing.T) {
	dir := t.TempDir()
	binary, secret := filepath.Join(dir, "clientctl"), filepath.Join(dir, "secret")
	if out, err := exec.Command("go", "build", "-o", binary, "../../clientctl").CombinedOutput(); err != nil {
		t.Fatalf("build clientctl: %v\n%s", err, out)
	}
	if err := os.WriteFile(secret, []byte(authSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		server, args string
		code         exitCode
		want         []string // of the report
	}{
		"all well": {"", "--fib 40/s --max-errors 0 --max-p99 1m", exitOK, []string{
			`"asked": 40`, `"upgraded": 40`, `"welcomed": 40`, `"failed": 0`, `"lost": 0`, `"early": 0`, `"connect": {}`,
		}},
		"too many commands":                         {"--command-rate 1", "--user u --fib 400/s --max-errors 0 -n 1", 1, []string{`"rate_limited": {`}},
		"a number that the server does not compute": {"--fib-max 50", "--fib 40/s", 1, []string{`"out_of_range": {`}},
		"one too many for a user":                   {"--max-conns-per-user 3", "--user u", 1, []string{`"closed_4504": {`, `"welcomed": 3`, `"failed": 37`}},
		"too many for a user, as it should be":      {"--max-conns-per-user 3", "--user u --max-errors 37", exitOK, []string{`"failed": 37`}},
		"without a token":                           {"--auth jwt --auth-secret " + authSecret, "", 4, []string{`"http_401": {`, `"welcomed": 0`}},
		"with a token for each":                     {"--auth jwt --auth-secret " + authSecret, "--max-errors 0 --secret-file " + secret, exitOK, []string{`"welcomed": 40`}},
	} {
		t.Run(name, func(t *testing.T) {
			tg := start(t, embeddedBackend(t), strings.Fields(tt.server)...)
			args := "load -n 40 --rate 400 --duration 1100ms -o json --ws " + tg.ws + " " + tt.args
			cmd := exec.Command(binary, strings.Fields(args)...)
			cmd.Env = append(os.Environ(), "TOKEN=", "TOKEN_FILE=")
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
				t.Fatal(err)
			}
			if code := exitCode(cmd.ProcessState.ExitCode()); code != tt.code {
				t.Errorf("exit code %d, want %d: %s%s", code, tt.code, out.String(), errs.String())
			}
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("the report lacks %s: %s", want, out.String())
				}
			}
			eventually(t, "nobody is left online", func() bool { return len(tg.online(t)) == 0 })
		})
	}
}

// follow has clientctl follow the log, as JSON, while somebody comes and goes. Interrupted,
// it says from where to go on.
func follow(t *testing.T, binary string, tg *target) {
	cmd := exec.Command(binary, "events", "--follow", "-o", "json", "--admin", tg.admin)
	var errs logged
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan events.Event)
	go func() {
		defer close(lines)
		for d := json.NewDecoder(out); ; {
			var e events.Event
			if err := d.Decode(&e); err != nil {
				return // the end, or what is no event: too few have come
			}
			lines <- e
		}
	}()
	// It follows from when it has asked on, so somebody comes until one is seen. With the
	// second the first page is through, and with it the cursor after it.
	var seen events.Event
	for user := range strings.FieldsSeq("first second") {
		eventually(t, "a newcomer is seen", func() bool {
			_ = dial(t, tg, user).conn.Close()
			for {
				select {
				case e, more := <-lines:
					if !more {
						t.Fatalf("it ended by itself: %s", errs.String())
					}
					if seen.ID.Seq != 0 && e.ID != seen.ID.Next() {
						t.Errorf("%s follows %s", e.ID, seen.ID)
					}
					if seen = e; e.User == user {
						return true
					}
				case <-time.After(100 * time.Millisecond):
					return false
				}
			}
		})
	}
	_ = cmd.Process.Signal(os.Interrupt)
	for e := range lines {
		if e.ID != seen.ID.Next() {
			t.Errorf("%s follows %s", e.ID, seen.ID)
		}
		seen = e
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Errorf("it ends with %v", err)
	}
	if want := "go on with --after n1/00000001/"; !strings.Contains(errs.String(), want) {
		t.Errorf("it says %q, want %q", errs.String(), want)
	}
}

// presenced health says whether a server is ready, for the container's health check.
func TestHealth(t *testing.T) {
	tg := start(t, embeddedBackend(t))
	addr := strings.TrimPrefix(tg.admin, "http://")
	var out, errs logged
	env := environment{args: []string{"health", "--admin-addr", addr}, lookup: noVariables, stdout: &out, stderr: &errs}
	if code := run(t.Context(), env); code != exitOK || out.String() != "ready\n" {
		t.Errorf("exit code %d: %s%s", code, out.String(), errs.String())
	}
	tg.stop()
	if code := run(t.Context(), env); code != exitFailed {
		t.Errorf("exit code %d with no server", code)
	}
}

// presenced verify exits with 0 when all holds and with 1 when something differs.
func TestVerifyCommand(t *testing.T) {
	b := embeddedBackend(t)
	tg := start(t, b)
	dial(t, tg, "ana")
	locked, _ := fails(t, append([]string{"verify"}, b.flags...)...)
	if locked != exitStore {
		t.Errorf("exit code %d while the server has the file", locked)
	}
	tg.stop()
	if code, text := fails(t, append([]string{"verify"}, b.flags...)...); code != exitOK {
		t.Errorf("exit code %d: %s", code, text)
	}
	addGhost(t, b)
	if code, text := fails(t, append([]string{"verify"}, b.flags...)...); code != exitFailed || !strings.Contains(text, "do not hold") {
		t.Errorf("exit code %d with a ghost: %s", code, text)
	}
	if code, text := fails(t, "verify", "--data-dir", t.TempDir()); code != exitStore || !strings.Contains(text, "presence.db") {
		t.Errorf("exit code %d with no database: %s", code, text)
	}
	if code, text := fails(t, append([]string{"verify", "-o", "xml"}, b.flags...)...); code != exitUsage || !strings.Contains(text, "xml") {
		t.Errorf("exit code %d with no such format: %s", code, text)
	}
}

// A store that goes away in the middle of a verify is not one that differs.
func TestWithin_StoreGoesAway(t *testing.T) {
	closed := 0
	open := func(context.Context, *zap.Logger) (opened, error) {
		return opened{close: func(context.Context) error { closed++; return nil }}, nil
	}
	for want, err := range map[exitCode]error{
		exitStore:  fmt.Errorf("read: %w", events.ErrUnavailable),
		exitFailed: errDiffers,
		exitOK:     nil,
	} {
		got := within(t.Context(), open, zap.NewNop(), func(opened) error { return err })
		if codeOf(got) != want || !errors.Is(got, err) {
			t.Errorf("%v: exit code %d (%v), want %d", err, codeOf(got), got, want)
		}
	}
	if closed != 3 {
		t.Errorf("closed %d times", closed)
	}
}

// presenced verify --repair removes a ghost and says so, once; on no database it makes
// none.
func TestVerifyCommand_Repair(t *testing.T) {
	b := embeddedBackend(t)
	start(t, b).stop()
	addGhost(t, b)
	const id = "n1/00000001/0000000000000001"
	for i, want := range []string{
		`"holds":true,"streams":1,"events":2,"open":0,"problems":[],"repaired":[{"kind":"ghost","stream":"n1/00000001","id":"` + id + `"`,
		`"holds":true,"streams":1,"events":2,"open":0,"problems":[],"repaired":[]`,
	} {
		var out, errs logged
		env := environment{
			args:   append([]string{"verify", "--repair", "-o", "json"}, b.flags...),
			lookup: noVariables, stdout: &out, stderr: &errs,
		}
		if code := run(t.Context(), env); code != exitOK || !strings.Contains(out.String(), want) {
			t.Errorf("run %d: exit code %d: %s%s\nwant %s", i, code, out.String(), errs.String(), want)
		}
	}
	empty := t.TempDir()
	if code, text := fails(t, "verify", "--repair", "--data-dir", empty); code != exitStore || !strings.Contains(text, "presence.db") {
		t.Errorf("exit code %d with no database: %s", code, text)
	}
	if made, err := os.ReadDir(empty); err != nil || len(made) > 0 {
		t.Errorf("verify has made %v (%v)", made, err)
	}
}
