// Command unrecorded is presenced without its records: the gateway, who a client is, its
// session and commands, the time, and the welcome, which waits for nothing. Where
// presenced records who is connected, it does nothing. So what presenced takes more is
// the recording.
package main

import (
	"net"
	"net/http"

	"github.com/presenced/presence/bench/peers/work"
	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/auth"
	"github.com/presenced/presence/services/fibonacci"
	"github.com/presenced/presence/services/gateway"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
	"github.com/presenced/presence/services/session"
)

func main() { work.Main("unrecorded", start) }

func start() (work.Server, error) {
	host := &session.Host{
		Members: nobody{}, Pool: fibonacci.NewPool(fibonacci.Config{}), Version: "bench", Auth: auth.Anonymous{},
		Limits: protocol.Limits{MaxFibonacci: 100_000, MaxSequence: 1000}, // presenced's
	}
	g, err := gateway.Listen([]string{"127.0.0.1:0"}, gateway.Config{Handler: door{host}})
	if err != nil {
		return work.Server{}, err
	}
	go func() { _ = g.Serve() }()
	return work.Server{Addr: net.TCPAddrFromAddrPort(g.Addrs()[0]), Push: g.Broadcast}, nil
}

// nobody records nothing.
type nobody struct{}

var _ session.Members = nobody{}

func (nobody) Admit() error                             { return nil }
func (nobody) Release()                                 {}
func (nobody) Connect(*presence.Conn)                   {}
func (nobody) Disconnect(*presence.Conn, events.Reason) {}

type door struct{ host *session.Host }

// Upgrade implements gateway.Handler.
func (d door) Upgrade(r *gateway.Request) (gateway.Session, *gateway.Refusal) {
	identity, err := d.host.Auth.Identify(auth.Credentials{Target: string(r.Target)})
	if err != nil {
		return nil, &gateway.Refusal{Status: http.StatusBadRequest, Body: err.Error() + "\n"}
	}
	v := new(visit)
	if err := d.host.Admit(&v.session, session.Peer{User: identity.User, Remote: r.Remote.Addr().String()}); err != nil {
		return nil, &gateway.Refusal{Status: http.StatusServiceUnavailable, Body: err.Error() + "\n"}
	}
	return v, nil
}

// visit is a session as the gateway calls it.
type visit struct{ session session.Session }

var _ gateway.Session = (*visit)(nil)

// position is that of every connection here: there is no log that it could be in.
var position = events.Position{Stream: events.Stream{Node: "bench", Epoch: 1}, Seq: 1}

// Open implements gateway.Session.
func (v *visit) Open(c gateway.Conn) {
	v.session.Open(c)
	v.session.Recorded(position)
}

// Text implements gateway.Session.
func (v *visit) Text(p []byte) { v.session.Text(p) }

// Closed implements gateway.Session.
func (v *visit) Closed(gateway.Reason) { v.session.Closed(events.Client) }
