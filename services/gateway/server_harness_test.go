package gateway

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"
)

// host is a Handler whose sessions echo, unless told otherwise.
type host struct {
	upgrade func(*Request) *Refusal
	open    func(*guest)
	text    func(*guest, []byte)

	mu     sync.Mutex
	guests []*guest
}

// guest is a Session that remembers what happened to it.
type guest struct {
	host   *host
	conn   Conn
	user   string      // the request's target
	closed chan Reason // room for two: a second one is a fault
}

func (h *host) Upgrade(r *Request) (Session, *Refusal) {
	if h.upgrade != nil {
		if refusal := h.upgrade(r); refusal != nil {
			return nil, refusal
		}
	}
	g := &guest{host: h, user: string(r.Target), closed: make(chan Reason, 2)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.guests = append(h.guests, g)
	return g, nil
}

func (g *guest) Open(c Conn) {
	g.host.mu.Lock() // tests that look from outside find it through all
	g.conn = c
	g.host.mu.Unlock()
	if g.host.open != nil {
		g.host.open(g)
	}
}

func (g *guest) Text(p []byte) {
	if g.host.text != nil {
		g.host.text(g, p)
		return
	}
	g.conn.Send(p)
}

func (g *guest) Closed(r Reason) { g.closed <- r }

// all returns the sessions so far.
func (h *host) all() []*guest {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]*guest(nil), h.guests...)
}

// wantClosed waits for the end of the i-th session.
func (h *host) wantClosed(t testing.TB, i int, want Reason) {
	t.Helper()
	eventually(t, "the session exists", func() bool { return len(h.all()) > i })
	g := h.all()[i]
	eventually(t, "the session is closed", func() bool { return len(g.closed) > 0 })
	if got := <-g.closed; got != want {
		t.Errorf("session %d closed for reason %d, want %d", i, got, want)
	}
	g.closed <- want // for the check at the end
}

// openFiles counts the process's descriptors, where the system shows them.
func openFiles(t testing.TB) int {
	if runtime.GOOS != "linux" {
		return 0
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// bind listens on a free port.
func bind(t testing.TB, cfg Config) *server {
	t.Helper()
	s, err := Listen([]string{"127.0.0.1:0"}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*server)
}

// start serves until the test ends, and then checks that nothing is left: no
// descriptor, goroutine, count, and no session without exactly one Closed.
func start(t testing.TB, h *host, cfg Config) *server {
	t.Helper()
	before, goroutines := openFiles(t), goleak.IgnoreCurrent()
	if cfg.Handler == nil {
		cfg.Handler = h
	}
	s := bind(t, cfg)
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		for i, g := range h.all() {
			if n := len(g.closed); n != 1 {
				t.Errorf("session %d was closed %d times", i, n)
			}
		}
		if got := s.Stats(); got.Connections+got.Handshakes != 0 || got.Outbound != 0 || s.sockets.Load() != 0 || s.http.open.Load() != 0 {
			t.Errorf("at the end %+v, %d sockets, %d handed over", got, s.sockets.Load(), s.http.open.Load())
		}
		for i, l := range s.loops {
			if l.load.Load() != 0 {
				t.Errorf("loop %d has a load of %d at the end", i, l.load.Load())
			}
		}
		eventually(t, "all descriptors are closed", func() bool { return openFiles(t) <= before })
		if err := goleak.Find(goroutines); err != nil {
			t.Error(err)
		}
	})
	return s
}

// client is the other end, in raw bytes.
type client struct {
	net.Conn
	t  testing.TB
	in *bufio.Reader
}

func dial(t testing.TB, s Server) *client {
	t.Helper()
	return dialWith(t, s, net.Dialer{})
}

func dialWith(t testing.TB, s Server, d net.Dialer) *client {
	t.Helper()
	c := dialTo(t, s.Addrs()[0], d)
	if s, ok := s.(*server); ok && s.secure() {
		c.Conn = tls.Client(c.Conn, trusting(t))
		c.in.Reset(c.Conn)
	}
	return c
}

func dialTo(t testing.TB, addr netip.AddrPort, d net.Dialer) *client {
	t.Helper()
	d.Timeout = patient
	conn, err := d.DialContext(context.Background(), "tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patient))
	t.Cleanup(func() { _ = conn.Close() })
	return &client{Conn: conn, t: t, in: bufio.NewReader(conn)}
}

// connect dials and upgrades.
func connect(t testing.TB, s Server) *client {
	t.Helper()
	c := dial(t, s)
	c.send([]byte(upgradeRequest("/")))
	c.wantUpgraded()
	return c
}

func (c *client) send(p []byte) {
	c.t.Helper()
	if _, err := c.Write(p); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// head reads a response's header.
func (c *client) head() string {
	c.t.Helper()
	var b strings.Builder
	for !strings.HasSuffix(b.String(), "\r\n\r\n") {
		ch, err := c.in.ReadByte()
		if err != nil {
			c.t.Fatalf("after %q: %v", b.String(), err)
		}
		b.WriteByte(ch)
	}
	return b.String()
}

func (c *client) wantUpgraded() {
	c.t.Helper()
	head := c.head()
	// The accept value is RFC 6455's own example, section 1.3.
	if !strings.HasPrefix(head, "HTTP/1.1 101 ") || !strings.Contains(head, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") {
		c.t.Fatalf("not upgraded: %q", head)
	}
}

// frame reads one frame, as a client must find it: not masked, not fragmented.
func (c *client) frame() (ws.OpCode, []byte, error) {
	h, err := ws.ReadHeader(c.in)
	if err != nil {
		return 0, nil, err
	}
	if err := ws.CheckHeader(h, ws.StateClientSide); err != nil || !h.Fin {
		return 0, nil, fmt.Errorf("header %+v: %w", h, err)
	}
	p := make([]byte, h.Length)
	_, err = io.ReadFull(c.in, p)
	return h.OpCode, p, err
}

func (c *client) want(op ws.OpCode, payload string) {
	c.t.Helper()
	got, p, err := c.frame()
	if err != nil || got != op || string(p) != payload {
		c.t.Fatalf("got opcode %d %.80q, %v; want opcode %d %.80q", got, p, err, op, payload)
	}
}

func (c *client) wantText(payload string) {
	c.t.Helper()
	c.want(ws.OpText, payload)
}

// wantClose reads up to a close frame with the code; only texts and pings may come before.
func (c *client) wantClose(code ws.StatusCode) {
	c.t.Helper()
	for {
		op, p, err := c.frame()
		if err != nil {
			c.t.Fatalf("waiting for a close frame: %v", err)
		}
		if op != ws.OpClose {
			continue
		}
		if len(p) < 2 || ws.StatusCode(binary.BigEndian.Uint16(p)) != code {
			c.t.Fatalf("close frame with % x, want code %d", p, code)
		}
		return
	}
}

// wantEnd checks that nothing but the end of the connection follows.
func (c *client) wantEnd() {
	c.t.Helper()
	rest, err := io.ReadAll(c.in)
	if err != nil || len(rest) > 0 {
		c.t.Fatalf("%q and %v, want the end", rest, err)
	}
}

// wantCut checks that nothing follows but the end of a connection that the server did
// not say farewell to: with TLS that is no proper end.
func (c *client) wantCut() {
	c.t.Helper()
	if _, secure := c.Conn.(*tls.Conn); secure {
		c.wantGone()
		return
	}
	c.wantEnd()
}

// wantGone checks that nothing but the end of the connection follows, in any way.
func (c *client) wantGone() {
	c.t.Helper()
	rest, err := io.ReadAll(c.in)
	var timeout net.Error
	if len(bytes.TrimSpace(rest)) > 0 || errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatalf("%q and %v, want the end", rest, err)
	}
}

// leave closes the way RFC 6455 wants it.
func (c *client) leave() {
	c.t.Helper()
	c.send(goodbye(1000, ""))
	c.wantClose(1000)
	c.wantEnd()
	_ = c.Close()
}
