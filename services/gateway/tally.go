package gateway

import (
	"slices"
	"sync"

	"github.com/gobwas/ws"
)

// tally is what one loop counts. The loop adds to its own numbers without a lock, and
// shows them to others at the end of each turn in which they changed.
type tally struct {
	counts // owned by the loop

	mu    sync.Mutex
	shown counts // written by the loop alone
}

// counts are totals since the start.
type counts struct {
	received, sent int64                      // bytes
	upgraded       int64                      // handshakes
	dropped        int64                      // handshakes that ended without an answer
	refused        [len(statuses) + 1]int64   // handshakes, by HTTP status; the last: any other
	closed         [len(closeCodes) + 2]int64 // conversations, by close code; then: another code, none
}

// statuses are those that a handshake is refused with.
var statuses = [...]int{400, 401, 403, 404, 405, 408, 426, 429, 431, 503}

// closeCodes are those that are counted one by one. Clients may send any others, and
// those are counted together.
var closeCodes = [...]ws.StatusCode{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 4008, 4012, 4500, 4503, 4504}

const (
	otherCode = len(closeCodes)
	noCode    = len(closeCodes) + 1
)

// show makes the counts visible to others.
func (t *tally) show() {
	if t.counts == t.shown {
		return
	}
	t.mu.Lock()
	t.shown = t.counts
	t.mu.Unlock()
}

// refuse counts a handshake that was refused with an HTTP response.
func (c *counts) refuse(response []byte) {
	const at = len("HTTP/1.1 ")
	status := 0
	for _, digit := range response[min(at, len(response)):min(at+3, len(response))] {
		status = 10*status + int(digit-'0')
	}
	i := slices.Index(statuses[:], status)
	if i < 0 {
		i = len(statuses)
	}
	c.refused[i]++
}

// part counts the end of a conversation by its close code; 0: none was sent.
func (c *counts) part(code ws.StatusCode) {
	i := noCode
	if code != 0 {
		if i = slices.Index(closeCodes[:], code); i < 0 {
			i = otherCode
		}
	}
	c.closed[i]++
}

// addTo adds what is shown to s.
func (t *tally) addTo(s *Totals) {
	t.mu.Lock()
	c := t.shown
	t.mu.Unlock()
	s.Received += c.received
	s.Sent += c.sent
	s.Upgraded += c.upgraded
	s.Dropped += c.dropped
	for i, n := range c.refused {
		status := 0
		if i < len(statuses) {
			status = statuses[i]
		}
		s.Refused[status] += n
	}
	for i, n := range c.closed {
		code := ClosedWithout
		switch {
		case i < len(closeCodes):
			code = int(closeCodes[i])
		case i == otherCode:
			code = ClosedOther
		}
		s.Closed[code] += n
	}
}
