package mongostore

import (
	"context"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// retention deletes from events and snapshots.
type retention struct {
	events    collection
	snapshots collection
	horizons  collection
}

var _ presence.Retention = retention{}

// SetHorizon implements presence.Retention.
func (r retention) SetHorizon(ctx context.Context, at time.Time) error {
	at = events.Milliseconds(at)
	d := horizonDoc{ID: at.Format(horizonFormat), At: at}
	if err := r.horizons.insert(ctx, []horizonDoc{d}, false); err != nil && !onlyTaken(err) {
		return wrap("set horizon", d.ID, err)
	}
	return nil
}

// DeleteEvents implements presence.Retention.
func (r retention) DeleteEvents(ctx context.Context, below events.Position) error {
	return wrap("delete events before", below.String(), r.events.deleteMany(ctx, idRange(below.Prefix(), below.String())))
}

// DeleteSnapshots implements presence.Retention.
func (r retention) DeleteSnapshots(ctx context.Context, below events.Position) error {
	return wrap("delete snapshots before", below.String(), r.snapshots.deleteMany(ctx, idRange(below.Prefix(), below.String())))
}
