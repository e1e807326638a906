package gateway

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/netip"
	"time"

	"go.uber.org/zap"
)

// Handler decides who may come in. It is called on the event loops and must not
// block; several loops call it at once.
type Handler interface {
	// Upgrade decides on a well-formed upgrade request before it is answered. It
	// returns the session of the new connection, or why there is none. The gateway
	// calls Closed exactly once on every session that it was given.
	Upgrade(r *Request) (Session, *Refusal)
}

// Session is what the gateway tells about one connection. All calls for one
// connection are made by its event loop, one after another, and must not block.
type Session interface {
	// Open says that the upgrade was answered with 101. c may be used from then on.
	Open(c Conn)

	// Text is one whole text message, valid UTF-8. p is only valid during the call.
	Text(p []byte)

	// Closed says that the conversation is over, or that it never began: nothing more
	// is heard from the client, and nothing more is sent to it. The socket may live
	// on for at most Config.CloseTimeout, for the close handshake. It is the last
	// call. Sends and posts after it do nothing.
	Closed(r Reason)
}

// Conn is one WebSocket connection as its Session uses it. None of its methods blocks
// on a socket, and none does anything once the connection is gone.
type Conn interface {
	// Send sends a text message. It may only be called inside the callbacks of this
	// connection's Session. What the callbacks of one read send goes out in one
	// write, after them; p may be used again at once.
	Send(p []byte)

	// Post sends a text message from any goroutine. p belongs to the gateway from then
	// on. The order of one goroutine's posts is kept.
	Post(p []byte)

	// Behind reports, from any goroutine, whether something that was sent or posted
	// before has not been taken by the socket yet: who has much to say may wait with it
	// until the client has read.
	Behind() bool

	// Close ends the conversation, from any goroutine, after what was sent and posted
	// before: the client gets a close frame, and the session Closed(ByServer). The
	// reason is for people, at most 123 bytes of UTF-8.
	Close(code uint16, reason string)
}

// Server accepts and serves WebSocket connections. Its methods are safe for
// concurrent use.
type Server interface { //nolint:interfacebloat // its whole life, and no other half is ever asked for
	// Addrs returns the addresses that are listened on, in the order of Listen's.
	Addrs() []netip.AddrPort

	// MaxConns is Config.MaxConns, or its default if that was 0.
	MaxConns() int

	// Serve accepts and serves until Shutdown or Close has ended everything, and then
	// returns nil; or until a failure that it cannot go on with, and returns that. It
	// may be called once.
	Serve() error

	// Broadcast sends a text message to every connection, encoded once. It is
	// latest-wins: a client that is behind skips it. It does not block.
	Broadcast(payload []byte)

	// Stats returns counts of this moment.
	Stats() Stats

	// Totals returns what was counted since the start; what happens in this moment may be
	// missing.
	Totals() Totals

	// StopAccepting closes the listeners. Connections go on.
	StopAccepting()

	// Shutdown stops accepting and tells every client to leave: the Farewell, then a
	// close frame with code 1012, at a pace of 5,000 a second, or such that all were
	// told in half of the time that ctx leaves; up to 1,000 clients are told at once.
	// Their sessions get Closed(ByShutdown). It returns when the last client has left,
	// or when ctx ends: then the rest is cut off, and the error is that of ctx.
	Shutdown(ctx context.Context) error

	// Close ends everything at once; what was written has a second to be sent.
	Close() error
}

// Request is an upgrade request. Its bytes are only valid during Handler.Upgrade.
type Request struct {
	Target []byte // the request target, as it came: path and query
	Host   []byte
	Header []Field        // in the order they came, without those of RFC 6455 itself
	Remote netip.AddrPort // the peer, or whom its preamble names

	// Protocols are the subprotocols that the client offers, in its order.
	Protocols [][]byte

	selected []byte // one of Protocols; nil: none
}

// Select lets the answer say that the connection speaks the subprotocol, and reports
// whether it does: whether the client offers it. The last selection counts, and only
// if the request is not refused.
func (r *Request) Select(protocol string) bool {
	for _, offered := range r.Protocols {
		if string(offered) == protocol {
			r.selected = offered
			return true
		}
	}
	return false
}

// Field is one header field.
type Field struct{ Name, Value []byte }

// Refusal is the HTTP answer to an upgrade request that was not let in.
type Refusal struct {
	Status     int           // such as http.StatusServiceUnavailable
	RetryAfter time.Duration // 0: no Retry-After; in whole seconds, rounded up
	Body       string        // plain text for people, without a line end: what is wrong, and what to do
	Challenge  string        // of WWW-Authenticate, which a 401 must have; "": none
}

// Reason says why a connection ended. The set is closed.
type Reason uint8

// The reasons of an end.
const (
	ByClient   Reason = iota + 1 // the client closed, or its socket ended
	ByTimeout                    // no sign of life within the ping's deadline
	BySlow                       // more than its cap of replies was waiting for it to read
	ByServer                     // Conn.Close was called
	ByProtocol                   // it broke RFC 6455 or a limit
	ByShutdown                   // the server is leaving
)

// Config is how a Server works. The zero value of a field means its default.
type Config struct {
	Handler Handler
	HTTP    http.Handler // answers requests that are no upgrade; default: 426 with a text
	Log     *zap.Logger  // default: none

	// TLS makes the server speak TLS, with the certificates of this configuration, and
	// no protocol but HTTP/1.1 in it; a request without TLS is told so. The handshake is
	// within HandshakeTimeout. Default: no TLS.
	TLS *tls.Config

	Loops         int // event loops; default GOMAXPROCS at Listen, so set it where GOMAXPROCS was raised for other work
	MaxConns      int // sockets in all, also unfinished; one more gets a 503; default RLIMIT_NOFILE − 256
	MaxHandshakes int // unfinished ones at a time, the oldest dropped first; default 4,096

	HandshakeTimeout time.Duration // from accept to the end of the request's header; default 5 s
	MaxHeader        int           // bytes of a request's header; default 8 KiB
	MaxMessage       int           // bytes of a message or frame from a client; default 64 KiB
	MaxFragments     int           // of one message; default 64
	MaxInboundTotal  int64         // bytes of unfinished messages of all clients, shared out evenly among the loops; default 256 MiB

	MaxOutbound      int   // bytes of replies that wait for one client to read; default 1 MiB
	MaxOutboundTotal int64 // bytes of replies that wait for all clients, or that were posted and wait for a loop; default 256 MiB
	SendBuffer       int   // SO_SNDBUF in bytes; default 64 KiB

	PingAfter    time.Duration // of silence; default 20 s
	PingTimeout  time.Duration // from ping to a sign of life, any byte; default 10 s
	CloseTimeout time.Duration // for each of: the client's answer to our close, the end of its socket; default 5 s

	// Preamble says of which peers each connection begins with a header of the PROXY
	// protocol, version 2. Request.Remote is the address that it names, if any, and
	// without one the connection is refused. The acceptor calls it; default: of none.
	Preamble func(peer netip.Addr) bool

	// Shown is what of a client's address the log may have. Any goroutine calls it;
	// default: nothing.
	Shown func(client netip.Addr) string

	// Pushed is told how far a broadcast is: each loop calls it when it has come to the
	// last of its clients, or gives the rest up for the next broadcast. began is when
	// Broadcast was called. Several loops call it at once, and it must not block;
	// default: nobody is told.
	Pushed func(began time.Time)

	// Farewell makes the text message that a client gets right before it is closed
	// for shutdown; default: none.
	Farewell func() []byte

	goroutines bool // the portable transport although the system has epoll: for tests
}

// Stats are counts at one moment, and totals since the start.
type Stats struct {
	Connections int   // open, upgraded
	Handshakes  int   // accepted, not yet upgraded
	Outbound    int64 // bytes that wait for clients to read, or that were posted and wait for a loop

	Pushed  int64 // total: broadcasts that were written, counted per client
	Skipped int64 // total: broadcasts that a client was too far behind to get
}

// Totals are what a Server has counted since its start.
type Totals struct {
	Received int64         // bytes that were read from clients
	Sent     int64         // bytes that were written to clients
	Upgraded int64         // handshakes that ended in a WebSocket connection
	Dropped  int64         // handshakes that ended without an answer: the client went, or sent nothing in time
	Refused  map[int]int64 // handshakes by the HTTP status that they were refused with; 0: any other
	Closed   map[int]int64 // conversations by their close code, whoever sent it; also ClosedOther and ClosedWithout
}

// What Totals.Closed has besides close codes.
const (
	ClosedOther   = 0    // with a code that no server sends
	ClosedWithout = 1006 // without one: RFC 6455, section 7.1.5
)
