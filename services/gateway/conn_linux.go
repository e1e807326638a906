package gateway

import (
	"net/netip"
)

// Conn is one WebSocket connection. At rest it is this struct, a slot in its loop's
// table and the kernel's socket.
type Conn struct {
	// static after construction
	loop *loop
	fd   int

	// owned by loop
	session Session    // nil before Open and after Closed
	shake   *handshake // while handshaking
	out     *backlog   // while the socket does not take all that is to be written
	in      stream
	slot    int32
	id      uint32  // with slot, tells this connection from earlier ones of its slot
	heard   instant // when its last byte came
	mark    instant // when a ping or a close was sent
	state   state
}

// handshake is what a connection needs until its request's header is complete.
type handshake struct {
	remote     netip.AddrPort
	began      instant
	head       []byte // what came so far, if not all at once
	prev, next *Conn  // in order of arrival
}

// Send sends a text message. It may only be called inside the callbacks of this
// connection's Session. What the callbacks of one read send goes out in one write,
// after them; p may be used again at once. It does nothing after Closed.
func (c *Conn) Send(p []byte) {
	l := c.loop
	if l.current != c {
		c.Post(append([]byte(nil), p...))
		return
	}
	if c.state.isOpen() {
		l.reply = appendFrame(l.reply, opText, p)
	}
}

// Post sends a text message from any goroutine. p belongs to the gateway from then
// on. The order of one goroutine's posts is kept. It never blocks on a socket, and
// does nothing if the connection is gone.
func (c *Conn) Post(p []byte) {
	c.loop.mail.put(letter{kind: post, conn: c, payload: p})
}

// Close ends the conversation, from any goroutine, after what was sent and posted
// before: the client gets a close frame, and the session Closed(ByServer). The
// reason is for people, at most 123 bytes of UTF-8. It does nothing if the
// connection is gone.
func (c *Conn) Close(code uint16, reason string) {
	c.loop.mail.put(letter{kind: hangUp, conn: c, code: code, payload: []byte(reason)})
}
