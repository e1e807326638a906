package session

import (
	"sync/atomic"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/auth"
	"github.com/presenced/presence/services/fibonacci"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/roster"
	"github.com/presenced/presence/services/protocol"
)

// Socket is a connection as its session sees it.
type Socket interface {
	// Send sends a message to the client, soon. It copies it, and is only called during
	// a call of Session.Text.
	Send(message []byte)

	// Post sends a message to the client. It may be called from anywhere and at any
	// time, also when the connection is gone. The message is the socket's from then on.
	Post(message []byte)

	// Close ends the connection with a close code and a reason for people. It may be
	// called from anywhere and at any time, also when the connection is gone.
	Close(code uint16, reason string)
	// Behind reports, from anywhere, whether something that was sent or posted before
	// waits for the client to read.
	Behind() bool
}

var _ roster.Outlet = Socket(nil)

// Members records who is connected; *presence.Member does.
type Members interface {
	Admit() error
	Release()
	Connect(c *presence.Conn)
	Disconnect(c *presence.Conn, r events.Reason)
}

var _ Members = (*presence.Member)(nil)

// Host is what all sessions of a server share. All but Expiry, and what they count, is
// static.
type Host struct {
	Members   Members
	Pool      *fibonacci.Pool
	Algorithm fibonacci.Algorithm // when a command names none
	Limits    protocol.Limits
	Version   string // of the program, for the welcome

	// CommandRate is how many commands a second a connection may send, on average over
	// two seconds: so twice as many may come at once. What is over it is refused with
	// rate_limited. 0: any number.
	CommandRate int

	// Auth judges the tokens that clients show after the first one.
	Auth auth.Authenticator

	// Expiry ends the sessions of clients whose token has expired, if it runs.
	Expiry Expiry

	Asker  *Asker         // answers who
	Roster *roster.Roster // answers watch
	Sees   Sight          // of whom clients may ask; default: of everyone

	// Computed is told how long each computation of the pool took. Workers call it,
	// several at once; it must not block. Default: nobody is told.
	Computed func(took time.Duration)

	// What sessions count; see Counts. The zero value is ready.
	shards [shards]shard
	dealt  atomic.Uint32
}

// Peer is what is known of a client when it comes.
type Peer struct {
	User   string // see events.ValidateUser
	Remote string // where it comes from, as far as that is to be recorded
	Agent  string // see events.CleanAgent

	// Of a client that has proven who it is: until when that holds, and whether it may
	// ask about all users. Zero: it just says so.
	Expires time.Time
	SeesAll bool
}

// Session is one client's dialogue. The zero Session is ready for Host.Admit.
type Session struct {
	// static after Admit
	host *Host
	conn presence.Conn

	// static after Open; nil before
	socket Socket

	// owned by the event loop
	extra *extra // nil until something needs it
}

// extra is what a session keeps of a client that sends commands, or that has proven who
// it is: others cost nothing for it.
type extra struct {
	asked  *asked // nil until it asks for what takes time
	counts *shard
	rate   bucket
	proof  *proof // nil if the client just says who it is
}

// asked is what is done for a client beside the event loop.
type asked struct {
	account *fibonacci.Account // nil until the first command for the pool
	line    *line              // nil until the first who
	watch   *roster.Watch      // nil while it does not watch
}

var _ presence.Client = (*Session)(nil)

// Admit reserves room for the connection's events and makes s its session, or
// returns why not: presence.ErrFull or presence.ErrStopped. Closed is to be called
// on an admitted session exactly once.
func (h *Host) Admit(s *Session, p Peer) error {
	if err := h.Members.Admit(); err != nil {
		return err
	}
	s.host = h
	s.conn.Init(s, p.User, p.Remote, p.Agent)
	if !p.Expires.IsZero() {
		s.remember().proof = newProof(s, p.Expires, p.SeesAll)
	}
	return nil
}

// Open says that the client is connected, through socket.
func (s *Session) Open(socket Socket) {
	s.socket = socket
	if s.Proven() {
		s.host.Expiry.add(s.extra.proof)
	}
	s.host.Members.Connect(&s.conn)
}

// Recorded sends the welcome: the connection is in the log and in online.
func (s *Session) Recorded(id events.Position) {
	s.socket.Post(protocol.AppendWelcome(nil, protocol.Welcome{
		Connection: id.String(),
		User:       s.conn.User(),
		Node:       id.Node,
		Time:       events.Milliseconds(time.Now()),
		Version:    s.host.Version,
	}))
}

// Kicked closes the connection: an operator wants it so.
func (s *Session) Kicked(reason string) {
	if reason == "" {
		reason = kickedText
	}
	s.socket.Close(uint16(protocol.CloseKicked), reason)
}

// kickedText is the reason of a close where the operator gave none.
const kickedText = "kicked by an operator"

// Closed says that the connection is no more, or never opened. It stops what the
// client has asked for and not yet got.
func (s *Session) Closed(r events.Reason) {
	if s.extra != nil && s.extra.asked != nil {
		s.extra.asked.cancel()
	}
	if s.Proven() {
		s.host.Expiry.remove(s.extra.proof)
	}
	if s.socket == nil {
		s.host.Members.Release()
		return
	}
	s.host.Members.Disconnect(&s.conn, r)
}

// cancel stops what the client has asked for.
func (a *asked) cancel() {
	if a.account != nil {
		a.account.Cancel()
	}
	if a.line != nil {
		a.line.leave()
	}
	if a.watch != nil {
		a.watch.Stop(nil)
	}
}
