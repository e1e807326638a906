package gateway

import (
	"encoding/binary"
	"errors"
	"syscall"

	"github.com/gobwas/ws"
)

// read reads once: what is left comes in the next turn, after the other clients.
func (l *loop) read(c *conn) {
	n, err := l.io.read(c, l.buf)
	switch {
	case n > 0:
		l.tally.received += int64(n)
		l.hear(c, l.buf[:n])
	case err == nil:
		l.end(c, ByClient)
	case errors.Is(err, errAgain):
	case errors.Is(err, errNotTLS) && c.state == handshaking:
		l.refuse(c, refusalNoTLS)
	default:
		l.end(c, reasonOf(err))
	}
}

// hear takes what a client sent.
func (l *loop) hear(c *conn, p []byte) {
	c.heard = l.now
	switch c.state {
	case handshaking:
		l.greet(c, p)
	case asked:
		c.state = open
		l.listen(c, p)
	case open, closing:
		l.listen(c, p)
	case lingering, gone:
	}
}

// listen decodes frames and answers them in one write.
func (l *loop) listen(c *conn, p []byte) {
	l.current = c
	for c.state == open || c.state == closing {
		f, n, fail := c.in.next(&l.rules, p)
		p = p[n:]
		if fail != nil {
			l.fail(c, fail)
			break
		}
		if f.kind == nothing {
			break
		}
		l.understand(c, f)
		if len(l.reply) >= flushAt {
			l.answer(c)
		}
	}
	l.current = nil
	l.answer(c)
}

// flushAt is when replies are written before all of a read is answered, in bytes.
const flushAt = 64 << 10

// understand handles one thing that a client said.
func (l *loop) understand(c *conn, f found) {
	switch f.kind {
	case gotText:
		if c.state == open {
			c.session.Text(f.data)
		}
	case gotPing:
		// Only the latest ping of a read is answered. RFC 6455, section 5.5.3.
		l.pong = append(l.pong[:0], f.data...)
		l.pinged = true
	case gotClose:
		l.sayGoodbye(c, f.data)
	case gotPong, nothing:
	}
}

// sayGoodbye ends a conversation that the client closed, or whose close it
// answered. The code is echoed, once. RFC 6455, section 5.5.1.
func (l *loop) sayGoodbye(c *conn, payload []byte) {
	if c.state == open {
		var code []byte
		if len(payload) >= 2 {
			code = payload[:2]
			l.parting = ws.StatusCode(binary.BigEndian.Uint16(code))
		}
		l.addPong()
		l.reply = appendFrame(l.reply, ws.OpClose, code)
		l.conclude(c, ByClient)
		l.answer(c)
	}
	if c.state == closing {
		l.linger(c)
	}
}

// fail ends a conversation that the client broke. RFC 6455, section 7.1.7.
func (l *loop) fail(c *conn, f *failure) {
	if c.state == open {
		l.hangUp(c, f.code, f.reason, ByProtocol)
	}
	if c.state == closing {
		l.linger(c)
	}
}

// hangUp sends what is to be sent and a close frame, and waits for the client's.
func (l *loop) hangUp(c *conn, code ws.StatusCode, reason string, why Reason) {
	l.addPong()
	l.reply = appendClose(l.reply, code, reason)
	l.parting = code
	l.conclude(c, why)
	l.answer(c)
}

// conclude ends the conversation: nothing is heard from the client any more, and
// nothing is sent after what l.reply holds.
func (l *loop) conclude(c *conn, why Reason) {
	c.state, c.mark = closing, l.now
	l.closed(c, why)
}

// closed tells the session, once.
func (l *loop) closed(c *conn, why Reason) {
	code := l.parting
	l.parting = 0
	if c.session == nil {
		return
	}
	l.tally.part(code)
	session := c.session
	c.session = nil
	l.conns.Add(-1)
	session.Closed(why)
}

// reasonOf returns why a read or write failed.
func reasonOf(err error) Reason {
	if errors.Is(err, syscall.ETIMEDOUT) {
		return ByTimeout
	}
	return ByClient
}
