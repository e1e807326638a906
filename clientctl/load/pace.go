package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Rate is how many of something there are in a second. 0 is none. It is the value of a
// flag.
type Rate float64

// maxRate bounds a Rate: beyond it a schedule would be finer than the clock.
const maxRate = 1e6

var errRate = errors.New("want a number of a second, such as 10 or 10/s, or of a minute, 600/m; at most a million a second")

// Set reads a rate.
func (r *Rate) Set(text string) error {
	number, unit, _ := strings.Cut(text, "/")
	n, err := strconv.ParseFloat(number, 64)
	switch unit {
	case "", "s":
	case "m":
		n /= 60
	default:
		return errRate
	}
	if err != nil || !(n >= 0 && n <= maxRate) || strings.HasSuffix(text, "/") {
		return errRate
	}
	*r = Rate(n)
	return nil
}

// String returns the rate as Set reads it.
func (r Rate) String() string {
	if perMinute := float64(r) * 60; r < 1 && perMinute == math.Trunc(perMinute) && r > 0 {
		return fmt.Sprintf("%g/m", perMinute)
	}
	return fmt.Sprintf("%g/s", float64(r))
}

// Type names the value in a help text.
func (Rate) Type() string { return "RATE" }

// at is when the event number k is due, from 0: so long after the beginning.
func (r Rate) at(k int) time.Duration {
	return time.Duration(float64(k) / float64(r) * float64(time.Second))
}

// within is how many events are due before a time since the beginning.
func (r Rate) within(d time.Duration) int {
	return int(math.Ceil(math.Round(float64(r)*d.Seconds()*1e6) / 1e6)) // 0.1 a second in 10 s is one, not a hair more
}

// pace calls do for each of n events when it is due, and at once if it is late; n < 0 is
// without end. It ends early with ctx, or when do returns false.
func pace(ctx context.Context, r Rate, n int, do func(k int, due time.Time) bool) {
	if r <= 0 {
		return
	}
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for k := 0; n < 0 || k < n; k++ {
		due := began.Add(r.at(k))
		if wait := time.Until(due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil || !do(k, due) {
			return
		}
	}
}
