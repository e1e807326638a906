package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

func TestServer_frozen_peer(t *testing.T) { overEach(t, serverFrozenPeer) }

func serverFrozenPeer(t *testing.T, start starter) {
	h := &host{}
	s := start(t, h, Config{PingAfter: 40 * time.Millisecond, PingTimeout: 40 * time.Millisecond})
	c := connect(t, s)
	c.want(ws.OpPing, "")
	c.wantClose(codeTimeout)
	c.wantGone()
	h.wantClosed(t, 0, ByTimeout)
}

func TestServer_any_byte_is_a_sign_of_life(t *testing.T) { overEach(t, serverAnyByteIsASignOfLife) }

func serverAnyByteIsASignOfLife(t *testing.T, start starter) {
	s := start(t, &host{}, Config{PingAfter: 40 * time.Millisecond, PingTimeout: patient})
	c := connect(t, s)
	frame := text("one byte per ping")
	for _, b := range singles(frame) {
		c.want(ws.OpPing, "")
		c.send(b)
	}
	c.wantText("one byte per ping")
	for range 5 {
		c.want(ws.OpPing, "")
		c.send(masked(true, ws.OpPong, ""))
	}
	c.leave()
}

func TestServer_frozen_peer_with_a_backlog(t *testing.T) { overEach(t, serverFrozenPeerWithABacklog) }

func serverFrozenPeerWithABacklog(t *testing.T, start starter) {
	h := &host{text: func(g *guest, _ []byte) { g.conn.Send([]byte(repeat(500_000))) }}
	s := start(t, h, Config{SendBuffer: 4608, PingAfter: 40 * time.Millisecond, PingTimeout: 40 * time.Millisecond})
	c := narrow(t, s)
	c.send(text("x"))
	h.wantClosed(t, 0, ByTimeout)
	eventually(t, "its memory is free", func() bool { return s.Stats().Outbound == 0 })
}

func TestServer_Shutdown(t *testing.T) { overEach(t, serverShutdown) }

func serverShutdown(t *testing.T, start starter) {
	h := &host{}
	goodbyes := 0
	s := start(t, h, Config{Loops: 1, Farewell: func() []byte {
		goodbyes++
		return fmt.Appendf(nil, "farewell %d", goodbyes)
	}})
	polite := []*client{connect(t, s), connect(t, s), connect(t, s)}
	unfinished := dial(t, s)
	eventually(t, "a handshake waits", func() bool { return s.Stats().Handshakes == 1 })
	left := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		left <- s.Shutdown(ctx)
	}()
	for i, c := range polite {
		c.wantText(fmt.Sprintf("farewell %d", i+1))
		c.wantClose(1012)
		c.send(goodbye(1012, ""))
		c.wantEnd()
		_ = c.Close()
	}
	if head := unfinished.head(); head[:13] != "HTTP/1.1 503 " {
		t.Errorf("an unfinished handshake is answered %q", head)
	}
	_ = unfinished.Close()
	if err := <-left; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	for i := range polite {
		h.wantClosed(t, i, ByShutdown)
	}
	again, err := Listen([]string{s.Addrs()[0].String()}, Config{Handler: h})
	if err != nil {
		t.Fatalf("the address is not free again: %v", err)
	}
	_ = again.Close()
}

func TestServer_Shutdown_cuts_off_who_does_not_leave(t *testing.T) {
	overEach(t, serverShutdownCutsOffWhoDoesNotLeave)
}

func serverShutdownCutsOffWhoDoesNotLeave(t *testing.T, start starter) {
	h := &host{}
	s := start(t, h, Config{CloseTimeout: time.Hour})
	c := connect(t, s)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v", err)
	}
	c.wantClose(1012)
	c.wantGone()
	h.wantClosed(t, 0, ByShutdown)
}

func TestServer_Shutdown_at_a_pace(t *testing.T) { overPlain(t, serverShutdownAtAPace) }

func serverShutdownAtAPace(t *testing.T, start starter) {
	h := &host{}
	s := start(t, h, Config{})
	const clients = drainAtOnce + 200
	var ends []*client
	for range clients {
		ends = append(ends, connect(t, s))
	}
	left := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		left <- s.Shutdown(ctx)
	}()
	for _, c := range ends {
		c.wantClose(1012)
		_ = c.Close()
	}
	if err := <-left; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	for i := range clients {
		h.wantClosed(t, i, ByShutdown)
	}
}

func TestServer_StopAccepting(t *testing.T) { overEach(t, serverStopAccepting) }

func serverStopAccepting(t *testing.T, start starter) {
	s := start(t, &host{}, Config{})
	c := connect(t, s)
	s.StopAccepting()
	<-s.accepted
	if conn, err := net.Dial("tcp", s.Addrs()[0].String()); err == nil {
		_ = conn.Close()
		t.Error("a connection is still accepted")
	}
	c.send(text("still here"))
	c.wantText("still here")
	c.leave()
}

func TestServer_StopAccepting_serves_who_waits_already(t *testing.T) {
	overEach(t, serverStopAcceptingServesWhoWaitsAlready)
}

func serverStopAcceptingServesWhoWaitsAlready(t *testing.T, start starter) {
	s := bind(t, Config{Handler: &host{}})
	s.StopAccepting()
	c := dial(t, s) // the kernel takes it, the acceptor has not begun
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	c.send([]byte(upgradeRequest("/")))
	c.wantUpgraded()
	c.leave()
	_ = s.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestServer_Serve_twice(t *testing.T) { overEach(t, serverServeTwice) }

func serverServeTwice(t *testing.T, start starter) {
	s := start(t, &host{}, Config{})
	connect(t, s).leave()
	if err := s.Serve(); err == nil {
		t.Error("Serve works twice")
	}
}
