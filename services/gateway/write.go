package gateway

import (
	"errors"

	"github.com/gobwas/ws"
)

// duty says what happens to a write that the socket does not take.
type duty uint8

const (
	mustArrive duty = iota // it waits, up to the client's cap
	latestWins             // it is dropped, unless part of it was sent
)

// addPong puts the answer to the latest ping behind the replies.
func (l *loop) addPong() {
	if l.pinged {
		l.reply = appendFrame(l.reply, ws.OpPong, l.pong)
		l.pinged = false
	}
}

// answer writes all that the callbacks of one read sent, at once.
func (l *loop) answer(c *conn) {
	if c.state.isOpen() {
		l.addPong()
	}
	if len(l.reply) > 0 && c.state != gone {
		l.write(c, l.reply, l.prefix, mustArrive)
	}
	l.reply, l.prefix, l.pinged = l.reply[:0], 0, false
	if cap(l.reply) > maxSpareReply {
		l.reply = nil
	}
}

// maxSpareReply bounds the memory that a loop keeps for replies, in bytes. One
// large answer fits.
const maxSpareReply = 256 << 10

// write sends p: frames, after prefix bytes that are none. Only a write that must
// arrive may come behind a backlog. It reports whether p was written or waits.
func (l *loop) write(c *conn, p []byte, prefix int, d duty) bool {
	if c.out != nil {
		c.out.add(p)
		l.outbound.Add(int64(len(p)))
		l.limit(c)
		return true
	}
	n, err := l.io.write(c, p)
	l.tally.sent += int64(n)
	switch {
	case n == len(p):
	case err != nil && !errors.Is(err, errAgain):
		l.end(c, reasonOf(err))
		return false
	case d == latestWins && n == 0:
		return false
	default:
		l.hold(c, p, n, prefix)
	}
	return true
}

// hold queues what is left of p when n bytes were written.
func (l *loop) hold(c *conn, p []byte, n, prefix int) {
	begun := prefix - n
	if begun <= 0 {
		begun = torn(p[prefix:], n-prefix)
	}
	c.out = l.backlog()
	c.waits.Add(1)
	c.out.start(p, n, begun)
	l.outbound.Add(int64(len(p) - n))
	l.io.watch(c, true)
	l.limit(c)
}

// limit closes a client that lets too much wait.
func (l *loop) limit(c *conn) {
	if len(c.out.pending()) > l.cfg.MaxOutbound || l.outbound.Load() > l.cfg.MaxOutboundTotal {
		l.abandon(c, codeSlow, "too slow in reading its replies")
		l.closed(c, BySlow)
		l.linger(c)
	}
}

// abandon drops what waits, but for the rest of a frame that was begun, and says
// why. It does not wait for the client.
func (l *loop) abandon(c *conn, code ws.StatusCode, reason string) {
	l.parting = code
	frame := appendClose(nil, code, reason)
	if c.out == nil {
		_, _ = l.io.write(c, frame)
		return
	}
	before := len(c.out.pending())
	c.out.trim()
	c.out.add(frame)
	_, _ = l.attempt(c)
	l.outbound.Add(int64(len(c.out.pending()) - before))
}

// attempt writes what waits.
func (l *loop) attempt(c *conn) (int, error) {
	n, err := l.io.write(c, c.out.pending())
	l.tally.sent += int64(n)
	c.out.sent(n)
	return n, err
}

// flush writes what waits, when the socket takes more.
func (l *loop) flush(c *conn) {
	n, err := l.attempt(c)
	l.outbound.Add(-int64(n))
	switch {
	case err != nil && !errors.Is(err, errAgain):
		l.end(c, reasonOf(err))
	case len(c.out.pending()) == 0:
		l.settle(c)
	}
}

// settle ends a backlog that is written.
func (l *loop) settle(c *conn) {
	l.putBacklog(c)
	l.io.watch(c, false)
	if c.state == lingering {
		l.io.shut(c)
	}
}

// linger flushes, ends our side, and waits for the client's end: closing a socket
// with unread input would reset it, and what we said last would be lost.
func (l *loop) linger(c *conn) {
	if c.state == gone {
		return
	}
	c.state, c.mark = lingering, l.now
	c.in.drop(&l.rules)
	if c.out == nil {
		l.io.shut(c)
	} else if len(c.out.pending()) == 0 {
		l.settle(c)
	}
}

// end closes the socket and forgets the connection.
func (l *loop) end(c *conn, why Reason) {
	if c.state == gone {
		return
	}
	if c.shake != nil {
		l.settled(c)
		l.tally.dropped++
	}
	c.state = gone
	l.closed(c, why)
	if c.out != nil {
		l.outbound.Add(-int64(len(c.out.pending())))
		l.putBacklog(c)
	}
	c.in.drop(&l.rules)
	l.table.remove(c)
	l.forget(c)
}

func (l *loop) backlog() *backlog {
	n := len(l.spare)
	if n == 0 {
		return new(backlog)
	}
	b := l.spare[n-1]
	l.spare = l.spare[:n-1]
	return b
}

func (l *loop) putBacklog(c *conn) {
	if cap(c.out.buf) <= maxSpareBacklog && len(l.spare) < maxSpareBacklogs {
		l.spare = append(l.spare, c.out)
	}
	c.out = nil
	c.waits.Add(-1)
}
