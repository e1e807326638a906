package mongostore

import (
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.uber.org/zap"

	"github.com/presenced/presence/events"
)

// index is an index beside that of _id.
type index struct {
	collection string
	keys       bson.D
	partial    bson.D // left out on FerretDB, which has none
}

// indexes are all of them.
func indexes() []index {
	ofStreams := bson.A{events.Opened.String(), events.Sealed.String()}
	return []index{
		// With _id, so that a page of a user's history is read in its order, not sorted.
		{collEvents, bson.D{{Key: "user", Value: 1}, {Key: "at", Value: -1}, {Key: "_id", Value: -1}}, nil},
		{collEvents, bson.D{{Key: "type", Value: 1}, {Key: "at", Value: 1}},
			bson.D{{Key: "type", Value: bson.D{{Key: "$in", Value: ofStreams}}}}},
		{collOnline, bson.D{{Key: "user", Value: 1}, {Key: "_id", Value: 1}}, nil},
	}
}

// The codes of a server whose collection, or view, is there already.
const codeNamespaceExists = 48

// prepare makes the collections, the indexes and the view, whichever are missing. Any
// number of nodes may do so at once. A server that refuses is a warning: somebody may
// have made them with rights that this user lacks, and if not, then the first write makes
// a collection or says what is wrong. But an index that the user may not make, and that is
// not seen to be there, is an error, or all would be slow and nobody know why. An answer
// that does not come is an error too.
func (db *DB) prepare(ctx context.Context, database string, k kind, log *zap.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	d := db.data.Database(database)
	for _, name := range []string{collEvents, collOnline, collNodes, collSnapshots, collKicks, collHooks} {
		if err := mild(create(ctx, d, name), log, "collection", name); err != nil {
			return err
		}
	}
	for _, ix := range indexes() {
		err := ix.create(ctx, d, k)
		if hasCode(err, codeUnauthorized) {
			err = ix.mustBeThere(ctx, d, err)
		}
		if _, missing := errors.AsType[*missingIndexError](err); missing {
			return err
		}
		if err := mild(err, log, "index of", ix.collection); err != nil {
			return err
		}
	}
	if k.ferret() {
		return nil
	}
	if err := view(ctx, d); err != nil {
		log.Warn("the view for people could not be made; nothing else needs it", zap.String("view", viewOnline), zap.Error(err))
	}
	return nil
}

// mild makes a warning of an error that does not keep the service from working.
func mild(err error, log *zap.Logger, what, name string) error {
	if err == nil || errors.Is(class(err), events.ErrUnavailable) && !isServer(err) {
		return err
	}
	log.Warn("MongoDB did not make what was missing", zap.String("what", what), zap.String("name", name), zap.Error(err))
	return nil
}

// isServer reports whether the error is an answer of the server.
func isServer(err error) bool {
	return slices.ContainsFunc(mongo.ErrorCodes(err), func(code int) bool { return code != 0 }) && !mongo.IsTimeout(err)
}

func create(ctx context.Context, d *mongo.Database, name string) error {
	err := d.CreateCollection(ctx, name)
	if hasCode(err, codeNamespaceExists) {
		return nil
	}
	return err
}

func (ix index) create(ctx context.Context, d *mongo.Database, k kind) error {
	o := options.Index()
	if ix.partial != nil && !k.ferret() {
		o.SetPartialFilterExpression(ix.partial)
	}
	_, err := d.Collection(ix.collection).Indexes().CreateOne(ctx, mongo.IndexModel{Keys: ix.keys, Options: o})
	return err
}

// missingIndexError is an index that is not seen to be there, and that the user may not
// make.
type missingIndexError struct {
	index index
	err   error
}

func (e *missingIndexError) Error() string { return e.err.Error() }
func (e *missingIndexError) Unwrap() error { return e.err }

// mustBeThere returns nil if the index is there, and else why it could not be made.
func (ix index) mustBeThere(ctx context.Context, d *mongo.Database, why error) error {
	missing := &missingIndexError{ix, why}
	want, err := bson.Marshal(ix.keys)
	if err != nil {
		return err
	}
	there, err := d.Collection(ix.collection).Indexes().ListSpecifications(ctx)
	if err != nil {
		return missing
	}
	for _, s := range there {
		if sameKeys(s.KeysDocument, want) {
			return nil
		}
	}
	return missing
}

// sameKeys reports whether two indexes have the same keys in the same order. A server may
// give the directions as another type of number than it was given.
func sameKeys(a, b bson.Raw) bool {
	one, err := a.Elements()
	if err != nil {
		return false
	}
	other, err := b.Elements()
	return err == nil && slices.EqualFunc(one, other, func(a, b bson.RawElement) bool {
		x, xOK := a.Value().AsInt64OK()
		y, yOK := b.Value().AsInt64OK()
		return a.Key() == b.Key() && xOK && yOK && x == y
	})
}

// view makes online_users, or brings it up to date.
func view(ctx context.Context, d *mongo.Database) error {
	err := d.CreateView(ctx, viewOnline, collOnline, onlineUsers())
	if !hasCode(err, codeNamespaceExists) {
		return err
	}
	return d.RunCommand(ctx, bson.D{
		{Key: "collMod", Value: viewOnline},
		{Key: "viewOn", Value: collOnline},
		{Key: "pipeline", Value: onlineUsers()},
	}).Err()
}

// deadAfter is how old the beat of a node may be, by the server's clock, until the view
// leaves out its connections. In milliseconds.
const deadAfter = 15_000

// onlineUsers is the pipeline of the view: users of online, {_id:"42", since,
// connections:2, nodes:["n1"]}, without the streams whose nodes have no sign of life.
// It looks up a node once for each user and stream, not for each connection.
func onlineUsers() mongo.Pipeline {
	type d = bson.D
	// The stream is the id without "/" and the 16 digits of seq.
	stream := d{{Key: "$substrBytes", Value: bson.A{"$_id", 0,
		d{{Key: "$subtract", Value: bson.A{d{{Key: "$strLenBytes", Value: "$_id"}}, 17}}}}}}
	own := d{{Key: "$eq", Value: bson.A{"$_id", "$$stream"}}}
	beats := d{{Key: "$gte", Value: bson.A{"$beatAt",
		d{{Key: "$subtract", Value: bson.A{"$$NOW", deadAfter}}}}}}
	alive := d{{Key: "$expr", Value: d{{Key: "$and", Value: bson.A{own, beats}}}}}
	return mongo.Pipeline{
		d{{Key: "$group", Value: d{
			{Key: "_id", Value: d{{Key: "user", Value: "$user"}, {Key: "stream", Value: stream}}},
			{Key: "since", Value: d{{Key: "$min", Value: "$since"}}},
			{Key: "connections", Value: d{{Key: "$sum", Value: 1}}},
			{Key: "node", Value: d{{Key: "$first", Value: "$node"}}},
		}}},
		d{{Key: "$lookup", Value: d{
			{Key: "from", Value: collNodes},
			{Key: "let", Value: d{{Key: "stream", Value: "$_id.stream"}}},
			{Key: "pipeline", Value: bson.A{d{{Key: "$match", Value: alive}}}},
			{Key: "as", Value: "alive"},
		}}},
		d{{Key: "$match", Value: d{{Key: "alive", Value: d{{Key: "$ne", Value: bson.A{}}}}}}},
		d{{Key: "$group", Value: d{
			{Key: "_id", Value: "$_id.user"},
			{Key: "since", Value: d{{Key: "$min", Value: "$since"}}},
			{Key: "connections", Value: d{{Key: "$sum", Value: "$connections"}}},
			{Key: "nodes", Value: d{{Key: "$addToSet", Value: "$node"}}},
		}}},
		d{{Key: "$sort", Value: d{{Key: "_id", Value: 1}}}},
	}
}
