package presence

import (
	"context"
	"time"

	"github.com/presenced/presence/events"
)

// pollEvery is how long a Follow that has read everything waits until it looks again,
// and pollLeast how long although it is woken: so a log that grows all the time is read
// in pages, and not event by event.
const (
	pollEvery = 500 * time.Millisecond
	pollLeast = 50 * time.Millisecond
)

// Follow calls yield with the events after the cursor, in pages, and then with those that
// are appended, until ctx ends or yield returns an error, which it returns. It looks
// every 500 ms, and whenever wake has something; wake may be nil. While the store is away
// it tries again.
//
// It runs on the caller's goroutine. A yield that is slow makes no queue grow: events
// stay in the log until they are asked for.
func (r *Reader) Follow(ctx context.Context, wake <-chan struct{}, yield func([]events.Event) error) error {
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	for {
		page, err := r.Poll(ctx, MaxEvents)
		switch {
		case len(page) > 0: // also if ctx has ended: the cursor is after them
			if err := yield(page); err != nil {
				return err
			}
			continue
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && !heals(err):
			return err
		}
		if !rest(ctx, timer, pollLeast, nil) || !rest(ctx, timer, pollEvery-pollLeast, wake) {
			return context.Cause(ctx)
		}
	}
}

// rest waits for d, or until wake has something. It reports whether ctx goes on.
func rest(ctx context.Context, timer *time.Timer, d time.Duration, wake <-chan struct{}) bool {
	timer.Reset(d)
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-timer.C:
	}
	return true
}
