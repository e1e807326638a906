// Package timepush tells all clients the date and time, each second, on the second.
//
// The moment of a push is computed from the wall clock, each anew, and waited for on
// the monotonic clock. So pushes do not drift, and when the wall clock is set, or the
// process was paused, there is one push with the true time, and never one for each
// second that was left out.
//
// # Concurrency
//
// Run is one goroutine, its caller's. It encodes a push once, whatever the number of
// clients, and knows none of them.
package timepush

import (
	"context"
	"time"

	"github.com/presenced/presence/services/protocol"
)

const (
	interval = time.Second

	// onTime is how late a push may be and still say the whole second that it is for.
	// It is well over the lateness of a timer on a busy machine. A later one says the
	// time that it is, in milliseconds.
	onTime = 100 * time.Millisecond
)

// Run calls push with a time message each second until ctx ends. The message is
// push's to keep, but not to change. Push must not block: what it is late by is taken
// from the time until the next.
func Run(ctx context.Context, push func(message []byte)) {
	run(ctx, wall, func(t time.Time) {
		push(protocol.AppendTime(make([]byte, 0, messageSize), t))
	})
}

// messageSize is over the length of a time message until the year 10000.
const messageSize = 96

// wall is the time of the wall clock alone: with the monotonic reading that time.Now
// adds, a step of the clock would not be seen.
func wall() time.Time { return time.Now().Round(0) }

func run(ctx context.Context, now func() time.Time, push func(time.Time)) {
	from := now()
	next := nextTick(from)
	timer := time.NewTimer(next.Sub(from))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if t, ok := due(next, now()); ok {
			push(t)
		}
		from = now()
		next = nextTick(from)
		timer.Reset(next.Sub(from))
	}
}

// Late is how long after its second a push is, at the time now, that Run gave away at
// the time began. A push is for the last whole second before it was given away.
func Late(began, now time.Time) time.Duration {
	return began.Sub(began.Truncate(interval)) + now.Sub(began)
}

// nextTick is the first whole second after now.
func nextTick(now time.Time) time.Time { return now.Truncate(interval).Add(interval) }

// due decides what to push at the time now, after a wait until next. ok is false if
// it is too early: the clock was set back by less than a second, and what is next is
// still to come.
func due(next, now time.Time) (t time.Time, ok bool) {
	switch late := now.Sub(next); {
	case late <= -interval:
		return now, true // set back: clients hear of it now
	case late < 0:
		return time.Time{}, false
	case late < onTime:
		return next, true
	}
	return now, true // set forward, or paused
}
