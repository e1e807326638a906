package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/presenced/presence/clientctl/scripted"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestScript runs the scripts of testdata. Beside the ordinary ones they have the
// command
//
//	exits CODE clientctl ARGUMENTS
//	interrupted WHEN clientctl ARGUMENTS
//
// which sends it SIGINT, and wants exit code 130: as soon as it has said a line that WHEN,
// a regular expression, matches; or, if that is "asked", as soon as it has asked for an
// answer that does not end.
//
// A file called "server" is the script of a WebSocket server (package scripted) at
// $WS, which must be played to its end. The files of a directory called "admin" are
// what a server at $ADMIN answers: admin/STATUS/N is its Nth answer, and admin/hang/N one
// that begins so and has no end.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		Setup:               setup,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": runExits, "interrupted": runInterrupted},
	})
}

// noExitSleep, as GORACE, spares each process under the race detector a second of sleep
// before it exits.
const noExitSleep = "atexit_sleep_ms=0"

func runExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENTS")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("the exit code is %d, want %d", got, want)
	}
}

func setup(env *testscript.Env) error {
	env.Setenv("USER", "")
	env.Setenv("WS", "")
	env.Setenv("TOKEN", "")
	env.Setenv("TOKEN_FILE", "")
	env.Setenv("ADMIN", "")
	env.Setenv("ADMIN_TOKEN", "")
	env.Setenv("TZ", "UTC")
	env.Setenv("GORACE", noExitSleep)
	if err := setupServer(env); err != nil {
		return err
	}
	return setupAdmin(env)
}

func setupServer(env *testscript.Env) error {
	script, err := os.ReadFile(filepath.Join(env.WorkDir, "server"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server, err := scripted.Start(l, string(script))
	if err != nil {
		return err
	}
	env.Setenv("WS", "ws://"+l.Addr().String())
	t := env.T()
	env.Defer(func() {
		if err := server.Stop(); err != nil {
			t.Fatal(fmt.Sprint("the server's script: ", err))
		}
	})
	return nil
}

func setupAdmin(env *testscript.Env) error {
	switch _, err := os.Stat(filepath.Join(env.WorkDir, "admin")); {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	asked := make(chan struct{}, 1) // that nobody waits for it is no reason to wait
	env.Values[askedFor{}] = asked
	admin := &http.Server{Handler: answers(filepath.Join(env.WorkDir, "admin"), asked)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		admin.Serve(l) // ends with Close
	}()
	env.Setenv("ADMIN", "http://"+l.Addr().String())
	env.Defer(func() {
		admin.Close()
		<-done
	})
	return nil
}

// answers answers the Nth request with the file STATUS/N of dir.
func answers(dir string, asked chan<- struct{}) http.HandlerFunc {
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		n++
		files, err := filepath.Glob(filepath.Join(dir, "*", strconv.Itoa(n)))
		if err != nil || len(files) != 1 {
			http.Error(w, fmt.Sprintf("no answer %d to %s", n, r.URL), http.StatusNotImplemented)
			return
		}
		body, err := os.ReadFile(files[0])
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotImplemented)
			return
		}
		name := filepath.Base(filepath.Dir(files[0]))
		if name == "hang" {
			hang(w, r, body, asked)
			return
		}
		status, err := strconv.Atoi(name)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotImplemented)
			return
		}
		w.WriteHeader(status)
		w.Write(body)
	}
}
