package mongostore_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/mongostore/mongotest"
	"github.com/presenced/presence/services/presence"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// stream of the golden documents, and their times.
var (
	golden = events.Stream{Node: "n1", Epoch: 3}
	at     = time.Date(2026, 11, 23, 10, 0, 0, 123e6, time.UTC)
)

// goldenEvents are one event of each type, and the variants with the optional fields.
func goldenEvents() []events.Event {
	older := events.Stream{Node: "n1", Epoch: 2}
	lost := at.Add(-7 * time.Second)
	return []events.Event{
		{ID: golden.At(0), Type: events.Opened, At: at, Process: "p1", Addr: "n1:8080", Version: "1.0.0"},
		{ID: golden.At(1), Type: events.Connected, At: at, User: "42", Remote: "203.0.113.0", Agent: "Mozilla/5.0", Resumes: older.At(7)},
		{ID: golden.At(2), Type: events.Connected, At: at, User: "José \"$where\""},
		{ID: golden.At(3), Type: events.Disconnected, At: at, User: "42", Conn: golden.At(1), Reason: events.Client},
		{ID: golden.At(4), Type: events.Sealed, At: at, By: "n2", Reason: events.NodeLost, LastSeen: lost},
		{ID: golden.At(5), Type: events.Disconnected, At: at, User: "José \"$where\"", Conn: golden.At(2), Reason: events.NodeLost, LastSeen: lost},
	}
}

// documents are all documents of a collection as they are stored, one a line.
func documents(t *testing.T, c *mongo.Collection) []byte {
	t.Helper()
	cursor, err := c.Find(t.Context(), bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		t.Fatal(err)
	}
	var raw []bson.Raw
	if err := cursor.All(t.Context(), &raw); err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	for _, d := range raw {
		text, err := bson.MarshalExtJSON(d, true, false)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(text, '\n'))
	}
	return lines.Bytes()
}

func mustBeGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", file, got, want)
	}
}

func TestDocuments_are_as_designed(t *testing.T) {
	c := fresh(t)
	store := open(t, c).Store()
	database := mongotest.Client(t, c.URI).Database(c.Database)

	list := goldenEvents()
	if n, err := store.Log.Append(t.Context(), list); n != len(list) || err != nil {
		t.Fatal(n, err)
	}
	mustBeGolden(t, "events", documents(t, database.Collection("events")))

	connections := []presence.Connection{presence.ConnectionOf(list[1]), presence.ConnectionOf(list[2])}
	if err := store.Online.Apply(t.Context(), connections, nil); err != nil {
		t.Fatal(err)
	}
	mustBeGolden(t, "online", documents(t, database.Collection("online")))

	node := presence.Node{
		Stream: golden, Addr: "n1:8080", Beat: 1, Tail: golden.At(0), Connections: 2, Version: "1.0.0", StartedAt: at,
	}
	if err := store.Nodes.Join(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	mustBeGolden(t, "nodes_joined", documents(t, beatAtFixed(t, database.Collection("nodes"))))
	node.Beat, node.Tail, node.Connections = 2, golden.At(5), 0
	if err := store.Nodes.Beat(t.Context(), node, 1); err != nil {
		t.Fatal(err)
	}
	mustBeGolden(t, "nodes_beaten", documents(t, beatAtFixed(t, database.Collection("nodes"))))

	hook := presence.Hook{
		HookLease: presence.HookLease{Revision: 1, Owner: "n1/TOKEN"}, Target: "5f", Number: 1795428000001,
		Position: golden.At(5).String(), Odd: []presence.HookOdd{{User: "42", Told: true, At: at}},
		Part: 2, After: "José", Pending: presence.HookDelivery{ID: "DELIVERY", At: at, Body: `{"type":"presence"}`},
	}
	if err := store.Hooks.Save(t.Context(), hook); err != nil {
		t.Fatal(err)
	}
	mustBeGolden(t, "hooks", documents(t, database.Collection("hooks")))
}

// beatAtFixed makes the one time that is the server's own the same in every run, after
// it was seen to be of now.
func beatAtFixed(t *testing.T, nodes *mongo.Collection) *mongo.Collection {
	t.Helper()
	var d struct {
		BeatAt time.Time `bson:"beatAt"`
	}
	if err := nodes.FindOne(t.Context(), bson.D{}).Decode(&d); err != nil {
		t.Fatal(err)
	}
	if age := time.Since(d.BeatAt); age < -time.Minute || age > time.Minute {
		t.Errorf("beatAt is %s, want now", d.BeatAt)
	}
	set := bson.D{{Key: "$set", Value: bson.D{{Key: "beatAt", Value: at}}}}
	if _, err := nodes.UpdateOne(t.Context(), bson.D{}, set); err != nil {
		t.Fatal(err)
	}
	return nodes
}

// An event of a later version, or one that no Append wrote, is an error that says so,
// and never half an event.
func TestLog_Read_refuses_what_it_does_not_know(t *testing.T) {
	c := fresh(t)
	store := open(t, c).Store()
	raw := mongotest.Client(t, c.URI).Database(c.Database).Collection("events")
	good := bson.D{{Key: "_id", Value: golden.At(0).String()}, {Key: "type", Value: "opened"}, {Key: "at", Value: at},
		{Key: "process", Value: "p"}, {Key: "v", Value: 1}}
	spoil := map[string]bson.E{
		"a later version":  {Key: "v", Value: 2},
		"an unknown type":  {Key: "type", Value: "reopened"},
		"an alien field":   {Key: "user", Value: "42"},
		"a missing field":  {Key: "process", Value: ""},
		"an odd reference": {Key: "conn", Value: "n1"},
	}
	for name, field := range spoil {
		t.Run(name, func(t *testing.T) {
			_, err := raw.InsertOne(t.Context(), replaced(good, field))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if _, err := raw.DeleteMany(context.Background(), bson.D{}); err != nil {
					t.Error(err)
				}
			}()
			if list, err := store.Log.Read(t.Context(), golden.At(0), 10); !isInvalid(err) {
				t.Errorf("%v, %v, want %v", list, err, events.ErrInvalid)
			}
			if e, err := store.Log.Tail(t.Context(), golden); !isInvalid(err) {
				t.Errorf("tail: %v, %v, want %v", e, err, events.ErrInvalid)
			}
		})
	}
}

func isInvalid(err error) bool { return errors.Is(err, events.ErrInvalid) }

// replaced is a document with one field set to another value, or added.
func replaced(d bson.D, field bson.E) bson.D {
	changed := slices.Clone(d)
	for i := range changed {
		if changed[i].Key == field.Key {
			changed[i] = field
			return changed
		}
	}
	return append(changed, field)
}
