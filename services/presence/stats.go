package presence

import (
	"sync/atomic"
	"time"
)

// Stats are counts of a member, at one moment and since its start.
type Stats struct {
	Connections int // recorded, and still there
	Queued      int // events that wait to be recorded, also those that are just being recorded
	Room        int // events for which no room is reserved; with less than 2 nobody is admitted
	Failing     int // steps that the store fails at the moment

	// Lag is how long the oldest of the Queued events has waited, by the wall clock.
	Lag time.Duration

	Recorded  uint64 // events, durable and visible
	Fenced    uint64 // how often this node's stream was sealed by another
	Takeovers uint64 // streams of dead nodes that this node ended
	Reaped    uint64 // connections of those streams that were open when they were lost
	Mended    uint64 // connections that reconcile added to online or removed from it
	Kicked    uint64 // clients of this node that were told to go for an operator
	Swept     uint64 // ended streams whose ghosts the sweep removed from online
}

// counters are the parts of Stats that only grow. They are safe for concurrent use.
type counters struct {
	recorded, fenced, takeovers, mended, swept, kicked, reaped atomic.Uint64
}

// Stats counts.
func (m *Member) Stats() Stats {
	s := m.table.stats()
	if since := m.table.waitingSince(); since != 0 {
		s.Lag = max(0, time.Duration(m.now().UnixMilli()-since)*time.Millisecond)
	}
	s.Failing = m.health.failing()
	s.Recorded = m.count.recorded.Load()
	s.Fenced = m.count.fenced.Load()
	s.Takeovers = m.count.takeovers.Load()
	s.Reaped = m.count.reaped.Load()
	s.Mended = m.count.mended.Load()
	s.Swept = m.count.swept.Load()
	s.Kicked = m.count.kicked.Load()
	return s
}

// Users counts the users of the connections that are recorded, and still there. It looks
// at all of them, and holds nobody up but to list them.
func (m *Member) Users() int {
	users := make(map[string]struct{})
	for _, c := range m.table.recordedConns() {
		users[c.user] = struct{}{}
	}
	return len(users)
}

func (t *table) stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Stats{Connections: t.live.n, Queued: t.flying + len(t.queue) - t.head, Room: t.room}
}

// waitingSince is when the oldest event that is not recorded happened, in Unix
// milliseconds; 0 if there is none.
func (t *table) waitingSince() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.flying > 0:
		return t.oldest
	case t.head < len(t.queue):
		return t.queue[t.head].at
	}
	return 0
}

// failing is how many steps the store fails at the moment.
func (h *health) failing() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.wrong)
}
