package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// still returns a loop that takes a turn only when the test says so.
func still(t *testing.T, cfg Config) *loop {
	t.Helper()
	cfg, err := cfg.complete(1024)
	if err != nil {
		t.Fatal(err)
	}
	sh := newShared(cfg)
	set, err := newEpoll(sh)
	if err != nil {
		t.Fatal(err)
	}
	l := newLoop(sh, set)
	t.Cleanup(func() {
		l.endAll()
		l.release()
		if n := l.outbound.Load(); n != 0 {
			t.Errorf("%d bytes are counted at the end", n)
		}
	})
	return l
}

// pair gives l one more connection, whose other end is a descriptor of the test.
func (l *loop) pair(t *testing.T, kind int) (c *conn, peer int) {
	t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(ends[1]) })
	c = &conn{loop: l, fd: int32(ends[0]), shake: &handshake{}}
	l.adopt(c)
	return c, ends[1]
}

// tell writes to a descriptor of the test, in one write.
func tell(t *testing.T, fd int, p []byte) {
	t.Helper()
	if n, err := unix.Write(fd, p); err != nil || n != len(p) {
		t.Fatalf("wrote %d of %d: %v", n, len(p), err)
	}
}

// packets reads what lies in a SOCK_SEQPACKET descriptor: each write of the other end
// is one.
func packets(t *testing.T, fd int) (all [][]byte) {
	t.Helper()
	buf := make([]byte, 1<<20)
	for {
		n, err := unix.Read(fd, buf)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return all
		case err != nil:
			t.Fatal(err)
		case n == 0:
			return all
		}
		all = append(all, bytes.Clone(buf[:n]))
	}
}

func frame(payload string) []byte { return appendFrame(nil, ws.OpText, []byte(payload)) }

func (l *loop) mustTurn(t *testing.T) {
	t.Helper()
	if err := l.turn(); err != nil {
		t.Fatal(err)
	}
}

// What is said in one turn goes out in one write(2): the socket keeps each write
// apart, so that they can be counted.
func TestLoop_one_write(t *testing.T) {
	h := &host{open: func(g *guest) { g.conn.Send([]byte("hello")); g.conn.Send([]byte("again")) }}
	l := still(t, Config{Handler: h})
	c, peer := l.pair(t, unix.SOCK_SEQPACKET)
	want := func(what string, frames ...[]byte) {
		t.Helper()
		got := packets(t, peer)
		if len(got) != 1 || !bytes.HasSuffix(got[0], join(frames...)) {
			t.Errorf("%s: %d writes, %.300q; want one that ends in %.300q", what, len(got), got, join(frames...))
		}
	}

	tell(t, peer, []byte(upgradeRequest("/")))
	l.mustTurn(t)
	want("the answer to the upgrade, and what Open sends", frame("hello"), frame("again"))

	var asks, answers [][]byte
	for i := range 16 {
		asks = append(asks, text(fmt.Sprint(i)))
		answers = append(answers, frame(fmt.Sprint(i)))
	}
	tell(t, peer, join(join(asks...), masked(true, ws.OpPing, "p")))
	l.mustTurn(t)
	want("the answers to 16 commands and a ping", append(answers, appendFrame(nil, ws.OpPong, []byte("p")))...)

	for i := range 16 {
		c.Post([]byte(fmt.Sprint(i)))
	}
	l.mustTurn(t)
	want("16 posts", answers...)

	tell(t, peer, join(text("last"), goodbye(1000, "")))
	l.mustTurn(t)
	want("the last answer and the close", frame("last"), appendClose(nil, 1000, ""))
}

// A command that comes while a push to many is on its way is answered before the
// push goes on.
func TestLoop_push_lets_commands_in_between(t *testing.T) {
	const clients = 3*pushesPerTurn + 1
	var pushed []time.Time
	l := still(t, Config{Handler: &host{}, Pushed: func(began time.Time) { pushed = append(pushed, began) }})
	peers := make([]int, clients)
	for i := range peers {
		_, peers[i] = l.pair(t, unix.SOCK_SEQPACKET)
		tell(t, peers[i], []byte(upgradeRequest("/")))
	}
	for l.handshakes.Load() > 0 {
		l.mustTurn(t)
	}
	for _, fd := range peers {
		packets(t, fd) // the answer to the upgrade
	}
	broadcast := func(payload string) time.Time {
		p := &push{frame: frame(payload), began: time.Now()}
		l.latest.Store(p)
		l.mail.wake()
		return p.began
	}

	began := broadcast("tick")
	for turn := range 4 {
		last := peers[clients-1]
		tell(t, last, text(fmt.Sprint("command ", turn)))
		if turn == 3 && len(pushed) > 0 {
			t.Error("a push is said to be through before its last client got it")
		}
		l.mustTurn(t)
		if got, want := l.pushed.Load(), int64(min((turn+1)*pushesPerTurn, clients)); got != want {
			t.Fatalf("turn %d: %d pushes in all, want %d", turn, got, want)
		}
		got := packets(t, last)
		if len(got) == 0 || !bytes.Equal(got[0], frame(fmt.Sprint("command ", turn))) {
			t.Fatalf("turn %d: the last client got %q, want its answer first", turn, got)
		}
		if (len(got) > 1) != (turn == 3) {
			t.Errorf("turn %d: the last client got %q", turn, got)
		}
	}
	for i, fd := range peers[:clients-1] {
		if got := packets(t, fd); len(got) != 1 || !bytes.Equal(got[0], frame("tick")) {
			t.Fatalf("client %d got %q", i, got)
		}
	}
	if len(pushed) != 1 || pushed[0] != began {
		t.Errorf("the push of %v was told as %v", began, pushed)
	}

	// A push that is overtaken is told all the same, when the next one begins: else an
	// overload would be told as nothing at all. The next goes on where it stopped.
	first := broadcast("overtaken")
	l.mustTurn(t)
	second := broadcast("latest")
	for range 4 {
		l.mustTurn(t)
	}
	if len(pushed) != 3 || pushed[1] != first || pushed[2] != second {
		t.Errorf("told %v, want %v and %v", pushed[1:], first, second)
	}
	latest, overtaken := 0, 0
	for _, fd := range peers {
		for _, p := range packets(t, fd) {
			switch {
			case bytes.Equal(p, frame("latest")):
				latest++
			case bytes.Equal(p, frame("overtaken")):
				overtaken++
			}
		}
	}
	if latest != clients || overtaken != pushesPerTurn {
		t.Errorf("%d got the latest and %d the one that was overtaken", latest, overtaken)
	}
}

// A push to many begins with another client each time: in a few of them everybody was
// among the first about as often as anybody else.
func TestLoop_push_order_rotates(t *testing.T) {
	const clients, pushes = 3 * pushesPerTurn, 30
	l := still(t, Config{Handler: &host{}})
	peers := make([]int, clients)
	for i := range peers {
		_, peers[i] = l.pair(t, unix.SOCK_SEQPACKET)
		tell(t, peers[i], []byte(upgradeRequest("/")))
	}
	for l.handshakes.Load() > 0 {
		l.mustTurn(t)
	}
	buf := make([]byte, 256)
	heard := func(fd int) (n int) {
		for {
			if _, err := unix.Read(fd, buf); err != nil {
				return n
			}
			n++
		}
	}
	for _, fd := range peers {
		heard(fd) // the answer to the upgrade
	}
	early, late := make([]int, clients), make([]int, clients)
	for range pushes {
		l.latest.Store(&push{frame: frame("tick"), began: time.Now()})
		l.mail.wake()
		l.mustTurn(t)
		for i, fd := range peers {
			early[i] += heard(fd)
		}
		for l.pushing.left > 0 {
			l.mustTurn(t)
		}
		for i, fd := range peers {
			late[i] += heard(fd)
		}
	}
	const fair = pushes * pushesPerTurn / clients
	least, most := slices.Min(early), slices.Max(early)
	if least < fair-2 || most > fair+2 {
		t.Errorf("some were among the first %d times, and some %d times, in %d pushes; want about %d", least, most, pushes, fair)
	}
	for i := range peers {
		if n := early[i] + late[i]; n != pushes {
			t.Errorf("client %d got %d of %d pushes", i, n, pushes)
		}
	}
}

// Bytes that wait in a mailbox are counted like those that wait for a client, whatever
// becomes of them.
func TestConn_Post_is_counted(t *testing.T) {
	h := &host{}
	l := still(t, Config{Handler: h})
	c, peer := l.pair(t, unix.SOCK_SEQPACKET)
	tell(t, peer, []byte(upgradeRequest("/")))
	l.mustTurn(t)
	waiting := func(want int64) {
		t.Helper()
		if got := l.outbound.Load(); got != want {
			t.Errorf("%d bytes are counted, want %d", got, want)
		}
	}
	c.Post(make([]byte, 1000))
	c.Post(make([]byte, 500))
	waiting(1500)
	l.mustTurn(t)
	waiting(0)
	_ = unix.Close(peer)
	l.mustTurn(t)
	h.wantClosed(t, 0, ByClient)
	c.Post(make([]byte, 300)) // to a client that has left
	waiting(300)
	l.mustTurn(t)
	waiting(0)
	c.Post(make([]byte, 200)) // never opened
	l.endAll()
	waiting(0)
	c.Post(make([]byte, 100)) // refused
	waiting(0)
}

// Posted bytes that pile up count against the bound of all clients: the first one that
// does not read is closed for it.
func TestConn_Post_counts_against_the_bound(t *testing.T) {
	const bound = 300_000
	h := &host{}
	l := still(t, Config{Handler: h, MaxOutboundTotal: bound})
	slow, slowPeer := l.pair(t, unix.SOCK_STREAM)
	other, otherPeer := l.pair(t, unix.SOCK_STREAM)
	for _, fd := range []int{slowPeer, otherPeer} {
		tell(t, fd, []byte(upgradeRequest("/")))
	}
	l.mustTurn(t)
	for slow.out == nil { // until its socket is full
		slow.Post(make([]byte, 50_000))
		l.mustTurn(t)
	}
	slow.Post([]byte("x"))
	for range 6 {
		other.Post(make([]byte, bound/6))
	}
	l.mustTurn(t)
	if slow.state.isOpen() {
		t.Error("a slow client stays, with the bound of all exceeded")
	}
	h.wantClosed(t, 0, BySlow)
	if !other.state.isOpen() {
		t.Error("a client that keeps up is closed for another's bytes")
	}
}

// A wake-up of an idle loop is dear: a small table is looked at in one, and a large one
// in as few as keep a look short.
func TestLoop_looks_seldom_at_a_small_table(t *testing.T) {
	for _, tt := range []struct{ clients, wakes int }{{1, 1}, {leastPart, 1}, {leastPart + 1, 2}, {16 * leastPart, roundsPerLook}} {
		l := still(t, Config{Handler: refuseAll{}})
		for range tt.clients {
			l.table.add(&conn{loop: l, state: closing})
		}
		walk := roundsPerLook * l.round
		wakes := 0
		for l.now = instant(walk.Milliseconds()); l.now.since(0) < 2*walk; l.now += instant(l.untilLook(l.now).Milliseconds()) + 1 {
			for _, c := range l.table.slots {
				c.mark = l.now // nobody is cut off
			}
			l.look()
			wakes++
		}
		if wakes != tt.wakes {
			t.Errorf("%d clients: %d looks in %v, want %d", tt.clients, wakes, walk, tt.wakes)
		}
		l.table = table{}
	}
}
