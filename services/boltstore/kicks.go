package boltstore

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// kicks is the presence.Kicks of a DB. Its bucket is made with the first kick, so that
// files without one need no other format.
type kicks struct{ d *DB }

var _ presence.Kicks = kicks{}

var kicksBucket = []byte("kicks")

// kickRecord is a kick as a document of kicks.
type kickRecord struct {
	ID     string    `json:"_id"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
}

func decodeKick(key, value []byte) (k presence.Kick, err error) {
	var r kickRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return k, damaged(key, err)
	}
	k = presence.Kick{At: events.Milliseconds(r.At), By: r.By, Reason: r.Reason}
	if k.Conn, err = events.ParsePosition(string(key)); err != nil {
		return k, damaged(key, err)
	}
	return k, nil
}

// Add implements presence.Kicks.
func (s kicks) Add(ctx context.Context, add []presence.Kick) error {
	return s.d.update(ctx, "add kicks", func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(kicksBucket)
		if err != nil {
			return err
		}
		for _, k := range add {
			if b.Get([]byte(k.Conn.String())) != nil {
				continue
			}
			if err := putKick(b, k); err != nil {
				return err
			}
		}
		return nil
	})
}

func putKick(b *bbolt.Bucket, k presence.Kick) error {
	key := k.Conn.String()
	value, err := json.Marshal(kickRecord{ID: key, At: k.At, By: k.By, Reason: k.Reason})
	if err != nil {
		return err
	}
	return b.Put([]byte(key), value)
}

// OfNode implements presence.Kicks.
func (s kicks) OfNode(ctx context.Context, node string, last events.Position, limit int) (found []presence.Kick, err error) {
	if limit <= 0 {
		return nil, alive(ctx)
	}
	err = s.view(ctx, "kicks of "+node, func(b *bbolt.Bucket) error {
		prefix := []byte(node + "/")
		first := prefix
		if !last.IsZero() {
			first = []byte(last.Next().String())
		}
		return each(b, first, prefix, func(key, value []byte) (bool, error) {
			k, err := decodeKick(key, value)
			found = append(found, k)
			return len(found) < limit, err
		})
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Pending implements presence.Kicks.
func (s kicks) Pending(ctx context.Context, conns []events.Position) (pending []events.Position, err error) {
	err = s.view(ctx, "pending kicks", func(b *bbolt.Bucket) error {
		for _, id := range slices.SortedFunc(slices.Values(conns), events.Position.Compare) {
			if b.Get([]byte(id.String())) != nil {
				pending = append(pending, id)
			}
		}
		return nil
	})
	return pending, err
}

// Remove implements presence.Kicks.
func (s kicks) Remove(ctx context.Context, conns []events.Position) error {
	return s.d.update(ctx, "remove kicks", func(tx *bbolt.Tx) error {
		b := tx.Bucket(kicksBucket)
		if b == nil {
			return nil
		}
		for _, id := range conns {
			if err := b.Delete([]byte(id.String())); err != nil {
				return err
			}
		}
		return nil
	})
}

// Streams implements presence.Kicks.
func (s kicks) Streams(ctx context.Context) (streams []events.Stream, err error) {
	err = s.view(ctx, "streams of kicks", func(b *bbolt.Bucket) (err error) {
		streams, err = streamsAfter(b, events.Stream{}, unlimited)
		return err
	})
	return streams, err
}

// view reads the kicks, if there ever was one.
func (s kicks) view(ctx context.Context, what string, read func(*bbolt.Bucket) error) error {
	return s.d.view(ctx, what, func(tx *bbolt.Tx) error {
		if b := tx.Bucket(kicksBucket); b != nil {
			return read(b)
		}
		return nil
	})
}
