package boltstore

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"go.etcd.io/bbolt"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// past is the presence.Past of a DB. There is no index of users: its entries would
// stand all over the file, and each commit would write a page for each of its users.
// So it looks at the events, from the time that is asked about on, and reads only those
// that name the user: some 0.5 µs each.
type past struct{ d *DB }

var _ presence.Past = past{}

// lifetime is a stream, and the times of its first and last event.
type lifetime struct {
	stream      events.Stream
	first, last events.Event
}

// lifetimes are all streams, by the time of their first event.
func lifetimes(tx *bbolt.Tx) ([]lifetime, error) {
	b := tx.Bucket(eventsBucket)
	streams, err := streamsAfter(b, events.Stream{}, unlimited)
	if err != nil {
		return nil, err
	}
	all := make([]lifetime, len(streams))
	for i, s := range streams {
		l := lifetime{stream: s}
		if l.first, err = decodeEvent(b.Cursor().Seek([]byte(s.Prefix()))); err != nil {
			return nil, err
		}
		if l.last, err = lastBefore(tx, after(s), s.Prefix()); err != nil {
			return nil, err
		}
		all[i] = l
	}
	slices.SortFunc(all, func(a, b lifetime) int { return a.first.At.Compare(b.first.At) })
	return all, nil
}

// from is the position of the first event of the stream that is not before at: a binary
// search, for a stream is dense and its times never fall.
func (l lifetime) from(b *bbolt.Bucket, at time.Time) (events.Position, error) {
	low, high := l.first.ID.Seq, l.last.ID.Seq
	for low < high {
		mid := low + (high-low)/2
		key := []byte(l.stream.At(mid).String())
		e, err := decodeEvent(key, b.Get(key))
		if err != nil {
			return events.Position{}, err
		}
		if e.At.Before(at) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return l.stream.At(low), nil
}

// OfUser implements presence.Past.
func (p past) OfUser(ctx context.Context, user string, after presence.Moment, limit int) (found []events.Event, err error) {
	if limit <= 0 {
		return nil, alive(ctx)
	}
	name, err := json.Marshal(user)
	if err != nil {
		return nil, err
	}
	err = p.d.view(ctx, "events of user "+strconv.Quote(user), func(tx *bbolt.Tx) error {
		all, err := lifetimes(tx)
		if err != nil {
			return err
		}
		for _, l := range all {
			if len(found) >= limit && l.first.At.After(found[limit-1].At) {
				break // this stream, and those after it, begin later than what was found
			}
			if l.last.At.Before(after.At) {
				continue
			}
			of, err := l.ofUser(ctx, tx.Bucket(eventsBucket), name, after, limit)
			if err != nil {
				return err
			}
			found = append(found, of...)
			slices.SortFunc(found, func(a, b events.Event) int { return presence.MomentOf(a).Compare(presence.MomentOf(b)) })
			found = found[:min(limit, len(found))]
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// ofUser is the first events, up to limit, of a user whose name as JSON is given.
func (l lifetime) ofUser(ctx context.Context, b *bbolt.Bucket, name []byte, after presence.Moment, limit int) (found []events.Event, err error) {
	from, err := l.from(b, after.At)
	if err != nil {
		return nil, err
	}
	s := scan{ctx: ctx}
	err = each(b, []byte(from.String()), []byte(l.stream.Prefix()), func(key, value []byte) (bool, error) {
		if err := s.step(); err != nil || !bytes.Equal(userOf(value), name) {
			return err == nil, err
		}
		e, err := decodeEvent(key, value)
		if err == nil && presence.MomentOf(e).Compare(after) > 0 {
			found = append(found, e)
		}
		return len(found) < limit, err
	})
	return found, err
}

var userField = []byte(`,"user":`)

// userOf is the user in the value of an event, as JSON with its quotes, or nil. No text
// before it in the value is free, and a quote within a text is escaped, so the first
// place that looks like the field is the field.
func userOf(value []byte) []byte {
	_, text, _ := bytes.Cut(value, userField)
	for end := 1; end < len(text); end++ {
		switch text[end] {
		case '\\':
			end++
		case '"':
			return text[:end+1]
		}
	}
	return nil
}

// scan looks at the context now and then.
type scan struct {
	ctx  context.Context
	seen int
}

func (s *scan) step() error {
	s.seen++
	if s.seen%4096 != 0 {
		return nil
	}
	return alive(s.ctx)
}

// Last implements presence.Past. It looks at the newest streams first, backwards, until
// everybody is found.
func (p past) Last(ctx context.Context, users []string) ([]events.Event, error) {
	last := make(map[string]events.Event, len(users)) // by name as JSON
	for _, user := range users {
		name, err := json.Marshal(user)
		if err != nil {
			return nil, err
		}
		last[string(name)] = events.Event{}
	}
	err := p.d.view(ctx, "last events of users", func(tx *bbolt.Tx) error {
		all, err := lifetimes(tx)
		if err != nil {
			return err
		}
		slices.SortFunc(all, func(a, b lifetime) int { return b.last.At.Compare(a.last.At) })
		for _, l := range all {
			if err := l.lastOf(ctx, tx.Bucket(eventsBucket), last); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	found := make([]events.Event, 0, len(last))
	for _, e := range last {
		if e.Type != 0 {
			found = append(found, e)
		}
	}
	return found, nil
}

// lastOf looks backwards through the stream for the users whose last event may be in it.
func (l lifetime) lastOf(ctx context.Context, b *bbolt.Bucket, last map[string]events.Event) error {
	wanted := make(map[string]bool)
	for name, e := range last {
		if e.Type == 0 || !e.At.After(l.last.At) {
			wanted[name] = true
		}
	}
	s := scan{ctx: ctx}
	c := b.Cursor()
	prefix := []byte(l.stream.Prefix())
	for key, value := before(c, after(l.stream)); len(wanted) > 0 && bytes.HasPrefix(key, prefix); key, value = c.Prev() {
		if err := s.step(); err != nil {
			return err
		}
		name := userOf(value)
		if !wanted[string(name)] {
			continue
		}
		delete(wanted, string(name))
		e, err := decodeEvent(key, value)
		if err != nil {
			return err
		}
		if presence.MomentOf(e).Compare(presence.MomentOf(last[string(name)])) > 0 {
			last[string(name)] = e
		}
	}
	return nil
}

var horizonKey = []byte("horizon")

// Horizon implements presence.Past.
func (p past) Horizon(ctx context.Context) (at time.Time, err error) {
	err = p.d.view(ctx, "horizon", func(tx *bbolt.Tx) (err error) {
		at, err = horizonOf(tx)
		return err
	})
	return at, err
}

func horizonOf(tx *bbolt.Tx) (time.Time, error) {
	value := tx.Bucket(metaBucket).Get(horizonKey)
	if value == nil {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, string(value))
	if err != nil {
		return time.Time{}, damaged(horizonKey, err)
	}
	return events.Milliseconds(at), nil
}
