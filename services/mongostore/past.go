package mongostore

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// past finds events by the index {user, at, _id}.
type past struct {
	data     collection // events
	horizons collection
}

var _ presence.Past = past{}

// lookups is how many users Last asks for at once: half of the connections.
const lookups = dataPool / 2

// OfUser implements presence.Past.
func (p past) OfUser(ctx context.Context, user string, after presence.Moment, limit int) ([]events.Event, error) {
	if limit < 1 {
		return nil, nil
	}
	var docs []eventDoc
	err := p.data.find(ctx, &docs, ofUser(user, after), options.Find().
		SetSort(bson.D{{Key: "at", Value: 1}, {Key: "_id", Value: 1}}).
		SetLimit(int64(limit)).SetBatchSize(batchSize(limit)))
	if err != nil {
		return nil, wrap("events of user", fmt.Sprintf("%q", user), err)
	}
	return eventsOf(docs)
}

// ofUser selects the events of a user after a moment. The bound on at alone is what the
// index is searched by.
func ofUser(user string, after presence.Moment) bson.D {
	filter := bson.D{{Key: "user", Value: user}}
	if after.At.IsZero() {
		return filter
	}
	filter = append(filter, bson.E{Key: "at", Value: bson.D{{Key: "$gte", Value: after.At}}})
	if after.ID.IsZero() {
		return filter
	}
	return append(filter, bson.E{Key: "$or", Value: bson.A{
		bson.D{{Key: "at", Value: bson.D{{Key: "$gt", Value: after.At}}}},
		bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after.ID.String()}}}},
	}})
}

// Last implements presence.Past with a read for each user, some at a time.
func (p past) Last(ctx context.Context, users []string) ([]events.Event, error) {
	users = slices.Compact(slices.Sorted(slices.Values(users)))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan string) // closed when all users were handed out
	var (
		readers sync.WaitGroup
		mu      sync.Mutex
		found   []events.Event
		failed  error
	)
	for range min(lookups, len(users)) {
		readers.Go(func() {
			for user := range work {
				run, err := p.lastOf(ctx, user)
				mu.Lock()
				found = append(found, run...)
				if err != nil && failed == nil {
					failed = err
					cancel(err)
				}
				mu.Unlock()
			}
		})
	}
	for _, user := range users {
		work <- user
	}
	close(work)
	readers.Wait()
	if failed != nil {
		return nil, failed
	}
	return found, nil
}

func (p past) lastOf(ctx context.Context, user string) ([]events.Event, error) {
	var docs []eventDoc
	err := p.data.find(ctx, &docs, bson.D{{Key: "user", Value: user}}, options.Find().
		SetSort(bson.D{{Key: "at", Value: -1}, {Key: "_id", Value: -1}}).SetLimit(1))
	if err != nil {
		return nil, wrap("last event of user", fmt.Sprintf("%q", user), err)
	}
	return eventsOf(docs)
}

// horizonDoc is a document of horizons. There is one for each time that was ever set, so
// that to set one is to insert an id.
type horizonDoc struct {
	ID string    `bson:"_id"` // at, as horizonFormat: its order as text is that of time
	At time.Time `bson:"at"`
}

const horizonFormat = "2006-01-02T15:04:05.000Z"

// Horizon implements presence.Past.
func (p past) Horizon(ctx context.Context) (time.Time, error) {
	var docs []horizonDoc
	err := p.horizons.find(ctx, &docs, bson.D{}, options.Find().SetSort(descending()).SetLimit(1))
	if err != nil || len(docs) == 0 {
		return time.Time{}, wrap("read", collHorizons, err)
	}
	return events.Milliseconds(docs[0].At), nil
}
