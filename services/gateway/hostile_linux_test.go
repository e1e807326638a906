package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// A client that stopped reading takes at most the stated bytes of the kernel, however
// many pushes come.
func TestHostile_stopped_reader_holds_few_bytes_in_the_kernel(t *testing.T) {
	overEach(t, hostileStoppedReaderHoldsFewBytesInTheKernel)
}

func hostileStoppedReaderHoldsFewBytesInTheKernel(t *testing.T, start starter) {
	const sendBuffer, pushes = 64 << 10, 5000
	fds := make(chan int, 2) // of both clients
	h := &host{open: func(g *guest) {
		if fd, err := socketOf(g.conn); err == nil {
			fds <- fd
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
func TestHostile_frozen_process(t *testing.T) { overPlain(t, hostileFrozenProcess) }

func hostileFrozenProcess(t *testing.T, start starter) {
	fds := make(chan int, 1)
	h := &host{open: func(g *guest) {
		if fd, err := socketOf(g.conn); err == nil {
			fds <- fd
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

// pausedServer is a server that gives its clients little time, and is stopped by the
// test. It says its address, and ends with its input.
func pausedServer() int {
	s, err := Listen([]string{"127.0.0.1:0"}, Config{
		Handler: &host{}, goroutines: true, Loops: 1,
		PingAfter: 50 * time.Millisecond, PingTimeout: 2 * time.Second,
	})
	if err != nil {
		return fail(err)
	}
	fmt.Println(s.Addrs()[0])
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = s.Close()
	}()
	if err := s.Serve(); err != nil {
		return fail(err)
	}
	return 0
}

// A server that was stopped for longer than it waits for a sign of life does not blame
// its clients: what they said meanwhile lies in their sockets.
func TestHostile_own_pause_is_no_silence(t *testing.T) {
	p := spawn(t, "server, goroutines")
	t.Cleanup(func() { _ = p.Process.Signal(unix.SIGCONT) }) // before its end is waited for
	c := dialTo(t, netip.MustParseAddrPort(p.line(t)), net.Dialer{})
	c.send([]byte(upgradeRequest("/")))
	c.wantUpgraded()
	c.want(ws.OpPing, "")
	if err := p.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	c.send(masked(true, ws.OpPong, ""))
	<-time.After(3 * time.Second) // more than PingTimeout, by anybody's clock
	if err := p.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for range 2 { // asked again, and again not given up
		c.want(ws.OpPing, "")
		c.send(masked(true, ws.OpPong, ""))
	}
	c.leave()
}
