package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// askedFor is the key of a script's channel that has something in it when an answer
// without an end has been asked for.
type askedFor struct{}

// hang answers, and goes on until the client is gone.
func hang(w http.ResponseWriter, r *http.Request, begun []byte, asked chan<- struct{}) {
	io.Copy(io.Discard, r.Body) // only then the end of the connection is noticed
	if len(begun) > 0 {
		w.Write(begun)
		_ = http.NewResponseController(w).Flush() // or the client is gone
	}
	select {
	case asked <- struct{}{}:
	default:
	}
	<-r.Context().Done()
}

// runInterrupted is the script command "interrupted".
func runInterrupted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: interrupted WHEN PROGRAM ARGUMENTS")
	}
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Dir = ts.Getenv("WORK")
	for _, name := range []string{"PATH", "HOME", "USER", "WS", "ADMIN", "TOKEN", "TZ", "GORACE", "GOCOVERDIR"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	out, in, err := os.Pipe()
	ts.Check(err)
	defer out.Close()
	cmd.Stdout, cmd.Stderr = in, in
	ts.Check(cmd.Start())
	in.Close() // it is the program's now
	watchdog := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer watchdog.Stop()
	var said bytes.Buffer
	lines := bufio.NewReader(io.TeeReader(out, &said))
	if args[0] == "asked" {
		select {
		case <-ts.Value(askedFor{}).(chan struct{}):
		case <-time.After(time.Minute):
		}
	} else {
		until(ts, lines, regexp.MustCompile(args[0]))
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	io.Copy(io.Discard, lines)
	_ = cmd.Wait() // the code says more
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		ts.Fatalf("the exit code is %d, want 130; it said %s", code, said.String())
	}
}

// until reads lines until one matches, or there are no more.
func until(ts *testscript.TestScript, lines *bufio.Reader, re *regexp.Regexp) {
	for {
		line, err := lines.ReadString('\n')
		if re.MatchString(strings.TrimRight(line, "\n")) {
			return
		}
		if err != nil {
			ts.Logf("no line matches %s", re)
			return
		}
	}
}
