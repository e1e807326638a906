package boltstore

import (
	"context"
	"encoding/json"
	"time"

	"go.etcd.io/bbolt"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// snapshots is the presence.Snapshots of a DB. Its bucket is made with the first
// snapshot, so that files without one need no other format.
type snapshots struct{ d *DB }

var _ presence.Snapshots = snapshots{}

var snapshotsBucket = []byte("snapshots")

// chunkRecord is a chunk as a document of snapshots.
type chunkRecord struct {
	ID      string       `json:"_id"`
	At      time.Time    `json:"at"`
	Open    []openRecord `json:"open"`
	Chunks  int          `json:"chunks"`
	Version int          `json:"v"`
}

type openRecord struct {
	Conn  string    `json:"conn"`
	User  string    `json:"user"`
	Since time.Time `json:"since"`
}

func encodeChunk(c presence.Chunk) ([]byte, error) {
	r := chunkRecord{ID: c.ID(), At: c.At, Open: make([]openRecord, len(c.Open)), Chunks: c.Chunks, Version: c.Version}
	for i, o := range c.Open {
		r.Open[i] = openRecord{Conn: o.Conn.String(), User: o.User, Since: o.Since}
	}
	return json.Marshal(r)
}

func decodeChunk(key, value []byte) (c presence.Chunk, err error) {
	var r chunkRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return c, damaged(key, err)
	}
	c = presence.Chunk{At: events.Milliseconds(r.At), Chunks: r.Chunks, Version: r.Version, Open: make([]events.Open, len(r.Open))}
	if c.Of, c.N, err = presence.ParseChunkID(string(key)); err != nil {
		return c, damaged(key, err)
	}
	for i, o := range r.Open {
		conn, err := events.ParsePosition(o.Conn)
		if err != nil {
			return c, damaged(key, err)
		}
		c.Open[i] = events.Open{Conn: conn, User: o.User, Since: events.Milliseconds(o.Since)}
	}
	return c, nil
}

// Add implements presence.Snapshots.
func (s snapshots) Add(ctx context.Context, chunks []presence.Chunk) error {
	return s.d.update(ctx, "add snapshot", func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(snapshotsBucket)
		if err != nil {
			return err
		}
		for _, c := range chunks {
			key := []byte(c.ID())
			if b.Get(key) != nil {
				continue
			}
			value, err := encodeChunk(c)
			if err != nil {
				return err
			}
			if err := b.Put(key, value); err != nil {
				return err
			}
		}
		return nil
	})
}

// Read implements presence.Snapshots.
func (s snapshots) Read(ctx context.Context, at events.Position) (chunks []presence.Chunk, err error) {
	err = s.d.view(ctx, "read snapshot "+at.String(), func(tx *bbolt.Tx) error {
		b := tx.Bucket(snapshotsBucket)
		if b == nil {
			return nil
		}
		prefix := []byte(at.String() + "/")
		return each(b, prefix, prefix, func(key, value []byte) (bool, error) {
			c, err := decodeChunk(key, value)
			chunks = append(chunks, c)
			return true, err
		})
	})
	if err != nil {
		return nil, err
	}
	return chunks, nil
}

// Before implements presence.Snapshots.
func (s snapshots) Before(ctx context.Context, p events.Position) (events.Position, error) {
	return s.find(ctx, p, func(c *bbolt.Cursor) []byte {
		key, _ := before(c, []byte(p.String()+"0"))
		return key
	})
}

// After implements presence.Snapshots.
func (s snapshots) After(ctx context.Context, p events.Position) (events.Position, error) {
	return s.find(ctx, p, func(c *bbolt.Cursor) []byte {
		key, _ := c.Seek([]byte(p.String()))
		return key
	})
}

// find is the position in the key that seek finds, if it is of p's stream.
func (s snapshots) find(ctx context.Context, p events.Position, seek func(*bbolt.Cursor) []byte) (at events.Position, err error) {
	err = s.d.view(ctx, "find a snapshot of "+p.Stream.String(), func(tx *bbolt.Tx) error {
		b := tx.Bucket(snapshotsBucket)
		if b == nil {
			return events.ErrNotFound
		}
		key := seek(b.Cursor())
		if key == nil {
			return events.ErrNotFound
		}
		found, _, err := presence.ParseChunkID(string(key))
		if err != nil {
			return damaged(key, err)
		}
		if found.Stream != p.Stream {
			return events.ErrNotFound
		}
		at = found
		return nil
	})
	return at, err
}
