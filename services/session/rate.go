package session

import "time"

// bucket counts one connection's commands against a rate: a token bucket that holds
// two seconds' worth. It is kept as the one moment at which it will be full again,
// so it needs no timer. The zero bucket is full.
type bucket struct{ full time.Time }

// take takes one token at the time now, and reports whether there was one. perSecond
// tokens come back each second.
func (b *bucket) take(perSecond int, now time.Time) bool {
	one := time.Second / time.Duration(perSecond)
	full := b.full
	if full.Before(now) {
		full = now
	}
	full = full.Add(one)
	if full.Sub(now) > time.Duration(burst(perSecond))*one {
		return false
	}
	b.full = full
	return true
}

// burst is how many commands may come at once after a silence.
func burst(perSecond int) int { return 2 * perSecond }
