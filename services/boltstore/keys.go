package boltstore

import (
	"bytes"

	"go.etcd.io/bbolt"

	"github.com/presenced/presence/events"
)

// after is the first text that is beyond every key with the prefix of s: "0" is the
// character after "/".
func after(s events.Stream) []byte { return append([]byte(s.String()), '0') }

// afterNode is the first text beyond every key of a node id, in all its epochs.
func afterNode(node string) []byte { return append([]byte(node), '0') }

// before moves c to the last key before limit.
func before(c *bbolt.Cursor, limit []byte) (key, value []byte) {
	if key, _ := c.Seek(limit); key == nil {
		return c.Last()
	}
	return c.Prev()
}

// streamOf is the stream of a key of events or online.
func streamOf(key []byte) (events.Stream, error) {
	p, err := events.ParsePosition(string(key))
	if err != nil {
		return events.Stream{}, damaged(key, err)
	}
	return p.Stream, nil
}

// streamsAfter skips through the keys of b, one seek for each stream, and returns up
// to limit streams after the given one. The zero Stream is before all others.
func streamsAfter(b *bbolt.Bucket, last events.Stream, limit int) (streams []events.Stream, err error) {
	c := b.Cursor()
	var key []byte
	if last.IsZero() {
		key, _ = c.First()
	} else {
		key, _ = c.Seek(after(last))
	}
	for ; key != nil && len(streams) < limit; key, _ = c.Seek(after(last)) {
		if last, err = streamOf(key); err != nil {
			return nil, err
		}
		streams = append(streams, last)
	}
	return streams, nil
}

// each calls f with the keys that begin with prefix, from first on, until f returns
// false or an error.
func each(b *bbolt.Bucket, first, prefix []byte, f func(key, value []byte) (bool, error)) error {
	c := b.Cursor()
	for key, value := c.Seek(first); key != nil && bytes.HasPrefix(key, prefix); key, value = c.Next() {
		if more, err := f(key, value); err != nil || !more {
			return err
		}
	}
	return nil
}
