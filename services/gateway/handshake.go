package gateway

import (
	"net/http"
	"net/netip"

	"go.uber.org/zap"
)

// handshakeWith is the beginning of a handshake with a peer.
func (s *shared) handshakeWith(peer netip.AddrPort) *handshake {
	return &handshake{remote: peer, preamble: s.cfg.Preamble != nil && s.cfg.Preamble(peer.Addr())}
}

// adopt takes over a connection that was just accepted.
func (l *loop) adopt(c *conn) {
	if l.ending == leaving {
		l.forget(c)
		return
	}
	l.table.add(c)
	if err := l.io.add(c); err != nil {
		l.table.remove(c)
		l.forget(c)
		return
	}
	c.heard = l.now
	l.await(c)
	for l.waiting.first != nil && l.handshakes.Load() > int64(l.cfg.MaxHandshakes) {
		l.end(l.waiting.first, ByServer)
	}
}

// forget closes a connection that is not in the table.
func (l *loop) forget(c *conn) {
	l.io.close(c)
	c.state = gone
	l.load.Add(-1)
}

// await puts a connection at the end of the handshakes.
func (l *loop) await(c *conn) {
	c.shake.began = l.now
	c.shake.prev = l.waiting.last
	if c.shake.prev == nil {
		l.waiting.first = c
	} else {
		c.shake.prev.shake.next = c
	}
	l.waiting.last = c
	l.handshakes.Add(1)
}

// settled takes a connection out of the handshakes.
func (l *loop) settled(c *conn) {
	h := c.shake
	if h.prev == nil {
		l.waiting.first = h.next
	} else {
		h.prev.shake.next = h.next
	}
	if h.next == nil {
		l.waiting.last = h.prev
	} else {
		h.next.shake.prev = h.prev
	}
	c.shake = nil
	l.handshakes.Add(-1)
}

// greet takes bytes of a request. They are only copied if the header is incomplete.
func (l *loop) greet(c *conn, p []byte) {
	h := c.shake
	if h.preamble {
		if p = l.unwrap(c, p); len(p) == 0 {
			return
		}
	}
	searched := len(h.head)
	if searched > 0 {
		h.head = append(h.head, p...)
		p = h.head
	}
	end := headerEnd(p, searched)
	switch {
	case !looksLikeHTTP(p[0]):
		l.refuse(c, l.notHTTP)
	case end > l.cfg.MaxHeader, end == 0 && len(p) >= l.cfg.MaxHeader:
		l.refuse(c, refusalHeader)
	case end > 0:
		l.introduce(c, p, end)
	case searched == 0:
		h.head = append(h.head, p...)
	}
}

// unwrap takes the preamble off what a proxy sends, and believes it. It returns what
// follows, nothing while the preamble is incomplete or if it is refused.
func (l *loop) unwrap(c *conn, p []byte) []byte {
	h := c.shake
	searched := len(h.head)
	if searched > 0 {
		h.head = append(h.head, p...)
		p = h.head
	}
	client, size, err := readPreamble(p)
	switch {
	case err != nil:
		l.complain(h.remote, err)
		l.refuse(c, Refusal{Status: http.StatusBadRequest, Body: err.Error()})
		return nil
	case len(p) < size:
		if searched == 0 {
			h.head = append(h.head, p...)
		}
		return nil
	}
	if client.IsValid() {
		h.remote = client
	}
	h.preamble, h.head = false, nil // p keeps the bytes
	return p[size:]
}

// complain logs the first preamble that was refused: a proxy that sends none, or
// another version, has all of its clients refused.
func (s *shared) complain(proxy netip.AddrPort, err error) {
	if s.complained.CompareAndSwap(false, true) {
		s.cfg.Log.Warn("a proxy's connection is refused; later ones are not logged", zap.Stringer("proxy", proxy.Addr()), zap.Error(err))
	}
}

// introduce answers a whole header. p may go on after it.
func (l *loop) introduce(c *conn, p []byte, end int) {
	switch intent := readIntent(p[:end]); {
	case l.ending != serving:
		l.refuse(c, refusalLeaving)
	case intent == wantsHTTP:
		l.handOver(c, p)
	case intent == malformed:
		l.refuse(c, refusalMalformed)
	default:
		l.letIn(c, p[:end], p[end:])
	}
}

// letIn answers an upgrade request. What follows it are the client's first frames.
func (l *loop) letIn(c *conn, head, rest []byte) {
	session, response := l.upgrade.answer(head, c.shake.remote)
	if session == nil {
		l.turnAway(c, response)
		return
	}
	l.settled(c)
	l.tally.upgraded++
	c.state, c.session = open, session
	l.conns.Add(1)
	l.reply = append(l.reply[:0], response...)
	l.prefix = len(response)
	l.current = c
	session.Open(c)
	l.current = nil
	l.answer(c)
	if len(rest) > 0 && c.state.isOpen() {
		l.listen(c, rest)
	}
}

// refuse answers a request that is not let in, and ends it.
func (l *loop) refuse(c *conn, r Refusal) {
	l.turnAway(c, appendRefusal(nil, r))
}

func (l *loop) turnAway(c *conn, response []byte) {
	l.settled(c)
	l.tally.refuse(response)
	// The socket is fresh: its buffer takes the response whole, or the client is gone.
	if n, err := l.io.write(c, response); err != nil || n < len(response) {
		l.end(c, ByServer)
		return
	}
	l.linger(c)
}

// late ends a handshake that took too long.
func (l *loop) late(c *conn) {
	l.read(c) // if it was this loop that was held up, the request lies in the socket
	switch {
	case c.state != handshaking:
	case len(c.shake.head) == 0:
		l.end(c, ByTimeout)
	default:
		l.refuse(c, refusalLate)
	}
}
