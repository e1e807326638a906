package boltstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// online is the presence.Online of a DB.
type online struct{ d *DB }

var _ presence.Online = online{}

// Apply implements presence.Online.
func (o online) Apply(ctx context.Context, add []presence.Connection, remove []events.Position) error {
	if len(add)+len(remove) == 0 {
		return alive(ctx)
	}
	for _, c := range add {
		if err := events.ValidateUser(c.User); err != nil {
			return fmt.Errorf("apply: %w: %s: %w", events.ErrInvalid, c.ID, err)
		}
	}
	return o.d.update(ctx, "apply", func(tx *bbolt.Tx) error {
		p := openProjection(tx)
		for _, c := range add {
			p.add(c)
		}
		for _, id := range remove {
			p.remove(id)
		}
		return p.done()
	})
}

// DropStream implements presence.Online.
func (o online) DropStream(ctx context.Context, s events.Stream) error {
	return o.d.update(ctx, "drop "+s.String(), func(tx *bbolt.Tx) error {
		// All ids first: a cursor does not survive changes.
		var ids []events.Position
		err := each(tx.Bucket(onlineBucket), []byte(s.Prefix()), []byte(s.Prefix()), func(key, _ []byte) (bool, error) {
			id, err := events.ParsePosition(string(key))
			ids = append(ids, id)
			return true, err
		})
		p := openProjection(tx)
		for _, id := range ids {
			p.remove(id)
		}
		return firstOf(err, p.done)
	})
}

// OfStream implements presence.Online.
func (o online) OfStream(ctx context.Context, last events.Position, limit int) (found []presence.Connection, err error) {
	if limit <= 0 {
		return nil, alive(ctx)
	}
	err = o.d.view(ctx, "connections of "+last.Stream.String(), func(tx *bbolt.Tx) error {
		first := []byte(last.Next().String())
		return each(tx.Bucket(onlineBucket), first, []byte(last.Prefix()), func(key, value []byte) (bool, error) {
			c, err := decodeConnection(key, value)
			found = append(found, c)
			return len(found) < limit, err
		})
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// IDs implements presence.Online.
func (o online) IDs(ctx context.Context, last events.Position, limit int) (found []events.Position, err error) {
	if limit <= 0 {
		return nil, alive(ctx)
	}
	err = o.d.view(ctx, "ids of connections of "+last.Stream.String(), func(tx *bbolt.Tx) error {
		first := []byte(last.Next().String())
		return each(tx.Bucket(onlineBucket), first, []byte(last.Prefix()), func(key, _ []byte) (bool, error) {
			id, err := events.ParsePosition(string(key))
			found = append(found, id)
			return len(found) < limit, err
		})
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// OfUser implements presence.Online: users has the ids, in their order.
func (o online) OfUser(ctx context.Context, user string, last events.Position, limit int) (found []presence.Connection, err error) {
	if limit <= 0 || events.ValidateUser(user) != nil { // who is none has no connection
		return nil, alive(ctx)
	}
	err = o.d.view(ctx, "connections of a user", func(tx *bbolt.Tx) error {
		all := tx.Bucket(onlineBucket)
		prefix := append([]byte(user), 0)
		first := prefix
		if !last.IsZero() {
			first = last.Next().AppendText(slices.Clone(prefix))
		}
		return each(tx.Bucket(usersBucket), first, prefix, func(key, _ []byte) (bool, error) {
			id := key[len(prefix):]
			value := all.Get(id)
			if value == nil {
				return false, damaged(key, errors.New("online has no such connection"))
			}
			c, err := decodeConnection(id, value)
			found = append(found, c)
			return len(found) < limit, err
		})
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Streams implements presence.Online.
func (o online) Streams(ctx context.Context) (streams []events.Stream, err error) {
	err = o.d.view(ctx, "streams of online", func(tx *bbolt.Tx) (err error) {
		streams, err = streamsAfter(tx.Bucket(onlineBucket), events.Stream{}, unlimited)
		return err
	})
	return streams, err
}

// projection changes online and users, which belong together, and keeps count. It
// keeps the first error, after which it does nothing; done returns it.
type projection struct {
	online, users *bbolt.Bucket
	total         uint64
	key           []byte // scratch; bbolt copies keys
	err           error
}

func openProjection(tx *bbolt.Tx) *projection {
	b := tx.Bucket(onlineBucket)
	return &projection{online: b, users: tx.Bucket(usersBucket), total: b.Sequence()}
}

// add adds c, unless it is there.
func (p *projection) add(c presence.Connection) {
	if p.err != nil {
		return
	}
	p.key = c.ID.AppendText(p.key[:0])
	if p.online.Get(p.key) != nil {
		return
	}
	if p.err = p.online.Put(p.key, encodeConnection(c)); p.err != nil {
		return
	}
	p.err = p.users.Put(p.userKey(c.ID, c.User), encodeSince(c))
	p.total++
}

// remove removes the connection, if it is there.
func (p *projection) remove(id events.Position) {
	if p.err != nil {
		return
	}
	p.key = id.AppendText(p.key[:0])
	value := p.online.Get(p.key)
	if value == nil {
		return
	}
	var c presence.Connection
	if c, p.err = decodeConnection(p.key, value); p.err != nil {
		return
	}
	p.delete(id, c.User)
}

// removeOf removes the connection of a user, if it is there. To look for it in users
// costs less than to decode it; where it is not found, it may be that of another user.
func (p *projection) removeOf(id events.Position, user string) {
	if p.err != nil {
		return
	}
	if p.users.Get(p.userKey(id, user)) == nil {
		p.remove(id)
		return
	}
	p.delete(id, user)
}

// delete deletes the keys of a connection that is there.
func (p *projection) delete(id events.Position, user string) {
	if p.err = p.users.Delete(p.userKey(id, user)); p.err != nil {
		return
	}
	p.key = id.AppendText(p.key[:0])
	p.err = p.online.Delete(p.key)
	p.total--
}

// userKey is the key of a connection in users.
func (p *projection) userKey(id events.Position, user string) []byte {
	p.key = append(p.key[:0], user...)
	p.key = append(p.key, 0)
	p.key = id.AppendText(p.key)
	return p.key
}

// done writes the count, if it changed, and returns the first error.
func (p *projection) done() error {
	if p.err == nil && p.total != p.online.Sequence() {
		p.err = p.online.SetSequence(p.total)
	}
	return p.err
}
