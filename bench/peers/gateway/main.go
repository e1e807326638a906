// Command gateway is the work on services/gateway of this module, with its defaults, and
// on nothing else of the product: what the other libraries are compared with. The whole
// product does more: presenced is a row of its own.
package main

import (
	"net"

	"github.com/presenced/presence/bench/peers/work"
	"github.com/presenced/presence/services/gateway"
)

func main() { work.Main("gateway", start) }

func start() (work.Server, error) {
	g, err := gateway.Listen([]string{"127.0.0.1:0"}, gateway.Config{Handler: door{}})
	if err != nil {
		return work.Server{}, err
	}
	go func() { _ = g.Serve() }()
	return work.Server{Addr: net.TCPAddrFromAddrPort(g.Addrs()[0]), Push: g.Broadcast}, nil
}

type door struct{}

// Upgrade implements gateway.Handler.
func (door) Upgrade(*gateway.Request) (gateway.Session, *gateway.Refusal) { return new(session), nil }

type session struct{ conn gateway.Conn }

var _ gateway.Session = (*session)(nil)

// Open implements gateway.Session.
func (s *session) Open(c gateway.Conn) {
	s.conn = c
	c.Send(work.Welcome)
}

// Text implements gateway.Session.
func (s *session) Text(p []byte) { s.conn.Send(work.Answer(p)) }

// Closed implements gateway.Session.
func (s *session) Closed(gateway.Reason) {}
