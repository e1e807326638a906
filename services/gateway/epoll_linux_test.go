package gateway

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

func TestListen_several_addresses(t *testing.T) {
	before := openFiles(t)
	s, err := Listen([]string{"127.0.0.1:0", "127.0.0.2:0"}, Config{Handler: &host{}})
	if err != nil {
		t.Fatal(err)
	}
	if a := s.Addrs(); len(a) != 2 || a[0].Port() == 0 || a[1].Addr().String() != "127.0.0.2" {
		t.Errorf("addresses %v", a)
	}
	// Shut down before it served: Serve has nothing to do, and nothing is left.
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Serve(); err != nil {
		t.Error(err)
	}
	s.Broadcast([]byte("nobody"))
	if got := openFiles(t); got > before {
		t.Errorf("%d descriptors, %d before", got, before)
	}
}

func TestServer_serves_every_address(t *testing.T) {
	h := &host{}
	s, err := Listen([]string{"127.0.0.1:0", "127.0.0.2:0"}, Config{Handler: h})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	for i := range 2 {
		c := dialTo(t, s.Addrs()[i], net.Dialer{})
		c.send([]byte(upgradeRequest("/")))
		c.wantUpgraded()
		c.leave()
	}
	_ = s.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestListen_errors(t *testing.T) {
	s := start(t, &host{}, Config{})
	addr := s.Addrs()[0].String()
	_, err := Listen([]string{"127.0.0.1:0", addr}, Config{Handler: &host{}})
	if err == nil || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("address in use: %v", err)
	}
	for _, bad := range [][]string{nil, {"127.0.0.1"}, {"127.0.0.1:70000"}, {"192.0.2.1:0"}} {
		if _, err := Listen(bad, Config{Handler: &host{}}); err == nil {
			t.Errorf("listening on %q works", bad)
		}
	}
}

func TestConn_is_small(t *testing.T) {
	if got := unsafe.Sizeof(conn{}); got > 96 {
		t.Errorf("a connection at rest takes %d bytes", got)
	}
}

func TestServer_steady_state_does_not_allocate(t *testing.T) {
	s := start(t, &host{}, Config{Loops: 1})
	c := connect(t, s)
	ask := join(text("0123456789"), text("abc")[:5])
	rest := text("abc")[5:]
	reply := make([]byte, 12+5)
	echo := func() {
		for _, p := range [][]byte{ask, rest} {
			if _, err := c.Write(p); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := io.ReadFull(c.in, reply); err != nil {
			t.Fatal(err)
		}
	}
	if got := testing.AllocsPerRun(500, echo); got > 0 {
		t.Errorf("%v allocations for two echoes, one of them in two pieces", got)
	}
	tick := make([]byte, 12)
	frame := appendFrame(nil, opText, []byte("0123456789"))
	pushes, i := [2]*push{{frame: frame}, {frame: frame}}, 0
	if got := testing.AllocsPerRun(500, func() {
		// Broadcast compiles a frame; what each client costs must be nothing.
		s.latest.Store(pushes[i%2])
		i++
		s.loops[0].mail.wake()
		_, _ = io.ReadFull(c.in, tick)
	}); got > 0 {
		t.Errorf("%v allocations for a tick to a client", got)
	}
}

// bare returns a loop that does not run, and a connection of it whose other end is
// a file descriptor of the test.
func bare(t *testing.T, cfg Config) (l *loop, c *conn, peer int) {
	l = still(t, cfg)
	c, peer = l.pair(t, unix.SOCK_STREAM)
	return l, c, peer
}

// A process that was stopped for a while must not blame its clients: what they
// said meanwhile lies in their sockets.
func TestLoop_own_pause_is_no_silence(t *testing.T) {
	h := &host{}
	l, c, peer := bare(t, Config{Handler: h})
	say := func(p []byte) {
		if _, err := unix.Write(peer, p); err != nil {
			t.Fatal(err)
		}
	}
	say([]byte(upgradeRequest("/")))
	l.now += instant(l.cfg.HandshakeTimeout.Milliseconds())
	l.late(c)
	if c.state != open {
		t.Fatalf("a request that came in time is not answered: state %d", c.state)
	}
	l.now += instant(l.cfg.PingAfter.Milliseconds())
	l.judge(c)
	if c.state != asked {
		t.Fatalf("a silent client is not asked: state %d", c.state)
	}
	say(masked(true, ws.OpPong, ""))
	l.now += instant(l.cfg.PingTimeout.Milliseconds())
	l.judge(c)
	if c.state != open || c.heard != l.now {
		t.Fatalf("a client that answered is given up: state %d", c.state)
	}
	l.now += instant(l.cfg.PingAfter.Milliseconds())
	l.judge(c)
	l.now += instant(l.cfg.PingTimeout.Milliseconds())
	l.judge(c)
	if c.state != gone {
		t.Fatalf("a client that did not answer stays: state %d", c.state)
	}
	h.wantClosed(t, 0, ByTimeout)
}

// A loop that cannot wait for events any more ends the server, and every session.
func TestServer_Serve_fatal(t *testing.T) {
	h := &host{}
	s := bind(t, Config{Handler: h, Loops: 2})
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	for range 4 {
		connect(t, s)
	}
	set := s.loops[0].io.(*epoll).set
	if err := unix.Dup3(set.bell, set.epoll, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	s.loops[0].mail.wake() // the wait in progress returns, the next one fails
	if err := <-served; !errors.Is(err, unix.EINVAL) {
		t.Errorf("Serve: %v", err)
	}
	for i := range 4 {
		h.wantClosed(t, i, ByShutdown)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close afterwards: %v", err)
	}
}
