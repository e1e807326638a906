// Command gorilla is the work on github.com/gorilla/websocket: a goroutine for each
// connection that reads. Pushes are prepared messages: one frame for all. Set for little
// memory: write buffers from a pool, a read buffer of 1 KiB, and the goroutine of the HTTP
// request, with what it holds, is let go after the upgrade.
package main

import (
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/presenced/presence/bench/peers/work"
)

func main() { work.Main("gorilla", start) }

func start() (work.Server, error) {
	l, err := work.Listen()
	if err != nil {
		return work.Server{}, err
	}
	s := &server{
		upgrader: websocket.Upgrader{ReadBufferSize: 1 << 10, WriteBufferSize: 1 << 10, WriteBufferPool: new(sync.Pool)},
		crowd:    work.NewCrowd[*client](),
	}
	web := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() { _ = web.Serve(l) }()
	return work.Server{Addr: l.Addr(), Push: s.push}, nil
}

type server struct {
	upgrader websocket.Upgrader
	crowd    *work.Crowd[*client]
}

// client is a connection; the library wants one writer at a time.
type client struct {
	conn *websocket.Conn
	mu   sync.Mutex // held while something is written to conn
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it is answered
	}
	go s.serve(&client{conn: conn})
}

func (s *server) serve(c *client) {
	defer func() { _ = c.conn.Close() }()
	c.write(work.Welcome)
	s.crowd.Add(c)
	defer s.crowd.Remove(c)
	for {
		_, message, err := c.conn.ReadMessage()
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
	_ = c.conn.WriteMessage(websocket.TextMessage, message)
}

func (s *server) push(message []byte) {
	prepared, err := websocket.NewPreparedMessage(websocket.TextMessage, message)
	if err != nil {
		panic(err) // of a message of ours
	}
	s.crowd.Each(func(c *client) {
		c.mu.Lock()
		defer c.mu.Unlock()
		_ = c.conn.WritePreparedMessage(prepared)
	})
}
