package gateway

import (
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
	Open(c *Conn)

	// Text is one whole text message, valid UTF-8. p is only valid during the call.
	Text(p []byte)

	// Closed says that the conversation is over, or that it never began: nothing more
	// is heard from the client, and nothing more is sent to it. The socket may live
	// on for at most Config.CloseTimeout, for the close handshake. It is the last
	// call. Sends and posts after it do nothing.
	Closed(r Reason)
}

// Request is an upgrade request. Its bytes are only valid during Handler.Upgrade.
type Request struct {
	Target []byte // the request target, as it came: path and query
	Host   []byte
	Header []Field // in the order they came, without those of RFC 6455 itself
	Remote netip.AddrPort
}

// Field is one header field.
type Field struct{ Name, Value []byte }

// Refusal is the HTTP answer to an upgrade request that was not let in.
type Refusal struct {
	Status     int           // such as http.StatusServiceUnavailable
	RetryAfter time.Duration // 0: no Retry-After; in whole seconds, rounded up
	Body       string        // plain text for people: what is wrong, and what to do
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

	Loops         int // event loops; default GOMAXPROCS at Listen, so set it where GOMAXPROCS was raised for other work
	MaxConns      int // sockets in all, also unfinished; one more gets a 503; default RLIMIT_NOFILE − 256
	MaxHandshakes int // unfinished ones at a time, the oldest dropped first; default 4,096

	HandshakeTimeout time.Duration // from accept to the end of the request's header; default 5 s
	MaxHeader        int           // bytes of a request's header; default 8 KiB
	MaxMessage       int           // bytes of a message or frame from a client; default 64 KiB
	MaxFragments     int           // of one message; default 64
	MaxInboundTotal  int64         // bytes of unfinished messages of all clients, shared out evenly among the loops; default 256 MiB

	MaxOutbound      int   // bytes of replies that wait for one client to read; default 1 MiB
	MaxOutboundTotal int64 // bytes of replies that wait for all clients; default 256 MiB
	SendBuffer       int   // SO_SNDBUF in bytes; default 64 KiB

	PingAfter    time.Duration // of silence; default 20 s
	PingTimeout  time.Duration // from ping to a sign of life, any byte; default 10 s
	CloseTimeout time.Duration // for each of: the client's answer to our close, the end of its socket; default 5 s

	// Farewell makes the text message that a client gets right before it is closed
	// for shutdown; default: none.
	Farewell func() []byte
}

// Stats are counts at one moment, and totals since the start.
type Stats struct {
	Connections int   // open, upgraded
	Handshakes  int   // accepted, not yet upgraded
	Outbound    int64 // bytes that wait for clients to read

	Pushed  int64 // total: broadcasts that were written, counted per client
	Skipped int64 // total: broadcasts that a client was too far behind to get
}
