package roster

import (
	"sync/atomic"
	"time"
)

// Stats are counts of a roster, at one moment and since its start.
type Stats struct {
	Watchers    int
	Users       int           // who are online, as watchers are told; 0 while nobody watches
	Connections int           // of theirs
	Lag         time.Duration // since the log was last read to its end; 0 while nobody watches

	Pushes  uint64 // messages of changes, each counted for each watcher
	Resyncs uint64 // watchers that were too slow and were told all anew
	Folded  uint64 // events that were read
}

// counters are the parts of Stats that only grow.
type counters struct{ pushes, resyncs, folded atomic.Uint64 }

// Stats counts.
func (r *Roster) Stats() Stats {
	s := Stats{Pushes: r.count.pushes.Load(), Resyncs: r.count.resyncs.Load(), Folded: r.count.folded.Load()}
	b := r.book.Load()
	if b == nil {
		return s
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s.Watchers, s.Users, s.Connections, s.Lag = len(b.watches), b.online, b.open, time.Since(b.read)
	return s
}
