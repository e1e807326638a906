package boltstore

import (
	"context"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// nodes is the presence.Nodes of a DB.
type nodes struct{ d *DB }

var _ presence.Nodes = nodes{}

// Join implements presence.Nodes.
func (s nodes) Join(ctx context.Context, n presence.Node) error {
	return s.d.update(ctx, "join "+n.Stream.String(), func(tx *bbolt.Tx) error {
		if tx.Bucket(nodesBucket).Get([]byte(n.Stream.String())) != nil {
			return nil
		}
		return putNode(tx, n)
	})
}

// Beat implements presence.Nodes.
func (s nodes) Beat(ctx context.Context, n presence.Node, acked uint64) error {
	return s.d.update(ctx, "beat of "+n.Stream.String(), func(tx *bbolt.Tx) error {
		key := []byte(n.Stream.String())
		value := tx.Bucket(nodesBucket).Get(key)
		if value == nil {
			return presence.ErrBeatLost
		}
		there, err := decodeNode(key, value)
		if err != nil {
			return err
		}
		if there.Beat < acked || there.Beat > n.Beat {
			return fmt.Errorf("%w: it is at %d, and %d was acknowledged", presence.ErrBeatLost, there.Beat, acked)
		}
		return putNode(tx, n)
	})
}

// putNode writes n with the time of this machine's clock, which is the store's.
func putNode(tx *bbolt.Tx, n presence.Node) error {
	n.BeatAt = events.Milliseconds(time.Now())
	value, err := encodeNode(n)
	if err != nil {
		return err
	}
	return tx.Bucket(nodesBucket).Put([]byte(n.Stream.String()), value)
}

// Remove implements presence.Nodes.
func (s nodes) Remove(ctx context.Context, stream events.Stream) error {
	return s.d.update(ctx, "remove "+stream.String(), func(tx *bbolt.Tx) error {
		return tx.Bucket(nodesBucket).Delete([]byte(stream.String()))
	})
}

// All implements presence.Nodes.
func (s nodes) All(ctx context.Context) (all []presence.Node, err error) {
	err = s.d.view(ctx, "list nodes", func(tx *bbolt.Tx) error {
		return each(tx.Bucket(nodesBucket), nil, nil, func(key, value []byte) (bool, error) {
			n, err := decodeNode(key, value)
			all = append(all, n)
			return true, err
		})
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
