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

// online is the collection online.
type online struct {
	data  collection
	total *total
}

var _ presence.Online = online{}

// Apply implements presence.Online: it adds first.
func (o online) Apply(ctx context.Context, add []presence.Connection, remove []events.Position) error {
	for batch := range slices.Chunk(add, o.data.batch) {
		if err := o.insert(ctx, batch); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(remove, o.data.batch) {
		if err := o.remove(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// insert adds connections. Those that are there stay as they are.
func (o online) insert(ctx context.Context, add []presence.Connection) error {
	docs := make([]onlineDoc, len(add))
	for i, c := range add {
		docs[i] = onlineDocOf(c)
	}
	if err := o.data.insert(ctx, docs, false); err != nil && !onlyTaken(err) {
		return wrap("add to online from", docs[0].ID, err)
	}
	return nil
}

func (o online) remove(ctx context.Context, remove []events.Position) error {
	return wrap("remove from online from", remove[0].String(), o.data.deleteMany(ctx, among(remove)))
}

// DropStream implements presence.Online.
func (o online) DropStream(ctx context.Context, s events.Stream) error {
	return wrap("drop online of", s.String(), o.data.deleteMany(ctx, idRange(s.Prefix(), streamEnd(s))))
}

// OfStream implements presence.Online.
func (o online) OfStream(ctx context.Context, after events.Position, limit int) ([]presence.Connection, error) {
	if limit < 1 {
		return nil, nil
	}
	var docs []onlineDoc
	err := o.data.find(ctx, &docs, idRange(after.Next().String(), streamEnd(after.Stream)),
		options.Find().SetSort(ascending()).SetLimit(int64(limit)).SetBatchSize(batchSize(limit)))
	if err != nil {
		return nil, wrap("read online after", after.String(), err)
	}
	return connectionsOf(docs)
}

// OfUser implements presence.Online. It reads the index {user, _id} in its order.
func (o online) OfUser(ctx context.Context, user string, after events.Position, limit int) ([]presence.Connection, error) {
	if limit < 1 {
		return nil, nil
	}
	filter := bson.D{{Key: "user", Value: user}, {Key: "_id", Value: bson.D{{Key: "$gt", Value: idOrNone(after)}}}}
	var docs []onlineDoc
	err := o.data.find(ctx, &docs, filter, options.Find().
		SetSort(bson.D{{Key: "user", Value: 1}, {Key: "_id", Value: 1}}).SetLimit(int64(limit)).SetBatchSize(batchSize(limit)))
	if err != nil {
		return nil, wrap("read connections of", fmt.Sprintf("%q", user), err)
	}
	return connectionsOf(docs)
}

// connectionsOf are the connections of documents.
func connectionsOf(docs []onlineDoc) (list []presence.Connection, err error) {
	list = make([]presence.Connection, len(docs))
	for i, d := range docs {
		if list[i], err = d.connection(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// IDs implements presence.Online. They come from the index alone.
func (o online) IDs(ctx context.Context, after events.Position, limit int) ([]events.Position, error) {
	if limit < 1 {
		return nil, nil
	}
	var docs []struct {
		ID string `bson:"_id"`
	}
	err := o.data.find(ctx, &docs, idRange(after.Next().String(), streamEnd(after.Stream)),
		options.Find().SetSort(ascending()).SetLimit(int64(limit)).SetBatchSize(batchSize(limit)).SetProjection(ascending()))
	if err != nil {
		return nil, wrap("read ids of online after", after.String(), err)
	}
	list := make([]events.Position, len(docs))
	for i, d := range docs {
		if list[i], err = events.ParsePosition(d.ID); err != nil {
			return nil, invalid("read ids of online after", after.String(), err)
		}
	}
	return list, nil
}

// Streams implements presence.Online.
func (o online) Streams(ctx context.Context) ([]events.Stream, error) {
	return o.data.streams(ctx, events.Stream{}, 0)
}

// Users implements presence.Online. It walks the index {user, _id} from q.After on, and
// ends as soon as the page is full, so it reads the connections of the users whom it
// returns, and one more.
func (o online) Users(ctx context.Context, q presence.UserQuery) (presence.UserPage, error) {
	if q.Limit < 1 || q.Limit > presence.MaxUserPage || len(q.Users) > presence.MaxUserPage {
		return presence.UserPage{}, fmt.Errorf("mongodb: users: %w: limit %d, %d users: want 1 to %d, and at most %d",
			events.ErrInvalid, q.Limit, len(q.Users), presence.MaxUserPage, presence.MaxUserPage)
	}
	age := totalAge
	if q.Users != nil {
		age = listedAge
	}
	total, err := o.total.count(ctx, age)
	if err != nil {
		return presence.UserPage{}, wrap("count", "online", err)
	}
	page := presence.UserPage{Total: total}
	if q.Users != nil && len(q.Users) == 0 {
		return page, nil
	}
	if err := o.walk(ctx, q, &page); err != nil {
		return presence.UserPage{}, wrap("list users after", fmt.Sprintf("%q", q.After), err)
	}
	return page, nil
}

func (o online) walk(ctx context.Context, q presence.UserQuery, page *presence.UserPage) error {
	ctx, cancel := o.data.bounded(ctx)
	defer cancel()
	cursor, err := o.data.Find(ctx, usersFilter(q), options.Find().
		SetSort(usersOrder()).
		SetProjection(bson.D{{Key: "user", Value: 1}, {Key: "since", Value: 1}, {Key: "node", Value: 1}}).
		SetBatchSize(int32(q.Limit)+1))
	if err != nil {
		return err
	}
	defer func() { _ = cursor.Close(ctx) }() // the server ends it by itself later
	for cursor.Next(ctx) {
		var d onlineDoc
		if err := cursor.Decode(&d); err != nil {
			return err
		}
		if !addTo(page, d, q.Limit) {
			return nil
		}
	}
	return cursor.Err()
}

// usersFilter is a range of the index {user, _id}, or a point in it for each name.
func usersFilter(q presence.UserQuery) bson.D {
	var user bson.D
	if q.Users == nil || q.After != "" {
		user = append(user, bson.E{Key: "$gt", Value: q.After})
	}
	if q.Users != nil {
		user = append(user, bson.E{Key: "$in", Value: q.Users})
	}
	return bson.D{{Key: "user", Value: user}}
}

// usersOrder is the order of that index: nothing has to be sorted.
func usersOrder() bson.D { return bson.D{{Key: "user", Value: 1}, {Key: "_id", Value: 1}} }

// addTo adds the next connection, in the order of users, to a page. It returns false if
// the page is full, and says then where the next one begins.
func addTo(page *presence.UserPage, d onlineDoc, limit int) bool {
	last := len(page.Users) - 1
	if last < 0 || page.Users[last].User != d.User {
		if len(page.Users) == limit {
			page.Next = page.Users[last].User
			return false
		}
		page.Users = append(page.Users, presence.User{User: d.User, Since: events.Milliseconds(d.Since)})
		last++
	}
	u := &page.Users[last]
	u.Connections++
	if since := events.Milliseconds(d.Since); since.Before(u.Since) {
		u.Since = since
	}
	if i, found := slices.BinarySearch(u.Nodes, d.Node); !found {
		u.Nodes = slices.Insert(u.Nodes, i, d.Node)
	}
	return true
}
