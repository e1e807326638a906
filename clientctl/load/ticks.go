package load

import "time"

// ticks is what one connection has heard of the time. It is a pure state: times are
// since the beginning of the run, and seconds are those that the server names, so that a
// gap is one whatever the clocks here say.
//
// What is at either end of a connection's life is judged by how long it took: of the
// time from the welcome to the first tick, and from the last tick to the end, a second
// is allowed. So the second that is running then is never missed.
type ticks struct {
	last     int64         // second of the last tick; 0: there was none
	heard    time.Duration // when it came, or the welcome did
	welcomed bool
}

// begin notes the welcome. Ticks before it do not count.
func (t *ticks) begin(at time.Duration) { t.welcomed, t.heard = true, at }

// hear notes a tick, and returns how many are missing between the last and this one. It
// does not count if it came before the welcome, or the second was there before.
func (t *ticks) hear(second int64, at time.Duration) (missed int64, ok bool) {
	if !t.welcomed || t.last != 0 && second <= t.last {
		return 0, false
	}
	if t.last == 0 {
		missed = silent(at - t.heard)
	} else {
		// No more than the time there was for: a clock there may have been set.
		missed = min(second-t.last-1, int64((at-t.heard+time.Second-1)/time.Second))
	}
	t.last, t.heard = second, at
	return missed, true
}

// end returns how many ticks are missing at the end of the connection, or of what is
// measured.
func (t *ticks) end(at time.Duration) (missed int64) {
	if !t.welcomed {
		return 0
	}
	return silent(at - t.heard)
}

// silent is how many ticks are missing in a time without any.
func silent(d time.Duration) int64 { return int64(max(d-time.Second, 0) / time.Second) }
