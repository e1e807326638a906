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

// nodes is the collection nodes.
type nodes struct {
	control collection
}

var _ presence.Nodes = nodes{}

// Join implements presence.Nodes. An insert cannot ask for the server's clock, so the
// document is stamped by an update that follows it. If that one fails, then beatAt is of
// this machine's clock until the first beat, which nothing but the view online_users
// looks at.
func (n nodes) Join(ctx context.Context, node presence.Node) error {
	key := node.Stream.String()
	err := n.control.insert(ctx, []nodeDoc{nodeDocOf(node, events.Milliseconds(time.Now()))}, true)
	if onlyTaken(err) {
		return nil
	}
	if err != nil {
		return wrap("join", key, err)
	}
	_, err = n.update(ctx, beatFilter(key, node.Beat, node.Beat), bson.D{stamp()})
	return wrap("join", key, err)
}

// Beat implements presence.Nodes.
func (n nodes) Beat(ctx context.Context, node presence.Node, acked uint64) error {
	d := nodeDocOf(node, time.Time{})
	set := bson.D{
		{Key: "addr", Value: d.Addr}, {Key: "beat", Value: d.Beat}, {Key: "tail", Value: d.Tail},
		{Key: "connections", Value: d.Connections}, {Key: "version", Value: d.Version},
		{Key: "startedAt", Value: d.StartedAt},
	}
	matched, err := n.update(ctx, beatFilter(d.ID, acked, node.Beat), bson.D{{Key: "$set", Value: set}, stamp()})
	if err != nil {
		return wrap("beat", d.ID, err)
	}
	if !matched {
		return fmt.Errorf("mongodb: beat %s: %w", d.ID, presence.ErrBeatLost)
	}
	return nil
}

func (n nodes) update(ctx context.Context, filter, change bson.D) (matched bool, err error) {
	ctx, cancel := n.control.bounded(ctx)
	defer cancel()
	result, err := n.control.UpdateOne(ctx, filter, change)
	if err != nil {
		return false, err
	}
	return result.MatchedCount == 1, nil
}

// beatFilter selects the document of a stream at a beat from low to high.
func beatFilter(id string, low, high uint64) bson.D {
	return bson.D{
		{Key: "_id", Value: id},
		{Key: "beat", Value: bson.D{{Key: "$gte", Value: int64(low)}, {Key: "$lte", Value: int64(high)}}},
	}
}

// stamp sets beatAt by the server's clock.
func stamp() bson.E { return bson.E{Key: "$currentDate", Value: bson.D{{Key: "beatAt", Value: true}}} }

// Remove implements presence.Nodes.
func (n nodes) Remove(ctx context.Context, s events.Stream) error {
	ctx, cancel := n.control.bounded(ctx)
	defer cancel()
	_, err := n.control.DeleteOne(ctx, bson.D{{Key: "_id", Value: s.String()}})
	return wrap("remove node", s.String(), err)
}

// All implements presence.Nodes.
func (n nodes) All(ctx context.Context) ([]presence.Node, error) {
	var docs []nodeDoc
	if err := n.control.find(ctx, &docs, bson.D{}, options.Find().SetSort(ascending())); err != nil {
		return nil, wrap("list", "nodes", err)
	}
	all := make([]presence.Node, len(docs))
	for i, d := range docs {
		node, err := d.node()
		if err != nil {
			return nil, err
		}
		all[i] = node
	}
	return all, nil
}
