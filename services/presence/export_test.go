package presence

import (
	"context"
	"errors"

	"github.com/presenced/presence/events"
)

var errKilled = errors.New("killed")

// ErrRejoining is why a member is not ready between two epochs.
var ErrRejoining = errRejoining

// Die ends a member's goroutines without a word to the store, as a crash does.
func (m *Member) Die() {
	dead, kill := context.WithCancelCause(context.Background())
	kill(errKilled)
	select {
	case m.leave <- dead:
	default: // it has left
	}
	m.cancel(errLeaving)
	m.tasks.Wait()
}

// TakeOver is what a start does with an older epoch.
func (m *Member) TakeOver(ctx context.Context, s events.Stream) error { return m.takeOver(ctx, s) }
