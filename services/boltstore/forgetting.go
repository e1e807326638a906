package boltstore

import (
	"bytes"
	"context"
	"encoding/json"

	"go.etcd.io/bbolt"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// forgetting is the presence.Forgetting of a DB. What it replaces stays in pages that are
// free now, until they are used again, or DB.Compact leaves them behind.
type forgetting struct{ d *DB }

var _ presence.Forgetting = forgetting{}

// notesBucket has user → tombstone, of those who are being forgotten. It is made with the
// first, so that files without one need no other format.
var notesBucket = []byte("forgetting")

// Begin implements presence.Forgetting.
func (f forgetting) Begin(ctx context.Context, user, tombstone string) (noted string, err error) {
	err = f.d.update(ctx, "note that a user is being forgotten", func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(notesBucket)
		if err != nil {
			return err
		}
		if noted = string(b.Get([]byte(user))); noted != "" {
			return nil
		}
		noted = tombstone
		return b.Put([]byte(user), []byte(tombstone))
	})
	if err != nil {
		return "", err
	}
	return noted, nil
}

// Begun implements presence.Forgetting.
func (f forgetting) Begun(ctx context.Context, user string) (noted string, err error) {
	err = f.d.view(ctx, "look whether a user is being forgotten", func(tx *bbolt.Tx) error {
		if b := tx.Bucket(notesBucket); b != nil {
			noted = string(b.Get([]byte(user)))
		}
		return nil
	})
	return noted, err
}

// End implements presence.Forgetting.
func (f forgetting) End(ctx context.Context, user string) error {
	return f.d.update(ctx, "note that a user is forgotten", func(tx *bbolt.Tx) error {
		if b := tx.Bucket(notesBucket); b != nil {
			return b.Delete([]byte(user))
		}
		return nil
	})
}

// RenameEvents implements presence.Forgetting.
func (f forgetting) RenameEvents(ctx context.Context, user, tombstone string, at []events.Position) error {
	return f.d.update(ctx, "rename events", func(tx *bbolt.Tx) error {
		b := tx.Bucket(eventsBucket)
		b.FillPercent = 1 // as when they were written
		for _, p := range at {
			key := []byte(p.String())
			value := b.Get(key)
			if value == nil {
				continue
			}
			e, err := decodeEvent(key, value)
			if err != nil {
				return err
			}
			if e.User != user {
				continue
			}
			e.User, e.Remote, e.Agent = tombstone, "", ""
			if value, err = e.MarshalJSON(); err != nil {
				return err
			}
			if err := b.Put(key, value); err != nil {
				return err
			}
		}
		return nil
	})
}

// Chunks implements presence.Forgetting. It looks at all snapshots from after on.
func (f forgetting) Chunks(ctx context.Context, user, last string, limit int) (found []presence.Chunk, err error) {
	if limit <= 0 {
		return nil, alive(ctx)
	}
	name, err := json.Marshal(user)
	if err != nil {
		return nil, err
	}
	err = f.d.view(ctx, "snapshots with a user", func(tx *bbolt.Tx) error {
		b := tx.Bucket(snapshotsBucket)
		if b == nil {
			return nil
		}
		s := scan{ctx: ctx}
		return each(b, append([]byte(last), 0), nil, func(key, value []byte) (bool, error) {
			if err := s.step(); err != nil || !bytes.Contains(value, name) {
				return err == nil, err
			}
			c, err := decodeChunk(key, value)
			if err == nil && names(c, user) {
				found = append(found, c)
			}
			return len(found) < limit, err
		})
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// names reports whether a connection of a chunk is the user's.
func names(c presence.Chunk, user string) bool {
	for _, o := range c.Open {
		if o.User == user {
			return true
		}
	}
	return false
}

// RenameOpen implements presence.Forgetting.
func (f forgetting) RenameOpen(ctx context.Context, c presence.Chunk, names map[events.Position]string) error {
	return f.d.update(ctx, "rename in snapshot "+c.ID(), func(tx *bbolt.Tx) error {
		b, key := tx.Bucket(snapshotsBucket), []byte(c.ID())
		if b == nil {
			return nil
		}
		value := b.Get(key)
		if value == nil {
			return nil
		}
		there, err := decodeChunk(key, value)
		if err != nil {
			return err
		}
		for i, o := range there.Open {
			if name, renamed := names[o.Conn]; renamed {
				there.Open[i].User = name
			}
		}
		if value, err = encodeChunk(there); err != nil {
			return err
		}
		return b.Put(key, value)
	})
}

// DropReasons implements presence.Forgetting.
func (f forgetting) DropReasons(ctx context.Context, conns []events.Position) error {
	return f.d.update(ctx, "drop reasons of kicks", func(tx *bbolt.Tx) error {
		b := tx.Bucket(kicksBucket)
		if b == nil {
			return nil
		}
		for _, id := range conns {
			key := []byte(id.String())
			value := b.Get(key)
			if value == nil {
				continue
			}
			k, err := decodeKick(key, value)
			if err != nil {
				return err
			}
			k.Reason = ""
			if err := putKick(b, k); err != nil {
				return err
			}
		}
		return nil
	})
}
