package gateway

import "sync"

// letterKind says what a letter asks of a loop.
type letterKind uint8

const (
	adopt  letterKind = iota + 1 // own a connection that was just accepted
	post                         // send payload to conn as a text frame
	hangUp                       // close conn with code and payload as the reason
	drain                        // tell so many clients to leave; let nobody in any more
	finish                       // tell all to leave, and stop when the last one left
	cut                          // end everything now, and stop
)

// letter is a request to a loop from another goroutine.
type letter struct {
	kind    letterKind
	code    uint16
	count   int
	conn    *conn
	payload []byte
}

// mailbox is how other goroutines reach a loop. The loop empties it at every turn,
// so it holds what was put in during one turn. Safe for concurrent use.
//
// ring, which wakes the loop, is called under mu: once per batch, and never after
// the mailbox was closed, when its file descriptor may belong to someone else.
type mailbox struct {
	ring func()

	mu      sync.Mutex
	letters []letter
	rung    bool
	closed  bool
}

// put adds a letter. It returns false when the loop has ended.
func (m *mailbox) put(l letter) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.letters = append(m.letters, l)
	m.wakeLocked()
	return true
}

// wake makes the loop take a turn.
func (m *mailbox) wake() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.wakeLocked()
	}
}

func (m *mailbox) wakeLocked() {
	if !m.rung {
		m.rung = true
		m.ring()
	}
}

// take returns all letters, and uses the memory of spare, which came from the take
// before, for the next ones.
func (m *mailbox) take(spare []letter) []letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	letters := m.letters
	m.letters = spare[:0]
	m.rung = false
	return letters
}

// close returns the last letters. Later ones are refused.
func (m *mailbox) close() []letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	letters := m.letters
	m.letters = nil
	return letters
}
