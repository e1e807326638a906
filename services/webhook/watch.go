package webhook

import (
	"time"

	"github.com/presenced/presence/services/presence"
)

// How often a node that does not post looks whether another does, how long a beat may stay
// the same until it takes that one's place, and when it trusts its own observation no
// more: the same as for the streams of nodes.
const (
	lookEvery  = 2 * time.Second
	lookGap    = 5 * time.Second // since the last successful look
	lookSlow   = 3 * time.Second // for one look
	leaseLapse = 10 * time.Second
)

// How often a leader shows that it lives, and for how long it may go on without an answer:
// it stops before another can take its place, but for pauses of the process.
const (
	beatEvery = 2 * time.Second
	leaseKeep = 8 * time.Second
)

// vigil is what a node has seen of the leader's beat, by its own monotonic clock alone. It
// belongs to one goroutine.
type vigil struct {
	lease presence.HookLease
	since time.Time // the end of the look that found it first; zero: nothing was seen yet
	last  time.Time // the end of the last look
}

// lapsed takes a look that began and ended at these times, and reports whether the leader
// has been silent for so long that somebody else is to lead. It begins to wait anew when
// it was this node that was paused, or the store that was slow.
func (v *vigil) lapsed(began, ended time.Time, lease presence.HookLease) bool {
	if lease.Owner == "" {
		return true // there is none
	}
	slow := ended.Sub(began) > lookSlow
	if slow || v.since.IsZero() || ended.Sub(v.last) > lookGap || lease != v.lease {
		v.lease, v.since = lease, ended
	}
	v.last = ended
	if slow {
		v.since = time.Time{}
		return false
	}
	return began.Sub(v.since) >= leaseLapse
}
