package emulated

import (
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// server is a presence server whose words are the test's.
type server struct {
	t       *testing.T
	address string
	peers   chan *peer
}

// peer is one connection to it.
type peer struct {
	t     *testing.T
	conn  net.Conn
	heard chan string // closed when the client has gone
}

func serve(t *testing.T) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t, "ws://" + l.Addr().String() + "/?user=ana", make(chan *peer, 10)}
	var readers sync.WaitGroup
	h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			return
		}
		p := &peer{t, conn, make(chan string, 2000)}
		readers.Go(p.listen)
		s.peers <- p
	})}
	readers.Go(func() { h.Serve(l) }) // ends with Close
	t.Cleanup(func() {
		h.Close()
		for len(s.peers) > 0 {
			(<-s.peers).conn.Close()
		}
		readers.Wait()
	})
	return s
}

func (p *peer) listen() {
	defer close(p.heard)
	defer p.conn.Close()
	for {
		text, err := wsutil.ReadClientText(p.conn)
		if err != nil {
			return
		}
		p.heard <- string(text)
	}
}

// accept waits for a connection, and welcomes it.
func (s *server) accept() *peer {
	s.t.Helper()
	select {
	case p := <-s.peers:
		p.says(`{"type":"welcome","connection":"n1/00000001/0000000000000001","user":"ana","node":"n1"}`)
		return p
	case <-patience(s.t):
		s.t.Fatal("nobody connects")
		return nil
	}
}

func (p *peer) says(message string) {
	p.t.Helper()
	if err := wsutil.WriteServerText(p.conn, []byte(message)); err != nil {
		p.t.Fatal(err)
	}
}

// hears waits for the next message, which must be this.
func (p *peer) hears(message string) {
	p.t.Helper()
	select {
	case got := <-p.heard:
		if got != message {
			p.t.Fatalf("the server hears %s, want %s", got, message)
		}
	case <-patience(p.t):
		p.t.Fatalf("the server does not hear %s", message)
	}
}

// closes ends the connection with a code and a reason.
func (p *peer) closes(code ws.StatusCode, reason string) {
	p.t.Helper()
	if err := ws.WriteFrame(p.conn, ws.NewCloseFrame(ws.NewCloseFrameBody(code, reason))); err != nil {
		p.t.Fatal(err)
	}
}
