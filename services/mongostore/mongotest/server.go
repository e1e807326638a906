package mongotest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// URI is the address of a MongoDB that this test process may use: that of MONGODB_URI
// if it is set, else that of a FerretDB which ends with the process.
func URI(t testing.TB) string {
	t.Helper()
	if uri := os.Getenv("MONGODB_URI"); uri != "" {
		return uri
	}
	s, err := shared()
	if err != nil {
		unavailable(t, "no MONGODB_URI, and no FerretDB: %v", err)
	}
	return s.URI
}

// shared starts the server of this process, the first time. Its stdin is a pipe that
// is closed when this process ends, however it ends, and then the server removes its
// data and ends too. The Server is kept, or the pipe would be closed once it is garbage.
var shared = sync.OnceValues(func() (*Server, error) { return start() })

// Server is a FerretDB of a test's own, which it may kill and start again.
type Server struct {
	URI string

	dir   string
	cmd   *exec.Cmd
	stdin io.Closer
}

// Start starts a server that ends with the test. It is for tests that kill it; all
// others share the one of URI.
func Start(t testing.TB) *Server {
	t.Helper()
	dir := t.TempDir()
	s, err := start(dir)
	if err != nil {
		unavailable(t, "no FerretDB: %v", err)
	}
	s.dir = dir
	t.Cleanup(s.Kill)
	return s
}

// Kill ends the server at once. It may be called again.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // it may have ended
	_ = s.cmd.Wait()
	_ = s.stdin.Close()
}

// Restart starts a killed server again, on the same data and at the same address.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	addr := strings.Trim(strings.TrimPrefix(s.URI, "mongodb://"), "/")
	again, err := start(s.dir, addr)
	if err != nil {
		t.Fatalf("start FerretDB again at %s: %v", addr, err)
	}
	again.dir = s.dir
	*s = *again
}

// startTimeout is how long a server may take to say its address. It does so in tenths
// of a second on an idle machine.
const startTimeout = 60 * time.Second

func start(args ...string) (*Server, error) {
	binary, err := build()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, args...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &Server{cmd: cmd, stdin: stdin}
	if s.URI, err = firstLine(stdout); err != nil {
		s.Kill()
		return nil, err
	}
	return s, nil
}

// firstLine waits for a line, at most startTimeout. After that, whoever owns r ends the
// read by ending the process at its other end.
func firstLine(r io.Reader) (string, error) {
	line := make(chan string, 1) // one line is sent
	go func() {
		text, _ := bufio.NewReader(r).ReadString('\n') // without one, the text is empty
		line <- strings.TrimSpace(text)
	}()
	select {
	case text := <-line:
		if text == "" {
			return "", errors.New("it ended without saying its address")
		}
		return text, nil
	case <-time.After(startTimeout):
		return "", fmt.Errorf("no address after %s", startTimeout)
	}
}

// build compiles the server into the user's cache, if it is not there in this version,
// and returns its path. It takes a minute or two the first time on a machine.
func build() (string, error) {
	module, err := moduleDir()
	if err != nil {
		return "", err
	}
	version, err := fingerprint(filepath.Join(module, "main.go"), filepath.Join(module, "go.mod"), filepath.Join(module, "go.sum"))
	if err != nil {
		return "", err
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	binary := filepath.Join(cache, "ferretdb-"+version)
	return binary, once(binary, func() error { return compile(module, binary) })
}

func compile(module, binary string) error {
	unfinished := fmt.Sprintf("%s.%d", binary, os.Getpid())
	defer func() { _ = os.Remove(unfinished) }()
	cmd := exec.Command("go", "build", "-tags", "ferretdb_no_postgresql", "-o", unfinished, ".")
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build in %s: %w\n%s", module, err, out)
	}
	return os.Rename(unfinished, binary)
}

// moduleDir is where the server's source is: beside this file.
func moduleDir() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(filepath.Dir(file)), "ferretdb")
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); ok && err == nil {
		return dir, nil
	}
	// Compiled with -trimpath: ask the go command, in the module that the test is of.
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/presenced/presence/services/mongostore").Output()
	if err != nil {
		return "", fmt.Errorf("go list services/mongostore: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "ferretdb"), nil
}
