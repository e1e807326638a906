package mongostore

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/presenced/presence/events"
)

// maxBatch is the most documents in one command: what an appender sends at once.
const maxBatch = 1000

// collection is a collection as one of the two clients sees it.
type collection struct {
	*mongo.Collection
	timeout time.Duration // of one operation
	batch   int           // the most documents that one command writes or deletes
}

// bounded gives an operation its time. The server is told of it too, so that it does
// not go on for long with what nobody waits for.
func (c collection) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.timeout)
}

// insert adds documents, at most c.batch.
func (c collection) insert(ctx context.Context, docs any, ordered bool) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	_, err := c.InsertMany(ctx, docs, options.InsertMany().SetOrdered(ordered))
	return err
}

// deleteMany deletes what the filter selects.
func (c collection) deleteMany(ctx context.Context, filter any) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	_, err := c.DeleteMany(ctx, filter)
	return err
}

// updateMany changes what the filter selects.
func (c collection) updateMany(ctx context.Context, filter, change any) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	_, err := c.UpdateMany(ctx, filter, change)
	return err
}

// find reads documents into the slice that out points at.
func (c collection) find(ctx context.Context, out, filter any, o *options.FindOptionsBuilder) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	cursor, err := c.Find(ctx, filter, o)
	if err != nil {
		return err
	}
	return cursor.All(ctx, out)
}

// idRange selects the ids from (included) to (excluded).
func idRange(from, to string) bson.D {
	return bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: from}, {Key: "$lt", Value: to}}}}
}

// streamEnd is the first text after all ids of a stream: "0" is the character that
// follows the "/" with which its prefix ends. Likewise for the ids of a node.
func streamEnd(s events.Stream) string { return s.String() + "0" }

func ascending() bson.D  { return bson.D{{Key: "_id", Value: 1}} }
func descending() bson.D { return bson.D{{Key: "_id", Value: -1}} }

// streams skips through the ids of a collection, a read for each stream, and returns
// up to limit streams after the given one; a limit of 0 is none.
func (c collection) streams(ctx context.Context, after events.Stream, limit int) ([]events.Stream, error) {
	var found []events.Stream
	from := ""
	if !after.IsZero() {
		from = streamEnd(after)
	}
	for limit == 0 || len(found) < limit {
		s, err := c.firstStream(ctx, from)
		if err != nil {
			return nil, err
		}
		if s.IsZero() {
			break
		}
		found = append(found, s)
		from = streamEnd(s)
	}
	return found, nil
}

// firstStream is the stream of the first id from a text on, or the zero Stream.
func (c collection) firstStream(ctx context.Context, from string) (events.Stream, error) {
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: from}}}}
	var ids []struct {
		ID string `bson:"_id"`
	}
	err := c.find(ctx, &ids, filter, options.Find().SetSort(ascending()).SetLimit(1).SetProjection(ascending()))
	if err != nil || len(ids) == 0 {
		return events.Stream{}, wrap("list streams of "+c.Name()+" from", from, err)
	}
	p, err := events.ParsePosition(ids[0].ID)
	return p.Stream, invalid("list streams of "+c.Name()+" from", from, err)
}
