package gateway

import (
	"net/netip"
	"sync/atomic"
)

// conn is a Conn. At rest it is this struct, a slot in its loop's
// table and the kernel's socket.
type conn struct {
	// static after construction
	loop *loop
	pipe *pipe // of a relay: its socket
	fd   int32 // of an epoll: its socket

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

	// How many posts the loop has not come to, and one more while there is a backlog.
	waits atomic.Int32
}

var _ Conn = (*conn)(nil)

// handshake is what a connection needs until its request's header is complete.
type handshake struct {
	remote     netip.AddrPort
	preamble   bool // its proxy's preamble comes first
	began      instant
	head       []byte // what came so far, if not all at once
	prev, next *conn  // in order of arrival
}

// Send implements Conn.
func (c *conn) Send(p []byte) {
	l := c.loop
	if l.current != c {
		c.Post(append([]byte(nil), p...))
		return
	}
	if c.state.isOpen() {
		l.reply = appendFrame(l.reply, opText, p)
	}
}

// Post implements Conn.
func (c *conn) Post(p []byte) {
	c.loop.outbound.Add(int64(len(p)))
	c.waits.Add(1)
	if !c.loop.mail.put(letter{kind: post, conn: c, payload: p}) {
		c.loop.outbound.Add(-int64(len(p)))
		c.waits.Add(-1)
	}
}

// Behind implements Conn.
func (c *conn) Behind() bool { return c.waits.Load() > 0 }

// Close implements Conn.
func (c *conn) Close(code uint16, reason string) {
	c.loop.mail.put(letter{kind: hangUp, conn: c, code: code, payload: []byte(reason)})
}
