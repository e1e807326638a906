package gateway

import "time"

// state is where a connection is in its life. It only moves forward, except between
// open and asked.
type state uint8

const (
	handshaking state = iota // its request's header is arriving
	open                     // upgraded
	asked                    // upgraded, silent, and a ping was sent
	closing                  // we sent a close frame, and wait for the client's
	lingering                // all is said: what is queued is flushed, what comes is thrown away
	gone                     // its socket is closed
)

// isOpen reports whether messages flow.
func (s state) isOpen() bool { return s == open || s == asked }

// verdict is what the passing of time asks for.
type verdict uint8

const (
	leaveAlone verdict = iota
	sendPing           // silent for long enough to ask
	giveUp             // no sign of life after the ping
	cutOff             // no end of the socket after the close
)

// patience holds how long a loop waits.
type patience struct {
	pingAfter    time.Duration
	pingTimeout  time.Duration
	closeTimeout time.Duration
}

// judge decides about one connection. heard is when its last byte came, mark when
// its state last changed by our doing. spread, any number, moves the ping of a
// silent connection to up to a quarter earlier, so that clients that came together
// are not asked together.
func (p patience) judge(s state, heard, mark, now instant, spread uint32) verdict {
	switch s {
	case open:
		early := p.pingAfter / 4 * time.Duration(spread%64) / 64
		if now.since(heard) >= p.pingAfter-early {
			return sendPing
		}
	case asked:
		if now.since(mark) >= p.pingTimeout {
			return giveUp
		}
	case closing, lingering:
		if now.since(mark) >= p.closeTimeout {
			return cutOff
		}
	case handshaking, gone:
	}
	return leaveAlone
}

// A look at the whole table is spread over up to so many rounds, and the rounds over the
// shortest patience, so that nothing is found late by more than about a tenth. A table of
// leastPart is looked at in one round: a wake-up of an idle loop costs more than the look.
const (
	roundsPerLook = 8
	leastPart     = 1024 // slots
	minRound      = 5 * time.Millisecond
	maxRound      = 100 * time.Millisecond
)

// round returns how long the loop waits between two looks at parts of its table.
func (p patience) round(handshake time.Duration) time.Duration {
	shortest := min(p.pingAfter, p.pingTimeout, p.closeTimeout, handshake)
	return min(max(shortest/(10*roundsPerLook), minRound), maxRound)
}
