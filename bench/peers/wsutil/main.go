// Command wsutil is the work on github.com/gobwas/ws: the upgrade that copies nothing, and
// a goroutine for each connection that reads and writes with package wsutil, without any
// buffer. With TICK=compiled a push is compiled once, and one write for each client, as the
// documentation shows for a message to many; by default wsutil writes it.
package main

import (
	"net"
	"os"
	"sync"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/presenced/presence/bench/peers/work"
)

func main() { work.Main("wsutil", start) }

func start() (work.Server, error) {
	l, err := work.Listen()
	if err != nil {
		return work.Server{}, err
	}
	s := server{work.NewCrowd[*client]()}
	go s.accept(l)
	if os.Getenv("TICK") == "compiled" {
		return work.Server{Addr: l.Addr(), Push: s.pushCompiled}, nil
	}
	return work.Server{Addr: l.Addr(), Push: s.push}, nil
}

type server struct{ crowd *work.Crowd[*client] }

// client is a connection: frames of two writers must not mix.
type client struct {
	conn net.Conn
	mu   sync.Mutex // held while a frame is written
}

func (s server) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go s.serve(&client{conn: conn})
	}
}

func (s server) serve(c *client) {
	defer func() { _ = c.conn.Close() }()
	if _, err := ws.Upgrade(c.conn); err != nil {
		return
	}
	c.write(work.Welcome)
	s.crowd.Add(c)
	defer s.crowd.Remove(c)
	for {
		message, err := wsutil.ReadClientText(c.conn)
		if err != nil {
			return
		}
		c.write(work.Answer(message))
	}
}

// write writes a text message. If it cannot, reading ends too.
func (c *client) write(message []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = wsutil.WriteServerText(c.conn, message)
}

func (s server) push(message []byte) { s.crowd.Each(func(c *client) { c.write(message) }) }

func (s server) pushCompiled(message []byte) {
	frame := ws.MustCompileFrame(ws.NewTextFrame(message))
	s.crowd.Each(func(c *client) {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, _ = c.conn.Write(frame)
	})
}
