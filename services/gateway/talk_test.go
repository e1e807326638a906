package gateway

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

func TestServer_echo_however_it_is_cut(t *testing.T) { overEach(t, serverEchoHoweverItIsCut) }

func serverEchoHoweverItIsCut(t *testing.T, start starter) {
	s := start(t, &host{}, Config{Loops: 1})
	messages := []string{"", "a", repeat(125), repeat(126), repeat(65536), "€uro"}
	var all []byte
	for _, m := range messages {
		all = append(all, text(m)...)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, pieces := range [][][]byte{{all}, cuts(r, all), singles(all[:400])} {
		c := connect(t, s)
		var sent sync.WaitGroup
		sent.Go(func() {
			for _, p := range pieces {
				c.send(p)
			}
		})
		for _, m := range messages {
			if len(pieces) == 400 && len(m) > 300 {
				break // cut off: only whole messages are echoed
			}
			c.wantText(m)
		}
		sent.Wait()
		_ = c.Close()
	}
}

func TestServer_closes_what_breaks_the_protocol(t *testing.T) {
	overEach(t, serverClosesWhatBreaksTheProtocol)
}

func serverClosesWhatBreaksTheProtocol(t *testing.T, start starter) {
	h := &host{}
	s := start(t, h, Config{Loops: 1})
	n := 0
	for _, sc := range streamCases {
		if sc.code == 0 {
			continue
		}
		t.Run(sc.name, func(t *testing.T) {
			c := connect(t, s)
			c.send(text("before"))
			c.wantText("before")
			// More than the server reads at once follows the fault: the close frame must
			// get through all the same.
			c.send(append(bytes.Clone(sc.in), repeat(100_000)...))
			c.wantClose(sc.code)
			c.wantEnd()
			h.wantClosed(t, n, ByProtocol)
			_ = c.Close()
		})
		n++
	}
}

func TestServer_replies_come_before_the_close_of_a_fault(t *testing.T) {
	overEach(t, serverRepliesComeBeforeTheCloseOfAFault)
}

func serverRepliesComeBeforeTheCloseOfAFault(t *testing.T, start starter) {
	s := start(t, &host{}, Config{})
	c := connect(t, s)
	c.send(join(text("a"), masked(true, ws.OpPing, "p"), text("b"), []byte{0xff, 0xff}, make([]byte, 12)))
	c.wantText("a")
	c.wantText("b")
	c.want(ws.OpPong, "p")
	c.wantClose(1002)
	c.wantEnd()
}

func TestServer_pong_answers_the_latest_ping_of_a_read(t *testing.T) {
	overEach(t, serverPongAnswersTheLatestPingOfARead)
}

func serverPongAnswersTheLatestPingOfARead(t *testing.T, start starter) {
	s := start(t, &host{}, Config{})
	c := connect(t, s)
	c.send(join(masked(true, ws.OpPing, "1"), masked(true, ws.OpPing, "2"), text("x"), masked(true, ws.OpPing, repeat(125))))
	c.wantText("x")
	c.want(ws.OpPong, repeat(125))
	for _, p := range singles(masked(true, ws.OpPing, "slowly")) {
		c.send(p)
	}
	c.want(ws.OpPong, "slowly")
	c.send(masked(true, ws.OpPong, "nobody asked"))
	c.leave()
}

func TestServer_close_by_the_client(t *testing.T) { overEach(t, serverCloseByTheClient) }

func serverCloseByTheClient(t *testing.T, start starter) {
	h := &host{}
	s := start(t, h, Config{})
	t.Run("with a code", func(t *testing.T) {
		c := connect(t, s)
		c.send(join(goodbye(4001, "reason"), text("too late")))
		c.want(ws.OpClose, "\x0f\xa1")
		c.wantEnd()
		h.wantClosed(t, 0, ByClient)
	})
	t.Run("without a code", func(t *testing.T) {
		c := connect(t, s)
		c.send(join(text("last"), masked(true, ws.OpClose, "")))
		c.wantText("last")
		c.want(ws.OpClose, "")
		c.wantEnd()
		h.wantClosed(t, 1, ByClient)
	})
	t.Run("just the end of the socket", func(t *testing.T) {
		c := connect(t, s)
		_ = c.Close()
		h.wantClosed(t, 2, ByClient)
	})
	t.Run("reset in mid-frame", func(t *testing.T) {
		c := connect(t, s)
		c.send(text(repeat(1000))[:500])
		c.reset()
		h.wantClosed(t, 3, ByClient)
	})
	t.Run("never ends its socket", func(t *testing.T) {
		quick := &host{}
		s := start(t, quick, Config{CloseTimeout: 20 * time.Millisecond})
		c := connect(t, s)
		c.send(goodbye(1000, ""))
		c.wantClose(1000)
		quick.wantClosed(t, 0, ByClient)
		eventually(t, "cut off", func() bool { return s.sockets.Load() == 0 })
	})
}

func TestConn_Close(t *testing.T) { overEach(t, connClose) }

func connClose(t *testing.T, start starter) {
	h := &host{text: func(g *guest, p []byte) {
		g.conn.Send([]byte("reply to " + string(p)))
		g.conn.Post([]byte("posted"))
		g.conn.Close(4503, "kicked")
		g.conn.Close(4504, "once is enough")
		g.conn.Post([]byte("never"))
	}}
	s := start(t, h, Config{})
	c := connect(t, s)
	c.send(text("x"))
	c.wantText("reply to x")
	c.wantText("posted")
	c.want(ws.OpClose, "\x11\x97kicked")
	h.wantClosed(t, 0, ByServer)
	c.send(join(text("ignored"), masked(true, ws.OpPing, "ignored"), goodbye(4503, "")))
	c.wantEnd()
	h.all()[0].conn.Post([]byte("to nobody"))
	h.all()[0].conn.Close(1000, "again")
}

func TestConn_Close_of_a_client_that_does_not_answer(t *testing.T) {
	overEach(t, connCloseOfAClientThatDoesNotAnswer)
}

func connCloseOfAClientThatDoesNotAnswer(t *testing.T, start starter) {
	h := &host{text: func(g *guest, _ []byte) { g.conn.Close(4503, "") }}
	s := start(t, h, Config{CloseTimeout: 20 * time.Millisecond})
	c := connect(t, s)
	c.send(text("x"))
	c.wantClose(4503)
	c.wantGone()
	h.wantClosed(t, 0, ByServer)
}

func TestConn_Post_from_many_goroutines(t *testing.T) { overEach(t, connPostFromManyGoroutines) }

func connPostFromManyGoroutines(t *testing.T, start starter) {
	const clients, posters, each = 4, 8, 200
	h := &host{}
	s := start(t, h, Config{Loops: 2})
	var ends []*client
	for range clients {
		c := connect(t, s)
		c.send(text("open?"))
		c.wantText("open?")
		ends = append(ends, c)
	}
	guests := h.all()
	var all sync.WaitGroup
	for p := range posters {
		all.Go(func() {
			for i := range each {
				for _, g := range guests {
					g.conn.Post(fmt.Appendf(nil, "%d %d", p, i))
				}
			}
		})
	}
	for _, c := range ends {
		var next [posters]int
		for range posters * each {
			_, payload, err := c.frame()
			var p, i int
			if _, serr := fmt.Sscanf(string(payload), "%d %d", &p, &i); err != nil || serr != nil {
				t.Fatal(err, serr)
			}
			if next[p] != i {
				t.Fatalf("post %d of goroutine %d came when %d was due", i, p, next[p])
			}
			next[p]++
		}
	}
	all.Wait()
	for _, c := range ends {
		c.leave()
	}
}

func TestConn_Send_to_another_connection(t *testing.T) { overEach(t, connSendToAnotherConnection) }

func connSendToAnotherConnection(t *testing.T, start starter) {
	h := &host{}
	h.text = func(_ *guest, p []byte) {
		for _, g := range h.guests {
			g.conn.Send(p)
		}
	}
	s := start(t, h, Config{Loops: 1})
	a, b := connect(t, s), connect(t, s)
	a.send(text("for both"))
	a.wantText("for both")
	b.wantText("for both")
}

func TestServer_Broadcast(t *testing.T) { overEach(t, serverBroadcast) }

func serverBroadcast(t *testing.T, start starter) {
	s := start(t, &host{}, Config{})
	var ends []*client
	for range 300 { // more than a loop pushes in one turn
		ends = append(ends, connect(t, s))
	}
	for i := range 5 {
		tick := fmt.Sprintf("tick %d", i)
		s.Broadcast([]byte(tick))
		for _, c := range ends {
			c.wantText(tick)
		}
	}
}

// reset ends the connection without a word.
func (c *client) reset() {
	socket := c.Conn
	if secured, ok := socket.(*tls.Conn); ok {
		socket = secured.NetConn()
	}
	if tcp, ok := socket.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = socket.Close()
}

// narrow makes a client whose kernel takes little before the server's has to wait.
func narrow(t *testing.T, s Server) *client {
	c := dialWith(t, s, net.Dialer{ControlContext: littleRoom})
	c.send([]byte(upgradeRequest("/")))
	c.wantUpgraded()
	return c
}

func TestServer_Broadcast_skips_a_client_that_does_not_read(t *testing.T) {
	overEach(t, serverBroadcastSkipsAClientThatDoesNotRead)
}

func serverBroadcastSkipsAClientThatDoesNotRead(t *testing.T, start starter) {
	s := start(t, &host{}, Config{Loops: 1, SendBuffer: 4608})
	slow, quick := narrow(t, s), connect(t, s)
	const ticks = 1000
	var worst int64
	for i := range ticks {
		s.Broadcast(fmt.Appendf(nil, "%06d%s", i, repeat(2000)))
		if _, _, err := quick.frame(); err != nil {
			t.Fatal(err)
		}
		worst = max(worst, s.Stats().Outbound)
	}
	if worst >= 4+6+2000 {
		t.Errorf("%d bytes waited: more than the rest of a tick that was begun", worst)
	}
	last, got := -1, 0
	for drained := false; !drained; got++ {
		_, p, err := slow.frame()
		var i int
		if _, serr := fmt.Sscanf(string(p[:6]), "%d", &i); err != nil || serr != nil || string(p[6:]) != repeat(2000) {
			t.Fatalf("a damaged tick: %v %v %.20q", err, serr, p)
		}
		if i <= last {
			t.Fatalf("tick %d after %d", i, last)
		}
		last = i
		if i < ticks {
			// Once the backlog is read the ticks go on.
			s.Broadcast(fmt.Appendf(nil, "%06d%s", ticks+got, repeat(2000)))
		}
		drained = i >= ticks
	}
	if got >= ticks {
		t.Error("no tick was skipped")
	}
}

func TestServer_replies_to_a_client_that_does_not_read(t *testing.T) {
	overEach(t, serverRepliesToAClientThatDoesNotRead)
}

func serverRepliesToAClientThatDoesNotRead(t *testing.T, start starter) {
	for name, cfg := range map[string]Config{
		"over its own cap":    {Loops: 1, SendBuffer: 4608, MaxOutbound: 200_000},
		"over the cap of all": {Loops: 1, SendBuffer: 4608, MaxOutboundTotal: 200_000},
	} {
		t.Run(name, func(t *testing.T) {
			answer := repeat(30_000)
			h := &host{text: func(g *guest, _ []byte) { g.conn.Send([]byte(answer)) }}
			s := start(t, h, cfg)
			slow, quick := narrow(t, s), connect(t, s)
			for range 20 {
				slow.send(text("more"))
			}
			h.wantClosed(t, 0, BySlow)
			if got := s.Stats().Outbound; got > 31_000 {
				t.Errorf("%d bytes are still kept for a client that was given up", got)
			}
			quick.send(text("x"))
			quick.wantText(answer)
			// What it reads afterwards are whole replies, and why it was closed.
			slow.wantClose(codeSlow)
			slow.wantEnd()
		})
	}
}

func TestServer_replies_wait_for_a_client_that_reads_late(t *testing.T) {
	overEach(t, serverRepliesWaitForAClientThatReadsLate)
}

func serverRepliesWaitForAClientThatReadsLate(t *testing.T, start starter) {
	h := &host{text: func(g *guest, p []byte) { g.conn.Send([]byte(string(p) + repeat(50_000))) }}
	s := start(t, h, Config{Loops: 1, SendBuffer: 4608})
	c := narrow(t, s)
	var all []byte
	for i := range 16 {
		all = append(all, text(fmt.Sprintf("%02d", i))...)
	}
	c.send(join(all, goodbye(1000, "")))
	eventually(t, "replies wait", func() bool { return s.Stats().Outbound > 500_000 })
	for i := range 16 {
		c.wantText(fmt.Sprintf("%02d", i) + repeat(50_000))
	}
	c.wantClose(1000)
	c.wantEnd()
	h.wantClosed(t, 0, ByClient)
}

// Whoever posts only to a client that is not behind never lets more wait than one post,
// and goes on once the client has read.
func TestConn_Behind(t *testing.T) {
	h := &host{}
	s := start(t, h, Config{Loops: 1, SendBuffer: 4608})
	c := narrow(t, s)
	c.send(text("open?"))
	c.wantText("open?")
	conn := h.all()[0].conn
	const each = 50_000
	posted := 0
	post := func() {
		conn.Post([]byte(fmt.Sprintf("%06d", posted) + repeat(each)))
		posted++
	}
	eventually(t, "the client is behind", func() bool {
		if !conn.Behind() {
			post()
		}
		return conn.Behind() && s.Stats().Outbound > each/2
	})
	if got := s.Stats().Outbound; got > each+100 {
		t.Errorf("%d bytes wait", got)
	}
	for i := range posted {
		c.wantText(fmt.Sprintf("%06d", i) + repeat(each))
	}
	eventually(t, "it has caught up", func() bool { return !conn.Behind() })
	post()
	c.wantText(fmt.Sprintf("%06d", posted-1) + repeat(each))
	c.leave()
}

func TestServer_thousands_connect_and_leave(t *testing.T) {
	overEach(t, serverThousandsConnectAndLeave)
}

func serverThousandsConnectAndLeave(t *testing.T, start starter) {
	h := &host{}
	s := start(t, h, Config{})
	ways := []func(*client){
		func(c *client) { c.reset() },
		func(c *client) { c.send([]byte("GET /")) },
		func(c *client) { c.send([]byte(upgradeRequest("/"))) },
		func(c *client) {
			c.send(join([]byte(upgradeRequest("/")), text("x")[:3]))
			c.wantUpgraded()
			c.reset()
		},
		func(c *client) {
			c.send(join([]byte(upgradeRequest("/")), text("x"), goodbye(1000, "")))
			_, _ = io.Copy(io.Discard, c.in)
		},
	}
	clients := int64(3000)
	if s.secure() {
		clients = 600 // the handshakes take their time
	}
	var next atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for i := next.Add(1); i <= clients; i = next.Add(1) {
				c := dial(t, s)
				ways[int(i)%len(ways)](c)
				_ = c.Close()
			}
		})
	}
	all.Wait()
	eventually(t, "all have left", func() bool { return s.sockets.Load() == 0 && s.Stats() == Stats{} })
	if counted := s.Totals(); counted.Upgraded != sum(counted.Closed) || counted.Upgraded != int64(len(h.all())) || counted.Received == 0 || counted.Sent == 0 {
		t.Errorf("%d sessions were opened, and %+v is counted", len(h.all()), counted)
	}
	if len(h.all()) < int(clients)*2/5 {
		t.Errorf("only %d sessions were opened", len(h.all()))
	}
}
