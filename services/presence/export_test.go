package presence

import (
	"context"

	"github.com/presenced/presence/events"
)

// Die ends a member's goroutines without a word to the store, as a crash does.
func (m *Member) Die() {
	m.epoch.cancel(errLeaving)
	<-m.epoch.ended
}

// TakeOver is what a start does with an older epoch.
func (m *Member) TakeOver(ctx context.Context, s events.Stream) error { return m.takeOver(ctx, s) }
