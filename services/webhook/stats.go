package webhook

import (
	"sync/atomic"
	"time"
)

// Stats are counts of a poster, at one moment and since its start.
type Stats struct {
	Leading bool              // this node posts
	Posts   map[string]uint64 // by outcome
	Changes uint64            // that were written down to be posted
	Resyncs uint64            // that were begun
	Lag     time.Duration     // for how long the delivery that is being posted has waited; 0: none is
}

// counters are what Stats tells of.
type counters struct {
	leading          atomic.Bool
	pending          atomic.Int64 // when what is being posted was written down, Unix milliseconds; 0: nothing is
	posts            [outcomes]atomic.Uint64
	changes, resyncs atomic.Uint64
}

// Stats counts.
func (p *Poster) Stats() Stats {
	s := Stats{
		Leading: p.count.leading.Load(), Posts: make(map[string]uint64, outcomes),
		Changes: p.count.changes.Load(), Resyncs: p.count.resyncs.Load(),
	}
	for o := range outcomes {
		s.Posts[o.String()] = p.count.posts[o].Load()
	}
	if at := p.count.pending.Load(); at != 0 {
		s.Lag = max(0, time.Since(time.UnixMilli(at)))
	}
	return s
}
