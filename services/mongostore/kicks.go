package mongostore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// kicks is the collection kicks.
type kicks struct {
	data collection
}

var _ presence.Kicks = kicks{}

// kickDoc is a document of kicks.
type kickDoc struct {
	ID     string    `bson:"_id"`
	At     time.Time `bson:"at"`
	By     string    `bson:"by"`
	Reason string    `bson:"reason,omitempty"`
}

func (d kickDoc) kick() (presence.Kick, error) {
	conn, err := events.ParsePosition(d.ID)
	if err != nil {
		return presence.Kick{}, fmt.Errorf("%w: kicks: %w", events.ErrInvalid, err)
	}
	return presence.Kick{Conn: conn, At: events.Milliseconds(d.At), By: d.By, Reason: d.Reason}, nil
}

// Add implements presence.Kicks.
func (s kicks) Add(ctx context.Context, add []presence.Kick) error {
	for batch := range slices.Chunk(add, s.data.batch) {
		docs := make([]kickDoc, len(batch))
		for i, k := range batch {
			docs[i] = kickDoc{ID: k.Conn.String(), At: k.At, By: k.By, Reason: k.Reason}
		}
		if err := s.data.insert(ctx, docs, false); err != nil && !onlyTaken(err) {
			return wrap("add kicks from", docs[0].ID, err)
		}
	}
	return nil
}

// OfNode implements presence.Kicks.
func (s kicks) OfNode(ctx context.Context, node string, after events.Position, limit int) ([]presence.Kick, error) {
	if limit < 1 {
		return nil, nil
	}
	from := node + "/"
	if !after.IsZero() {
		from = after.Next().String()
	}
	var docs []kickDoc
	err := s.data.find(ctx, &docs, idRange(from, node+"0"),
		options.Find().SetSort(ascending()).SetLimit(int64(limit)).SetBatchSize(batchSize(limit)))
	if err != nil {
		return nil, wrap("read kicks from", from, err)
	}
	list := make([]presence.Kick, len(docs))
	for i, d := range docs {
		if list[i], err = d.kick(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Pending implements presence.Kicks.
func (s kicks) Pending(ctx context.Context, conns []events.Position) ([]events.Position, error) {
	if len(conns) == 0 {
		return nil, nil
	}
	var docs []kickDoc
	err := s.data.find(ctx, &docs, among(conns), options.Find().SetSort(ascending()).SetProjection(ascending()))
	if err != nil {
		return nil, wrap("read pending kicks from", conns[0].String(), err)
	}
	pending := make([]events.Position, len(docs))
	for i, d := range docs {
		if pending[i], err = events.ParsePosition(d.ID); err != nil {
			return nil, invalid("read pending kicks from", conns[0].String(), err)
		}
	}
	return pending, nil
}

// Remove implements presence.Kicks.
func (s kicks) Remove(ctx context.Context, conns []events.Position) error {
	for batch := range slices.Chunk(conns, s.data.batch) {
		if err := s.data.deleteMany(ctx, among(batch)); err != nil {
			return wrap("remove kicks from", batch[0].String(), err)
		}
	}
	return nil
}

// among selects documents by their ids.
func among(positions []events.Position) bson.D {
	ids := make([]string, len(positions))
	for i, p := range positions {
		ids[i] = p.String()
	}
	return bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}
}

// Streams implements presence.Kicks.
func (s kicks) Streams(ctx context.Context) ([]events.Stream, error) {
	return s.data.streams(ctx, events.Stream{}, 0)
}
