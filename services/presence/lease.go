package presence

import (
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
)

// The lease: how often each node reads nodes, how long a beat may stay the same until
// its stream is taken over, and when a node trusts its own observation no more.
const (
	leaseEvery   = 2 * time.Second
	leaseTimeout = 10 * time.Second
	leaseGap     = 5 * time.Second // since the last successful read
	leaseSlow    = 3 * time.Second // for one read
)

// lease is what this node has seen of the other streams' beats, by its own monotonic
// clock alone: two machines' clocks are never compared. It belongs to one goroutine.
type lease struct {
	beats map[events.Stream]seenBeat
	read  time.Time // when nodes was last read
}

// seenBeat is a beat, and since when it has been the same.
type seenBeat struct {
	beat  uint64
	since time.Time
}

// observe takes one reading of nodes, which began and ended at these times, and
// returns the streams, other than own, whose owners have not beaten for leaseTimeout.
//
// If the last reading is over 5 s ago, or this one took over 3 s, it forgets all waits
// and starts again: it was this node that was paused, or the store that was away, and
// a beat may have been missed. What a slow reading found is not even a beginning: it
// may be as old as its beginning or as new as its end, and a pause in the middle of it
// would pass for the other nodes' silence.
//
// For the same reason a beat is the same only from the end of the reading that found it
// first to the beginning of this one.
func (l *lease) observe(began, ended time.Time, nodes []Node, own events.Stream) []events.Stream {
	slow := ended.Sub(began) > leaseSlow
	if slow || l.read.IsZero() || ended.Sub(l.read) > leaseGap {
		l.beats = nil
	}
	l.read = ended
	if slow {
		return nil
	}
	seen := make(map[events.Stream]seenBeat, len(nodes))
	var expired []events.Stream
	for _, n := range nodes {
		if n.Stream == own {
			continue
		}
		s, known := l.beats[n.Stream]
		if !known || s.beat != n.Beat {
			s = seenBeat{n.Beat, ended}
		}
		seen[n.Stream] = s
		if began.Sub(s.since) >= leaseTimeout {
			expired = append(expired, n.Stream)
		}
	}
	l.beats = seen
	return expired
}

// watchNodes reads nodes every 2 s, and takes over the streams whose owners show no
// sign of life. Takeovers run beside it.
func (m *Member) watchNodes() {
	ticker := time.NewTicker(leaseEvery)
	defer ticker.Stop()
	var l lease
	for {
		began := time.Now()
		nodes, err := m.store.Nodes.All(m.ctx)
		switch {
		case err == nil:
			m.health.clear("read nodes")
			for _, s := range l.observe(began, time.Now(), nodes, m.Stream()) {
				m.takeOverBeside(s, "no beat")
			}
		case m.ctx.Err() == nil:
			m.health.note("read nodes", err)
		}
		select {
		case <-m.ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// takeOverBeside takes a stream over in a goroutine of its own, unless that is being
// done already. A takeover that fails is tried again, for as long as it takes, and said to
// fail once: a stream that cannot be folded fails for ever.
func (m *Member) takeOverBeside(s events.Stream, why string) {
	m.mu.Lock()
	failed, again := m.stuck[s]
	busy := m.taking[s] || again && time.Now().Before(failed.until)
	m.taking[s] = m.taking[s] || !busy
	m.mu.Unlock()
	if busy {
		return
	}
	if !again {
		m.log.Warn("taking over a stream", zap.Stringer("stream", s), zap.String("because", why))
	}
	m.tasks.Go(func() {
		err := m.takeOver(m.ctx, s)
		m.mu.Lock()
		delete(m.taking, s)
		m.mu.Unlock()
		if m.ctx.Err() == nil {
			m.stick(s, err)
		}
	})
}
