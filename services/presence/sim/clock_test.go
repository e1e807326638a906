package sim

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// clock is the wall clock of one machine. It differs from the time of the run, and may
// be set forward and back. Timers and monotonic time are not its own: of them a machine
// has no wrong idea.
type clock struct {
	ahead atomic.Int64 // nanoseconds; set by the driver, read by processes
}

// now is the wall clock's time. Nothing may measure a wait with it, so it has no
// monotonic part.
func (c *clock) now() time.Time {
	return time.Now().Round(0).Add(time.Duration(c.ahead.Load()))
}

// set makes the clock wrong by up to skew, or right.
func (c *clock) set(r *rand.Rand, skew time.Duration) {
	if skew == 0 {
		return
	}
	ahead := int64(0)
	if r.IntN(4) != 0 {
		ahead = r.Int64N(2*int64(skew)+1) - int64(skew)
	}
	c.ahead.Store(ahead)
}

// setClock sets the clock of a machine, as an administrator or NTP does: mostly that of
// a process, sometimes the database's.
func (w *world) setClock(p *process) {
	c, whose := &w.db.clock, "the database"
	if p != nil && w.random.IntN(4) != 0 {
		c, whose = &p.clock, p.String()
	}
	c.set(w.random, w.plan.skew)
	w.note("the clock of %s is ahead by %s", whose, time.Duration(c.ahead.Load()))
}
