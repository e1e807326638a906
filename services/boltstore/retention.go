package boltstore

import (
	"bytes"
	"context"
	"time"

	"go.etcd.io/bbolt"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// retention is the presence.Retention of a DB. What it frees is used again by later
// events; the file does not shrink.
type retention struct{ d *DB }

var _ presence.Retention = retention{}

// SetHorizon implements presence.Retention.
func (r retention) SetHorizon(ctx context.Context, at time.Time) error {
	return r.d.update(ctx, "set horizon", func(tx *bbolt.Tx) error {
		if was, err := horizonOf(tx); err != nil || !at.After(was) {
			return err
		}
		return tx.Bucket(metaBucket).Put(horizonKey, []byte(events.Milliseconds(at).Format(time.RFC3339Nano)))
	})
}

// DeleteEvents implements presence.Retention.
func (r retention) DeleteEvents(ctx context.Context, below events.Position) error {
	return r.d.update(ctx, "delete events before "+below.String(), func(tx *bbolt.Tx) error {
		return deleteBelow(tx.Bucket(eventsBucket), below)
	})
}

// DeleteSnapshots implements presence.Retention.
func (r retention) DeleteSnapshots(ctx context.Context, below events.Position) error {
	return r.d.update(ctx, "delete snapshots before "+below.String(), func(tx *bbolt.Tx) error {
		b := tx.Bucket(snapshotsBucket)
		if b == nil {
			return nil
		}
		return deleteBelow(b, below)
	})
}

// deleteBelow deletes the keys of below's stream that are before it.
func deleteBelow(b *bbolt.Bucket, below events.Position) error {
	var keys [][]byte // all first: a cursor does not survive changes
	end := []byte(below.String())
	err := each(b, []byte(below.Prefix()), []byte(below.Prefix()), func(key, _ []byte) (bool, error) {
		if bytes.Compare(key, end) >= 0 {
			return false, nil
		}
		keys = append(keys, bytes.Clone(key))
		return true, nil
	})
	for _, key := range keys {
		if err == nil {
			err = b.Delete(key)
		}
	}
	return err
}
