package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// start compares descriptors, goroutines, sessions and counts before and after each of
// these tests. held is what it cannot see: bytes of unfinished messages, which belong to
// the loops; it is asked when they have ended.
func (s *epollServer) held() (n int64) {
	for _, l := range s.loops {
		n += l.rules.held
	}
	return n
}

// wantNothingHeld ends the server, and checks that no bytes of messages are counted.
func wantNothingHeld(t *testing.T, s *epollServer) {
	t.Helper()
	_ = s.Close()
	<-s.done
	if n := s.held(); n != 0 {
		t.Errorf("%d bytes of unfinished messages are counted when all clients are gone", n)
	}
}

// Clients that are reset in the middle of a header, a frame, a fragmented message or a
// control frame leave nothing.
func TestHostile_reset_in_mid_frame(t *testing.T) {
	h := &host{}
	s := start(t, h, Config{Loops: 1})
	halves := [][]byte{
		text("x")[:1],
		text(repeat(5000))[:7],
		text(repeat(5000))[:3000],
		join(masked(false, ws.OpText, repeat(3000)), masked(false, ws.OpContinuation, repeat(300))),
		join(masked(false, ws.OpText, "x"), masked(true, ws.OpPing, "abc")[:7]),
	}
	const rounds = 100
	for i := range rounds {
		c := connect(t, s)
		c.send(halves[i%len(halves)])
		c.reset()
	}
	for i := range rounds {
		h.wantClosed(t, i, ByClient)
	}
	eventually(t, "all sockets are closed", func() bool { return s.sockets.Load() == 0 })
	wantNothingHeld(t, s)
}

// Unfinished messages of many clients are bounded in all; whose bytes are too many is
// told to try again later, and the others go on.
func TestHostile_slow_frames_are_bounded_in_all(t *testing.T) {
	const each, bound = 50_000, 1_000_000
	s := start(t, &host{}, Config{Loops: 1, MaxInboundTotal: bound})
	var slow []*client
	begun := join(masked(false, ws.OpText, repeat(each)), masked(true, ws.OpPing, "read?"))
	for range bound / each {
		c := connect(t, s)
		c.send(begun)
		c.want(ws.OpPong, "read?")
		slow = append(slow, c)
	}
	c := connect(t, s)
	c.send(begun)
	c.wantClose(codeTryLater)
	c.wantEnd()
	quick := connect(t, s)
	quick.send(text("whole messages need no room"))
	quick.wantText("whole messages need no room")
	for _, c := range slow {
		c.reset()
	}
	eventually(t, "all have left", func() bool { return s.Stats().Connections == 1 })
	wantNothingHeld(t, s)
}

// A flood of pings by a client that reads nothing costs at most its cap, and then its
// connection.
func TestHostile_ping_flood(t *testing.T) {
	const bound = 100_000
	h := &host{}
	s := start(t, h, Config{Loops: 1, SendBuffer: 4608, MaxOutbound: bound})
	c := narrow(t, s)
	ping := masked(true, ws.OpPing, repeat(125))
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		for { // one in a write: each read of the server may find a latest one
			if _, err := c.Write(ping); err != nil {
				return
			}
		}
	}()
	worst := int64(0)
	eventually(t, "the flood ends", func() bool {
		worst = max(worst, s.Stats().Outbound)
		return len(h.all()[0].closed) > 0
	})
	if worst > bound+1024 {
		t.Errorf("%d bytes of pongs waited, want at most %d", worst, bound)
	}
	h.wantClosed(t, 0, BySlow)
	_ = c.Close()
	<-flooded
}

// A client that stopped reading takes at most the stated bytes of the kernel, however
// many pushes come.
func TestHostile_stopped_reader_holds_few_bytes_in_the_kernel(t *testing.T) {
	const sendBuffer, pushes = 64 << 10, 5000
	fds := make(chan int, 2) // of both clients
	h := &host{open: func(g *guest) {
		if c, ok := g.conn.(*conn); ok {
			fds <- c.fd
		}
	}}
	s := start(t, h, Config{Loops: 1, SendBuffer: sendBuffer})
	c := narrow(t, s)
	fd := <-fds
	for name, o := range map[string]struct{ level, option, want int }{
		"TCP_NODELAY":       {unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		"TCP_NOTSENT_LOWAT": {unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSentLowat},
		"TCP_USER_TIMEOUT":  {unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds())},
		"SO_SNDBUF":         {unix.SOL_SOCKET, unix.SO_SNDBUF, 2 * sendBuffer}, // the kernel doubles it for its own needs
	} {
		if got, err := unix.GetsockoptInt(fd, o.level, o.option); err != nil || got != o.want {
			t.Errorf("%s of an accepted socket is %d, %v; want %d", name, got, err, o.want)
		}
	}
	quick := connect(t, s) // sees each push, so that none of them takes another's place
	tick := repeat(70)
	for range pushes {
		s.Broadcast([]byte(tick))
		quick.wantText(tick)
	}
	if s.Stats().Skipped == 0 {
		t.Fatal("the client reads: nothing was skipped")
	}
	held, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes lie in the kernel", held)
	if held == 0 || held > 2*notSentLowat {
		t.Errorf("%d bytes lie in the kernel, want some, and at most %d", held, 2*notSentLowat)
	}
	c.reset()
}

// answeringClient is a process that answers pings. It says each answer.
func answeringClient() int {
	in := bufio.NewReader(os.Stdin)
	var addr string
	if _, err := fmt.Fscan(in, &addr); err != nil {
		return fail(err)
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return fail(err)
	}
	if _, err := io.WriteString(conn, upgradeRequest("/")); err != nil {
		return fail(err)
	}
	go func() {
		from := bufio.NewReader(conn)
		for line := ""; line != "\r\n"; { // the answer to the upgrade
			if line, err = from.ReadString('\n'); err != nil {
				return
			}
		}
		for {
			h, err := ws.ReadHeader(from)
			if err != nil {
				return
			}
			if _, err := io.CopyN(io.Discard, from, h.Length); err != nil || h.OpCode != ws.OpPing {
				return
			}
			if _, err := conn.Write(masked(true, ws.OpPong, "")); err != nil {
				return
			}
			fmt.Println("pong")
		}
	}()
	_, _ = io.Copy(io.Discard, in)
	return 0
}

// A process that was stopped goes offline by its silence, although its kernel goes on
// acknowledging what it is sent.
func TestHostile_frozen_process(t *testing.T) {
	fds := make(chan int, 1)
	h := &host{open: func(g *guest) {
		if c, ok := g.conn.(*conn); ok {
			fds <- c.fd
		}
	}}
	s := start(t, h, Config{Loops: 1, PingAfter: 50 * time.Millisecond, PingTimeout: 3 * time.Second, CloseTimeout: time.Hour})
	p := spawn(t, "answering client")
	t.Cleanup(func() { _ = p.Process.Signal(unix.SIGCONT) }) // before its end is waited for
	fmt.Fprintln(p.in, s.Addrs()[0])
	fd := <-fds
	for range 5 { // silent but for its pongs, it stays
		if got := p.line(t); got != "pong" {
			t.Fatalf("the client says %q", got)
		}
	}
	if n := len(h.all()[0].closed); n != 0 {
		t.Fatal("a client that answers is given up")
	}
	if err := p.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	// The ping is sent, and acknowledged: nothing of it lies in the socket any more.
	pinged := func() bool {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		return err == nil && info.Unacked == 0 && info.Last_data_recv > 200
	}
	eventually(t, "the kernel has acknowledged the ping of a stopped process", pinged)
	h.wantClosed(t, 0, ByTimeout)
}

// Hundreds who connect and are gone before they are looked at, in the middle of a
// service that goes on.
func TestHostile_connect_and_leave_at_once(t *testing.T) {
	h := &host{}
	s := start(t, h, Config{Loops: 2})
	c := connect(t, s)
	for i := range 600 {
		end := dial(t, s)
		if i%2 == 0 {
			end.send([]byte(upgradeRequest("/")))
		}
		end.reset()
		if i%100 == 0 {
			c.send(text("still?"))
			c.wantText("still?")
		}
	}
	eventually(t, "only one is left", func() bool {
		now := s.Stats()
		return s.sockets.Load() == 1 && now.Handshakes == 0 && now.Connections == 1
	})
	c.leave()
	wantNothingHeld(t, s)
}
