package mongostore_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.uber.org/zap"

	"github.com/presenced/presence/services/mongostore"
	"github.com/presenced/presence/services/mongostore/mongotest"
)

// Many nodes start at once, and each again and again: the indexes are there once.
func TestOpen_makes_what_is_missing_once(t *testing.T) {
	c := fresh(t)
	const starts = 4
	var all sync.WaitGroup
	for range starts {
		all.Go(func() {
			db, err := mongostore.Open(t.Context(), c, zap.NewNop())
			if err != nil {
				t.Error(err)
				return
			}
			closeDB(t, db)
		})
	}
	all.Wait()
	open(t, c)

	database := mongotest.Client(t, c.URI).Database(c.Database)
	want := map[string][]string{
		"events": {"_id_", "type_1_at_1", "user_1_at_-1__id_-1"},
		"online": {"_id_", "user_1__id_1"},
		"nodes":  {"_id_"},

		"snapshots": {"_id_"},
		"kicks":     {"_id_"},
		"hooks":     {"_id_"},
	}
	for name, indexes := range want {
		if got := indexNames(t, database.Collection(name)); !slices.Equal(got, indexes) {
			t.Errorf("indexes of %s: %q, want %q", name, got, indexes)
		}
	}
}

func indexNames(t *testing.T, c *mongo.Collection) []string {
	t.Helper()
	specs, err := c.Indexes().ListSpecifications(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range specs {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return names
}

// On MongoDB proper, the partial index covers what lists streams, and the view answers
// who is online without the streams of nodes that do not beat.
func TestOpen_on_MongoDB_makes_partial_index_and_view(t *testing.T) {
	c := fresh(t)
	client := mongotest.Client(t, c.URI)
	var build struct {
		FerretDB string `bson:"ferretdbVersion"`
	}
	if err := client.Database("admin").RunCommand(t.Context(), bson.D{{Key: "buildInfo", Value: 1}}).Decode(&build); err != nil {
		t.Fatal(err)
	}
	if build.FerretDB != "" {
		t.Skip("FerretDB has no partial indexes and no views; set MONGODB_URI to a MongoDB")
	}
	open(t, c)
	open(t, c) // the view is there, and is brought up to date
	database := client.Database(c.Database)
	now := bson.D{{Key: "$currentDate", Value: bson.D{{Key: "beatAt", Value: true}}}}
	insert(t, database.Collection("nodes"), bson.D{{Key: "_id", Value: "n1/00000001"}})
	if _, err := database.Collection("nodes").UpdateByID(t.Context(), "n1/00000001", now); err != nil {
		t.Fatal(err)
	}
	insert(t, database.Collection("nodes"), bson.D{{Key: "_id", Value: "n2/00000001"}, {Key: "beatAt", Value: at}})
	for _, id := range []string{"n1/00000001/0000000000000001", "n1/00000001/0000000000000002", "n2/00000001/0000000000000001", "n3/00000001/0000000000000001"} {
		node, _, _ := strings.Cut(id, "/")
		insert(t, database.Collection("online"), bson.D{{Key: "_id", Value: id}, {Key: "user", Value: "42"}, {Key: "since", Value: at}, {Key: "node", Value: node}})
	}
	want := `{"_id":"42","since":{"$date":{"$numberLong":"1795428000123"}},"connections":{"$numberInt":"2"},"nodes":["n1"]}` + "\n"
	if got := string(documents(t, database.Collection("online_users"))); got != want {
		t.Errorf("online_users: %s, want %s", got, want)
	}
}

func insert(t *testing.T, c *mongo.Collection, d bson.D) {
	t.Helper()
	if _, err := c.InsertOne(context.Background(), d); err != nil {
		t.Fatal(err)
	}
}
