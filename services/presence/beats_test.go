package presence_test

import (
	"context"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// beats are nodes whose last beats are given.
type beats struct {
	presence.Nodes
	at map[events.Stream]time.Time
}

func (b beats) All(ctx context.Context) ([]presence.Node, error) {
	all, err := b.Nodes.All(ctx)
	for i, n := range all {
		all[i].BeatAt = b.at[n.Stream]
	}
	return all, err
}
