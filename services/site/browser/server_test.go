package browser

import (
	"bytes"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/presenced/presence/services/presenced/witness"
)

// server is a presenced with an embedded store of its own.
type server struct {
	*witness.Process
	witness.Book // of clients that are no browsers

	flags []string
	log   *output
}

// start starts a presenced, on ports that are free.
func start(t *testing.T, flags ...string) *server {
	t.Helper()
	if chromium == nil {
		t.Skip("there is no Chromium (or Chrome) on the PATH")
	}
	s := &server{log: new(output), flags: append([]string{
		"--ws-host", "127.0.0.1", "--ws-port", "0", "--admin-addr", "127.0.0.1:0", "--node-id", "n1",
		"--store", "embedded", "--data-dir", t.TempDir(), "--log-format", "json",
	}, flags...)}
	s.launch(t)
	t.Cleanup(func() {
		s.Kill()
		s.Close()
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.log)
		}
	})
	return s
}

func (s *server) launch(t *testing.T) {
	t.Helper()
	cmd := exec.Command(program, s.flags...)
	cmd.Stderr = s.log
	var err error
	if s.Process, err = witness.Start(cmd); err != nil {
		t.Fatalf("%v\n%s", err, s.log)
	}
}

// again starts a server that has ended once more, on the same port.
func (s *server) again(t *testing.T) {
	t.Helper()
	u, err := url.Parse(s.Clients)
	if err != nil {
		t.Fatal(err)
	}
	s.flags = append(s.flags, "--ws-port", u.Port())
	s.launch(t)
}

// page is the address of the public page.
func (s *server) page() string { return "http" + strings.TrimPrefix(s.Clients, "ws") + "/" }

// connect connects a user who is no browser.
func (s *server) connect(t *testing.T, user string) {
	t.Helper()
	if _, err := s.Dial(t.Context(), "n1", s.Clients, user); err != nil {
		t.Fatal(err)
	}
}

// output is what a process writes, read while it does.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
