package presence

import (
	"context"

	"github.com/presenced/presence/events"
)

// FoldStream is the fold of all that is left of a stream.
func FoldStream(ctx context.Context, store Store, s events.Stream) (*events.Fold, error) {
	f := new(events.Fold)
	_, err := foldRest(ctx, store, s, f)
	return f, err
}
