package mongostore

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/presenced/presence/events"
)

// eventLog is the collection events as the log.
type eventLog struct {
	data    collection
	control collection // for tails, which the beat waits for
}

var _ events.Log = eventLog{}

// Append implements events.Log with one ordered insert for each batch.
func (l eventLog) Append(ctx context.Context, run []events.Event) (n int, err error) {
	if err := events.ValidateRun(run); err != nil {
		return 0, err
	}
	for n < len(run) {
		batch := run[n:min(n+l.data.batch, len(run))]
		done, err := l.insert(ctx, batch)
		n += done
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// insert appends one batch and returns how many of it are surely durable.
func (l eventLog) insert(ctx context.Context, batch []events.Event) (int, error) {
	docs := make([]eventDoc, len(batch))
	for i, e := range batch {
		docs[i] = eventDocOf(e)
	}
	err := l.data.insert(ctx, docs, true)
	n, occupied := durable(err, len(batch))
	if occupied {
		return n, fmt.Errorf("mongodb: append: %w", &events.OccupiedError{At: batch[n].ID})
	}
	return n, wrap("append", batch[min(n, len(batch)-1)].ID.String(), err)
}

// Read implements events.Log.
func (l eventLog) Read(ctx context.Context, from events.Position, limit int) ([]events.Event, error) {
	if limit < 1 {
		return nil, nil
	}
	var docs []eventDoc
	err := l.data.find(ctx, &docs, idRange(from.String(), streamEnd(from.Stream)),
		options.Find().SetSort(ascending()).SetLimit(int64(limit)).SetBatchSize(batchSize(limit)))
	if err != nil {
		return nil, wrap("read events from", from.String(), err)
	}
	return eventsOf(docs)
}

// batchSize is how many documents a server is asked to send at once: all of a page, so
// that a page is one round trip; a longer read comes in several.
func batchSize(limit int) int32 { return int32(min(limit, 10*maxBatch)) }

func eventsOf(docs []eventDoc) ([]events.Event, error) {
	list := make([]events.Event, len(docs))
	for i, d := range docs {
		e, err := d.event()
		if err != nil {
			return nil, err
		}
		list[i] = e
	}
	return list, nil
}

// Tail implements events.Log.
func (l eventLog) Tail(ctx context.Context, s events.Stream) (events.Event, error) {
	return l.last(ctx, "tail of", s.String(), idRange(s.Prefix(), streamEnd(s)))
}

// Highest implements events.Log.
func (l eventLog) Highest(ctx context.Context, node string) (events.Event, error) {
	return l.last(ctx, "highest epoch of", node, idRange(node+"/", node+"0"))
}

// last is the event with the highest id that the filter selects.
func (l eventLog) last(ctx context.Context, operation, key string, filter bson.D) (events.Event, error) {
	var docs []eventDoc
	err := l.control.find(ctx, &docs, filter, options.Find().SetSort(descending()).SetLimit(1))
	switch {
	case err != nil:
		return events.Event{}, wrap(operation, key, err)
	case len(docs) == 0:
		return events.Event{}, fmt.Errorf("mongodb: %s %s: %w", operation, key, events.ErrNotFound)
	}
	return docs[0].event()
}

// Streams implements events.Log.
func (l eventLog) Streams(ctx context.Context, after events.Stream, limit int) ([]events.Stream, error) {
	if limit < 1 {
		return nil, nil
	}
	return l.data.streams(ctx, after, limit)
}
