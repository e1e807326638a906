package mongostore

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

const (
	// changeWait is how long the server holds a question for changes before it answers
	// that there are none.
	changeWait = 5 * time.Second

	// After a failure the change stream is opened again, each time later.
	reopenMin = time.Second
	reopenMax = 30 * time.Second
)

// changes is a change stream on events. A replica set and a sharded cluster have them.
type changes struct{ data collection }

var _ presence.Changes = changes{}

// Watch implements presence.Changes. The driver itself takes up a stream again after
// what passes by itself, an election for one; what it gives up on begins anew.
func (c changes) Watch(ctx context.Context, appended func()) error {
	wait := reopenMin
	for {
		opened, err := c.watch(ctx, appended)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, events.ErrRefused):
			return err
		case opened:
			wait = reopenMin
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
		wait = min(2*wait, reopenMax)
	}
}

// watch is one change stream, from its opening to its end.
func (c changes) watch(ctx context.Context, appended func()) (opened bool, err error) {
	const operation = "watch"
	stream, err := c.open(ctx)
	if err != nil {
		return false, wrap(operation, collEvents, err)
	}
	defer closeStream(ctx, stream)
	appended() // what came before it was open, it does not tell
	for stream.Next(ctx) {
		appended()
	}
	return true, wrap(operation, collEvents, stream.Err())
}

// open asks for new documents, and of them for nothing but the token by which the driver
// takes up a stream again.
func (c changes) open(ctx context.Context) (*mongo.ChangeStream, error) {
	ctx, cancel := c.data.bounded(ctx)
	defer cancel()
	return c.data.Watch(ctx, mongo.Pipeline{
		{{Key: "$match", Value: bson.D{{Key: "operationType", Value: "insert"}}}},
		{{Key: "$project", Value: bson.D{{Key: "_id", Value: 1}}}},
	}, options.ChangeStream().SetMaxAwaitTime(changeWait))
}

// closeStream ends the stream on the server too, although ctx has ended.
func closeStream(ctx context.Context, stream *mongo.ChangeStream) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveUpTimeout)
	defer cancel()
	_ = stream.Close(ctx) // a server that is away forgets it by itself
}
