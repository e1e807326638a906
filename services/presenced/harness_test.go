package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/spf13/pflag"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/boltstore"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

// asPresenced makes the test binary be presenced: for tests that kill it.
const asPresenced = "PRESENCED_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asPresenced) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for something that must happen. It is long, since
// the machine may be busy; nothing is measured by it.
const patience = 60 * time.Second

// target is a running presenced.
type target struct {
	ws, admin string   // addresses
	said      []string // what it wrote before it served
	stop      func() exitCode
	log       *logged     // of one that start ran
	tls       *tls.Config // of its clients; nil: no TLS
}

// backend is the store that a presenced of a test uses: its flags.
type backend struct {
	name  string
	flags []string
}

func embeddedBackend(t *testing.T) backend {
	return backend{storeEmbedded, []string{"--store", storeEmbedded, "--data-dir", t.TempDir()}}
}

// flags are those of every presenced of a test: free ports, a node id.
func (b backend) args(more ...string) []string {
	args := append([]string{"--ws-port", "0", "--admin-addr", "127.0.0.1:0", "--node-id", "n1"}, b.flags...)
	return append(args, more...)
}

// open opens the store, to look at it.
func (b backend) open(t *testing.T) opened {
	t.Helper()
	cfg, fs := defaultConfig(), pflag.NewFlagSet("", pflag.ContinueOnError)
	cfg.storeFlags(fs)
	if err := fs.Parse(b.flags); err != nil {
		t.Fatal(err)
	}
	if err := cfg.validateStore(); err != nil {
		t.Fatal(err)
	}
	store, err := cfg.openStoreToRead(t.Context(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.close(context.Background()) })
	return store
}

// start runs presenced in this process.
func start(t *testing.T, b backend, more ...string) *target {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	var log logged
	ended := make(chan exitCode, 1)
	go func() {
		ended <- run(ctx, environment{args: b.args(more...), lookup: noVariables, stdout: in, stderr: &log})
		_ = in.Close()
	}()
	stop := sync.OnceValue(func() exitCode {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("the server's log:\n%s", log.String())
		}
	})
	tg := newTarget(t, out, stop)
	tg.log = &log
	return tg
}

// child runs presenced as a process of its own.
func child(t *testing.T, b backend, more ...string) (*target, *exec.Cmd) {
	t.Helper()
	cmd := exec.Command(os.Args[0], b.args(more...)...)
	cmd.Env = append(os.Environ(), asPresenced+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	wait := sync.OnceValue(func() exitCode {
		var ended *exec.ExitError
		if err := cmd.Wait(); errors.As(err, &ended) {
			return exitCode(ended.ExitCode())
		}
		return exitOK
	})
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		wait()
	})
	return newTarget(t, out, func() exitCode {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		return wait()
	}), cmd
}

// newTarget reads what a presenced says until it serves, and lets it go on talking.
func newTarget(t *testing.T, out io.Reader, stop func() exitCode) *target {
	t.Helper()
	tg := &target{stop: stop}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		tg.said = append(tg.said, line)
		switch word, rest, _ := strings.Cut(line, " "); word {
		case "clients":
			tg.ws = strings.TrimSpace(rest)
		case "admin":
			tg.admin = strings.TrimSpace(rest)
		case "Stop":
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return tg
		}
	}
	t.Fatalf("presenced ended with %d after saying %q", stop(), tg.said)
	return nil
}

// get asks the operator's API.
func (tg *target) get(t *testing.T, path string, answer any) {
	t.Helper()
	resp, err := http.Get(tg.admin + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", path, resp.StatusCode, err)
	}
}

// online asks the operator's API who is online: connections by user.
func (tg *target) online(t *testing.T) map[string]int {
	t.Helper()
	var page struct {
		Users []struct {
			User        string
			Connections int
		}
	}
	tg.get(t, "/online?limit=1000", &page)
	users := make(map[string]int)
	for _, u := range page.Users {
		users[u.User] = u.Connections
	}
	return users
}

// client is a WebSocket client of a test.
type client struct {
	conn     io.ReadWriteCloser
	welcome  protocol.Message
	messages chan protocol.Message // those after the welcome, without the time
	times    chan protocol.Message // of type time; the latest of them
	closed   chan ws.StatusCode    // the server's close code; 0: it sent none
}

// dial connects a user and waits for the welcome.
func dial(t *testing.T, tg *target, user string) *client {
	t.Helper()
	c, welcome := dialWith(t, ws.Dialer{TLSConfig: tg.tls}, tg.ws+"/ws?user="+url.QueryEscape(user))
	c.welcome = receive(t, welcome, "the welcome of "+user)
	return c
}

// dialWith connects and returns where the welcome will come.
func dialWith(t *testing.T, d ws.Dialer, address string) (*client, <-chan protocol.Message) {
	t.Helper()
	conn, buffered, _, err := d.Dial(t.Context(), address)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	c := &client{
		conn:     conn,
		messages: make(chan protocol.Message, 256), // more than any test asks for
		times:    make(chan protocol.Message, 1),
		closed:   make(chan ws.StatusCode, 1),
	}
	welcome := make(chan protocol.Message, 1)
	var in io.Reader = conn
	if buffered != nil {
		in = buffered
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.read(in, welcome)
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return c, welcome
}

// readFrame reads one frame, of at most 1 MiB: no reply is longer.
func readFrame(in io.Reader) (f ws.Frame, err error) {
	if f.Header, err = ws.ReadHeader(in); err != nil {
		return f, err
	}
	if f.Header.Length > 1<<20 {
		return f, fmt.Errorf("a frame of %d bytes", f.Header.Length)
	}
	f.Payload = make([]byte, f.Header.Length)
	_, err = io.ReadFull(in, f.Payload)
	return f, err
}

// read reads frames, not messages: the server fragments nothing, and the helpers of
// wsutil take 1012 for a code that does not exist. At the end it closes the socket, which
// the server waits for.
func (c *client) read(in io.Reader, welcome chan<- protocol.Message) {
	defer c.conn.Close()
	for {
		f, err := readFrame(in)
		switch {
		case err != nil:
			c.closed <- 0
			return
		case f.Header.OpCode == ws.OpClose:
			code, _ := ws.ParseCloseFrameData(f.Payload)
			_ = ws.WriteFrame(c.conn, ws.MaskFrame(ws.NewCloseFrame(f.Payload)))
			c.closed <- code
			return
		case f.Header.OpCode == ws.OpPing:
			_ = ws.WriteFrame(c.conn, ws.MaskFrame(ws.NewPongFrame(f.Payload)))
		default:
			c.take(f.Payload, welcome)
		}
	}
}

func (c *client) take(payload []byte, welcome chan<- protocol.Message) {
	m, err := protocol.Decode(payload)
	switch {
	case err != nil:
		panic(fmt.Sprintf("a message that no client understands: %q: %v", payload, err))
	case m.Type == protocol.TypeWelcome:
		welcome <- m
	case m.Type == protocol.TypeTime:
		select {
		case <-c.times:
		default:
		}
		c.times <- m
	default:
		c.messages <- m
	}
}

func (c *client) say(t *testing.T, text string) {
	t.Helper()
	if err := wsutil.WriteClientText(c.conn, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// ask sends a message and returns the next answer.
func (c *client) ask(t *testing.T, text string) protocol.Message {
	t.Helper()
	c.say(t, text)
	return receive(t, c.messages, "the answer to "+text)
}

func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// verified runs presence.Verify on a backend that nobody has open, or that many may.
func verified(t *testing.T, b backend) presence.Report {
	t.Helper()
	store := b.open(t).Store
	r := insist(t, func() (presence.Report, error) { return presence.Verify(t.Context(), store) })
	for _, p := range r.Problems {
		t.Errorf("%s %s: %s", p.Kind, p.Stream, p.Detail)
	}
	return r
}

// insist reads something from a store that may be too busy to answer in time.
func insist[T any](t *testing.T, read func() (T, error)) (answer T) {
	t.Helper()
	eventually(t, "the store answers", func() bool {
		var err error
		answer, err = read()
		if err != nil && !errors.Is(err, events.ErrUnavailable) {
			t.Fatal(err)
		}
		return err == nil
	})
	return answer
}

// logged is a log that is read when the test has failed.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func noVariables(string) (string, bool) { return "", false }

// addGhost adds a connection to the embedded store's online that the log has not.
func addGhost(t *testing.T, b backend) {
	t.Helper()
	db, err := boltstore.Open(b.flags[len(b.flags)-1])
	if err != nil {
		t.Fatal(err)
	}
	ghost := presence.Connection{
		ID: events.Stream{Node: "n1", Epoch: 1}.At(1), User: "ghost", Since: events.Milliseconds(time.Now()),
	}
	if err := db.Store().Online.Apply(t.Context(), []presence.Connection{ghost}, nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
