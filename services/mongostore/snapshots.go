package mongostore

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// snapshots is the collection snapshots.
type snapshots struct {
	data collection
}

var _ presence.Snapshots = snapshots{}

// chunkDoc is a document of snapshots.
type chunkDoc struct {
	ID      string    `bson:"_id"`
	At      time.Time `bson:"at"`
	Open    []openDoc `bson:"open"`
	Chunks  int32     `bson:"chunks"`
	Version int32     `bson:"v"`
}

type openDoc struct {
	Conn  string    `bson:"conn"`
	User  string    `bson:"user"`
	Since time.Time `bson:"since"`
}

func chunkDocOf(c presence.Chunk) chunkDoc {
	d := chunkDoc{ID: c.ID(), At: c.At, Open: make([]openDoc, len(c.Open)), Chunks: int32(c.Chunks), Version: int32(c.Version)}
	for i, o := range c.Open {
		d.Open[i] = openDoc{Conn: o.Conn.String(), User: o.User, Since: o.Since}
	}
	return d
}

func (d chunkDoc) chunk() (presence.Chunk, error) {
	of, n, err := presence.ParseChunkID(d.ID)
	if err != nil {
		return presence.Chunk{}, fmt.Errorf("%w: snapshots: %w", events.ErrInvalid, err)
	}
	c := presence.Chunk{
		Of: of, N: n, Chunks: int(d.Chunks), At: events.Milliseconds(d.At), Open: make([]events.Open, len(d.Open)), Version: int(d.Version),
	}
	for i, o := range d.Open {
		conn, err := events.ParsePosition(o.Conn)
		if err != nil {
			return presence.Chunk{}, fmt.Errorf("%w: snapshots %s: %w", events.ErrInvalid, d.ID, err)
		}
		c.Open[i] = events.Open{Conn: conn, User: o.User, Since: events.Milliseconds(o.Since)}
	}
	return c, nil
}

// Add implements presence.Snapshots, a chunk at a time: one may be 250 KB.
func (s snapshots) Add(ctx context.Context, chunks []presence.Chunk) error {
	for _, c := range chunks {
		if err := s.data.insert(ctx, []chunkDoc{chunkDocOf(c)}, false); err != nil && !onlyTaken(err) {
			return wrap("add snapshot", c.ID(), err)
		}
	}
	return nil
}

// Read implements presence.Snapshots.
func (s snapshots) Read(ctx context.Context, at events.Position) ([]presence.Chunk, error) {
	var docs []chunkDoc
	err := s.data.find(ctx, &docs, idRange(at.String()+"/", at.String()+"0"), options.Find().SetSort(ascending()))
	if err != nil {
		return nil, wrap("read snapshot", at.String(), err)
	}
	return chunksOf(docs)
}

// chunksOf are the chunks of documents.
func chunksOf(docs []chunkDoc) (chunks []presence.Chunk, err error) {
	chunks = make([]presence.Chunk, len(docs))
	for i, d := range docs {
		if chunks[i], err = d.chunk(); err != nil {
			return nil, err
		}
	}
	return chunks, nil
}

// Before implements presence.Snapshots.
func (s snapshots) Before(ctx context.Context, p events.Position) (events.Position, error) {
	return s.first(ctx, p, idRange(p.Prefix(), p.String()+"0"), descending())
}

// After implements presence.Snapshots.
func (s snapshots) After(ctx context.Context, p events.Position) (events.Position, error) {
	return s.first(ctx, p, idRange(p.String(), streamEnd(p.Stream)), ascending())
}

// first is the position of the first chunk among those that the filter selects.
func (s snapshots) first(ctx context.Context, p events.Position, filter, order bson.D) (events.Position, error) {
	var ids []struct {
		ID string `bson:"_id"`
	}
	err := s.data.find(ctx, &ids, filter, options.Find().SetSort(order).SetLimit(1).SetProjection(ascending()))
	switch {
	case err != nil:
		return events.Position{}, wrap("find a snapshot near", p.String(), err)
	case len(ids) == 0:
		return events.Position{}, fmt.Errorf("mongodb: find a snapshot near %s: %w", p, events.ErrNotFound)
	}
	of, _, err := presence.ParseChunkID(ids[0].ID)
	return of, invalid("find a snapshot near", p.String(), err)
}
