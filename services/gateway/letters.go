package gateway

import "github.com/gobwas/ws"

// obey does what a letter asks. more says that the next one is for the same
// connection, so that both go out in one write.
func (l *loop) obey(m *letter, more bool) {
	switch m.kind {
	case adopt:
		l.adopt(m.conn)
	case post:
		l.outbound.Add(-int64(len(m.payload)))
		if m.conn.state.isOpen() {
			l.reply = appendFrame(l.reply, opText, m.payload)
		}
		if !more {
			l.answer(m.conn)
		}
		m.conn.waits.Add(-1)
	case hangUp:
		if m.conn.state.isOpen() {
			l.hangUp(m.conn, ws.StatusCode(m.code), string(m.payload), ByServer)
		}
	case drain:
		l.ending = max(l.ending, draining)
		l.sendAway(m.count)
	case finish:
		l.sendAway(len(l.table.slots))
		l.dropHandshakes()
		l.ending = leaving
	case cut:
		l.endAll()
		l.ending = leaving
	}
}

// sendAway tells the next n clients to leave.
func (l *loop) sendAway(n int) {
	for _, c := range l.table.slots {
		if n == 0 {
			return
		}
		if c == nil || !c.state.isOpen() {
			continue
		}
		if l.cfg.Farewell != nil {
			l.reply = appendFrame(l.reply, opText, l.cfg.Farewell())
		}
		l.hangUp(c, codeRestart, "server restart", ByShutdown)
		n--
	}
}

// dropHandshakes ends the connections that are not upgraded yet.
func (l *loop) dropHandshakes() {
	for l.waiting.first != nil {
		l.refuse(l.waiting.first, refusalLeaving)
	}
}

// endAll ends every connection at once, also those whose letter was not opened yet.
func (l *loop) endAll() {
	for _, c := range l.table.slots {
		if c != nil {
			l.end(c, ByShutdown)
		}
	}
	for _, m := range l.mail.close() {
		switch m.kind {
		case adopt:
			l.forget(m.conn)
		case post:
			l.outbound.Add(-int64(len(m.payload)))
		case hangUp, drain, finish, cut:
		}
	}
}
