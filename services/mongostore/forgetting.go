package mongostore

import (
	"context"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// forgetting renames users. Events are found by their ids; the snapshots that name a user
// by reading all of them, on the server, for which there is no index.
type forgetting struct {
	events    collection
	snapshots collection
	kicks     collection
	notes     collection
}

var _ presence.Forgetting = forgetting{}

// noteDoc is a document of forgetting.
type noteDoc struct {
	ID        string `bson:"_id"` // the user
	Tombstone string `bson:"tombstone"`
}

// Begin implements presence.Forgetting.
func (f forgetting) Begin(ctx context.Context, user, tombstone string) (string, error) {
	err := f.notes.insert(ctx, []noteDoc{{user, tombstone}}, true)
	if err == nil {
		return tombstone, nil
	}
	if !onlyTaken(err) {
		return "", wrap("note in", collForgetting, err)
	}
	noted, err := f.Begun(ctx, user)
	if err == nil && noted == "" {
		err = fmt.Errorf("mongodb: note in %s: %w: another note was there, and has just been removed", collForgetting, events.ErrUnavailable)
	}
	return noted, err
}

// Begun implements presence.Forgetting.
func (f forgetting) Begun(ctx context.Context, user string) (string, error) {
	var docs []noteDoc
	err := f.notes.find(ctx, &docs, bson.D{{Key: "_id", Value: user}}, options.Find().SetLimit(1))
	if err != nil || len(docs) == 0 {
		return "", wrap("read", collForgetting, err)
	}
	return docs[0].Tombstone, nil
}

// End implements presence.Forgetting.
func (f forgetting) End(ctx context.Context, user string) error {
	return wrap("remove a note of", collForgetting, f.notes.deleteMany(ctx, bson.D{{Key: "_id", Value: user}}))
}

// RenameEvents implements presence.Forgetting.
func (f forgetting) RenameEvents(ctx context.Context, user, tombstone string, at []events.Position) error {
	change := bson.D{
		{Key: "$set", Value: bson.D{{Key: "user", Value: tombstone}}},
		{Key: "$unset", Value: bson.D{{Key: "remote", Value: ""}, {Key: "agent", Value: ""}}},
	}
	for batch := range slices.Chunk(at, f.events.batch) {
		filter := append(among(batch), bson.E{Key: "user", Value: user})
		if err := f.events.updateMany(ctx, filter, change); err != nil {
			return wrap("rename events from", batch[0].String(), err)
		}
	}
	return nil
}

// Chunks implements presence.Forgetting.
func (f forgetting) Chunks(ctx context.Context, user, after string, limit int) ([]presence.Chunk, error) {
	if limit < 1 {
		return nil, nil
	}
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}, {Key: "open.user", Value: user}}
	var docs []chunkDoc
	err := f.snapshots.find(ctx, &docs, filter, options.Find().SetSort(ascending()).SetLimit(int64(limit)).SetBatchSize(batchSize(limit)))
	if err != nil {
		return nil, wrap("find snapshots with a user after", after, err)
	}
	return chunksOf(docs)
}

// RenameOpen implements presence.Forgetting. The order of a chunk's connections never
// changes, so each is named by its place: two calls, for two users, do not undo each other.
func (f forgetting) RenameOpen(ctx context.Context, c presence.Chunk, names map[events.Position]string) error {
	var set bson.D
	for i, o := range c.Open {
		if name, renamed := names[o.Conn]; renamed {
			set = append(set, bson.E{Key: fmt.Sprintf("open.%d.user", i), Value: name})
		}
	}
	if len(set) == 0 {
		return nil
	}
	filter := bson.D{{Key: "_id", Value: c.ID()}}
	return wrap("rename in snapshot", c.ID(), f.snapshots.updateMany(ctx, filter, bson.D{{Key: "$set", Value: set}}))
}

// DropReasons implements presence.Forgetting.
func (f forgetting) DropReasons(ctx context.Context, conns []events.Position) error {
	change := bson.D{{Key: "$unset", Value: bson.D{{Key: "reason", Value: ""}}}}
	for batch := range slices.Chunk(conns, f.kicks.batch) {
		if err := f.kicks.updateMany(ctx, among(batch), change); err != nil {
			return wrap("drop reasons of kicks from", batch[0].String(), err)
		}
	}
	return nil
}
