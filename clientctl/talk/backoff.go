package talk

import "time"

// Backoff says how long to wait before trying again: a random part of a span that
// doubles with each try in vain (full jitter), so that many clients of one server
// that restarts do not come back all at once.
type Backoff struct {
	Base time.Duration // the first span
	Max  time.Duration // the longest
}

// The backoffs of a Talk.
var (
	reconnectBackoff = Backoff{Base: 500 * time.Millisecond, Max: 30 * time.Second}
	retryBackoff     = Backoff{Base: 200 * time.Millisecond, Max: 5 * time.Second}
)

// maxHint bounds how long a server's hint is believed.
const maxHint = 5 * time.Minute

// Delay returns the wait before the try that follows n tries in vain, n ≥ 0. hint is
// the least that the server asked for, at most five minutes are honoured; the random
// part comes on top. random is in [0, 1).
func (b Backoff) Delay(n int, hint time.Duration, random float64) time.Duration {
	span := b.Base
	for ; n > 0 && span < b.Max; n-- {
		span *= 2
	}
	span = min(span, b.Max)
	return min(max(hint, 0), maxHint) + time.Duration(random*float64(span))
}
