package gateway

import "time"

// Clients that are sent away come back at once, so they are sent away at a pace
// that the servers which take them can bear.
const (
	drainPerSecond = 5000
	drainAtOnce    = 1000 // so many need no pacing
	drainRound     = 100 * time.Millisecond
)

// drainTime returns over how long total clients are told to leave, when all must
// have been told in half of the time that is left.
func drainTime(total int, left time.Duration) time.Duration {
	if total <= drainAtOnce {
		return 0
	}
	return max(0, min(time.Duration(total)*time.Second/drainPerSecond, left/2))
}

// drained returns how many of total clients should have been told after elapsed.
func drained(total int, elapsed, over time.Duration) int {
	if elapsed >= over {
		return total
	}
	return int(int64(total) * int64(elapsed) / int64(over))
}
