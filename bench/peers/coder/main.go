// Command coder is the work on github.com/coder/websocket: a goroutine for each
// connection that reads. The library has no message that is encoded once for all, and no
// size of buffers to set. The goroutine of the HTTP request, with what it holds, is let
// go after the upgrade, and no call has a deadline, which would cost a timer each.
package main

import (
	"context"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/presenced/presence/bench/peers/work"
)

func main() { work.Main("coder", start) }

func start() (work.Server, error) {
	l, err := work.Listen()
	if err != nil {
		return work.Server{}, err
	}
	s := server{work.NewCrowd[*websocket.Conn]()}
	web := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() { _ = web.Serve(l) }()
	return work.Server{Addr: l.Addr(), Push: s.push}, nil
}

type server struct{ crowd *work.Crowd[*websocket.Conn] }

// ServeHTTP implements http.Handler.
func (s server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // it is answered
	}
	go s.serve(context.WithoutCancel(r.Context()), conn)
}

func (s server) serve(ctx context.Context, conn *websocket.Conn) {
	defer func() { _ = conn.CloseNow() }()
	if conn.Write(ctx, websocket.MessageText, work.Welcome) != nil {
		return
	}
	s.crowd.Add(conn)
	defer s.crowd.Remove(conn)
	for {
		_, message, err := conn.Read(ctx)
		if err != nil || conn.Write(ctx, websocket.MessageText, work.Answer(message)) != nil {
			return
		}
	}
}

func (s server) push(message []byte) {
	ctx := context.Background()
	s.crowd.Each(func(c *websocket.Conn) { _ = c.Write(ctx, websocket.MessageText, message) })
}
