package gateway

import (
	"testing"

	"github.com/gobwas/ws"
)

// start compares descriptors, goroutines, sessions and counts before and after each of
// these tests. held is what it cannot see: bytes of unfinished messages, which belong to
// the loops; it is asked when they have ended.
func (s *server) held() (n int64) {
	for _, l := range s.loops {
		n += l.rules.held
	}
	return n
}

// wantNothingHeld ends the server, and checks that no bytes of messages are counted.
func wantNothingHeld(t *testing.T, s *server) {
	t.Helper()
	_ = s.Close()
	<-s.done
	if n := s.held(); n != 0 {
		t.Errorf("%d bytes of unfinished messages are counted when all clients are gone", n)
	}
}

// Clients that are reset in the middle of a header, a frame, a fragmented message or a
// control frame leave nothing.
func TestHostile_reset_in_mid_frame(t *testing.T) { overEach(t, hostileResetInMidFrame) }

func hostileResetInMidFrame(t *testing.T, start starter) {
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
	overEach(t, hostileSlowFramesAreBoundedInAll)
}

func hostileSlowFramesAreBoundedInAll(t *testing.T, start starter) {
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
func TestHostile_ping_flood(t *testing.T) { overEach(t, hostilePingFlood) }

func hostilePingFlood(t *testing.T, start starter) {
	const bound = 100_000
	h := &host{}
	s := start(t, h, Config{Loops: 1, SendBuffer: 4608, MaxOutbound: bound})
	c := connect(t, s)
	// The way to the client is full before the flood, of large segments: many little
	// pongs would overrun its buffer, and Linux then drops the acknowledgements that
	// come with them, and the flood ends by itself.
	eventually(t, "a tick waits", func() bool {
		s.Broadcast([]byte(repeat(20_000)))
		return s.Stats().Outbound > 0
	})
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

// Hundreds who connect and are gone before they are looked at, in the middle of a
// service that goes on.
func TestHostile_connect_and_leave_at_once(t *testing.T) { overEach(t, hostileConnectAndLeaveAtOnce) }

func hostileConnectAndLeaveAtOnce(t *testing.T, start starter) {
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
