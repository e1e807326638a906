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

// hooks is the collection hooks. The hook is its last document, whose id is the
// revision: to save the next one is to insert it, and who comes too late finds that id
// taken. The documents before it are deleted. An insert that arrives when its revision was
// already deleted makes a document that is not the last one, and so no hook.
type hooks struct {
	data    collection
	control collection // for the lease
}

var _ presence.Hooks = hooks{}

// hookDoc is a document of hooks. But for its beat it never changes.
type hookDoc struct {
	ID       string       `bson:"_id"` // revision, 16 hex
	Owner    string       `bson:"owner"`
	Beat     int64        `bson:"beat"`
	Target   string       `bson:"target"`
	Number   int64        `bson:"number"`
	Position string       `bson:"position"`
	Odd      []oddDoc     `bson:"odd,omitempty"`
	Part     int          `bson:"part,omitempty"`
	After    string       `bson:"after,omitempty"`
	Pending  *deliveryDoc `bson:"pending,omitempty"`
}

type oddDoc struct {
	User string    `bson:"user"`
	Told bool      `bson:"told"`
	At   time.Time `bson:"at"`
}

type deliveryDoc struct {
	ID   string    `bson:"id"`
	At   time.Time `bson:"at"`
	Body string    `bson:"body"`
}

func revisionID(revision uint64) string { return fmt.Sprintf("%016x", revision) }

func hookDocOf(h presence.Hook) hookDoc {
	d := hookDoc{
		ID: revisionID(h.Revision), Owner: h.Owner, Beat: int64(h.Beat), Target: h.Target, Number: int64(h.Number),
		Position: h.Position, Part: h.Part, After: h.After,
	}
	for _, o := range h.Odd {
		d.Odd = append(d.Odd, oddDoc(o))
	}
	if h.Pending.ID != "" {
		d.Pending = new(deliveryDoc(h.Pending))
	}
	return d
}

func (d hookDoc) hook() (h presence.Hook, err error) {
	if _, err := fmt.Sscanf(d.ID, "%016x", &h.Revision); err != nil || revisionID(h.Revision) != d.ID {
		return h, fmt.Errorf("%w: hooks: %q is no revision", events.ErrInvalid, d.ID)
	}
	h = presence.Hook{
		HookLease: presence.HookLease{Revision: h.Revision, Owner: d.Owner, Beat: uint64(d.Beat)},
		Target:    d.Target, Number: uint64(d.Number), Position: d.Position, Part: d.Part, After: d.After,
	}
	for _, o := range d.Odd {
		o.At = events.Milliseconds(o.At)
		h.Odd = append(h.Odd, presence.HookOdd(o))
	}
	if d.Pending != nil {
		h.Pending = presence.HookDelivery(*d.Pending)
		h.Pending.At = events.Milliseconds(h.Pending.At)
	}
	return h, nil
}

// Lease implements presence.Hooks.
func (s hooks) Lease(ctx context.Context) (presence.HookLease, error) {
	some := bson.D{{Key: "_id", Value: 1}, {Key: "owner", Value: 1}, {Key: "beat", Value: 1}}
	h, err := last(ctx, s.control, options.Find().SetProjection(some))
	return h.HookLease, err
}

// Load implements presence.Hooks.
func (s hooks) Load(ctx context.Context) (presence.Hook, error) {
	return last(ctx, s.data, options.Find())
}

// last is the hook, or what the options leave of it.
func last(ctx context.Context, c collection, o *options.FindOptionsBuilder) (presence.Hook, error) {
	var docs []hookDoc
	err := c.find(ctx, &docs, bson.D{}, o.SetSort(descending()).SetLimit(1))
	if err != nil || len(docs) == 0 {
		return presence.Hook{}, wrap("read", "the hook", err)
	}
	return docs[0].hook()
}

// Save implements presence.Hooks.
func (s hooks) Save(ctx context.Context, h presence.Hook) error {
	id := revisionID(h.Revision)
	if err := s.data.insert(ctx, []hookDoc{hookDocOf(h)}, true); err != nil && !onlyTaken(err) {
		return wrap("save hook", id, err)
	}
	if err := s.isLast(ctx, h.HookLease); err != nil {
		return fmt.Errorf("mongodb: save hook %s: %w", id, err)
	}
	return wrap("delete hooks before", id, s.data.deleteMany(ctx, idRange("", id)))
}

// isLast returns nil if the last document has the revision and the owner of l.
func (s hooks) isLast(ctx context.Context, l presence.HookLease) error {
	there, err := s.Lease(ctx)
	switch {
	case err != nil:
		return err
	case there.Revision < l.Revision:
		return fmt.Errorf("%w: it is not visible yet", events.ErrUnavailable)
	case there.Revision > l.Revision || there.Owner != l.Owner:
		return fmt.Errorf("%w: revision %d is of %q", presence.ErrHookTaken, there.Revision, there.Owner)
	}
	return nil
}

// Beat implements presence.Hooks.
func (s hooks) Beat(ctx context.Context, l presence.HookLease) error {
	id := revisionID(l.Revision)
	own := bson.D{{Key: "_id", Value: id}, {Key: "owner", Value: l.Owner}}
	set := bson.D{{Key: "$set", Value: bson.D{{Key: "beat", Value: int64(l.Beat)}}}}
	bounded, cancel := s.control.bounded(ctx)
	defer cancel()
	result, err := s.control.UpdateOne(bounded, own, set)
	if err != nil {
		return wrap("beat of hook", id, err)
	}
	if result.MatchedCount == 0 {
		return fmt.Errorf("mongodb: beat of hook %s: %w", id, presence.ErrHookTaken)
	}
	if err := s.isLast(ctx, l); err != nil {
		return fmt.Errorf("mongodb: beat of hook %s: %w", id, err)
	}
	return nil
}
