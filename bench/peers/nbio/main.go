// Command nbio is the work on github.com/lesismal/nbio: a poller for each processor, and
// no goroutine for a connection. Set for little memory: payloads are given back after
// each message. With EXECUTOR=inline commands are answered by the poller that read them;
// by default, and in what its documentation shows, by a pool of goroutines.
package main

import (
	"context"
	"net"
	"net/http"
	"os"

	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"

	"github.com/presenced/presence/bench/peers/work"
)

func main() { work.Main("nbio", start) }

// most is more clients than a process can have here.
const most = 1 << 20

func start() (work.Server, error) {
	logging.SetLevel(logging.LevelError) // it would greet on standard output
	crowd := work.NewCrowd[*websocket.Conn]()
	u := websocket.NewUpgrader()
	u.OnOpen(func(c *websocket.Conn) {
		_ = c.WriteMessage(websocket.TextMessage, work.Welcome)
		crowd.Add(c)
	})
	u.OnMessage(func(c *websocket.Conn, _ websocket.MessageType, message []byte) {
		_ = c.WriteMessage(websocket.TextMessage, work.Answer(message))
	})
	u.OnClose(func(c *websocket.Conn, _ error) { crowd.Remove(c) })

	var addr net.Addr
	config := nbhttp.Config{
		Network: "tcp", Addrs: []string{"127.0.0.1:0"}, MaxLoad: most, ReleaseWebsocketPayload: true,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = u.Upgrade(w, r, nil) }),
		Listen: func(network, at string) (net.Listener, error) {
			l, err := new(net.ListenConfig).Listen(context.Background(), network, at)
			if err == nil {
				addr = l.Addr()
			}
			return l, err
		},
	}
	if os.Getenv("EXECUTOR") == "inline" {
		config.ServerExecutor = func(f func()) { f() }
	}
	if err := nbhttp.NewEngine(config).Start(); err != nil {
		return work.Server{}, err
	}
	push := func(message []byte) {
		crowd.Each(func(c *websocket.Conn) { _ = c.WriteMessage(websocket.TextMessage, message) })
	}
	return work.Server{Addr: addr, Push: push}, nil
}
