package mongotest

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

const cleanupTimeout = 30 * time.Second

// Client is a client of the server at uri, closed when the test ends: for tests that
// look at the documents themselves.
func Client(t testing.TB, uri string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatalf("connect to MongoDB: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
		defer cancel()
		if err := client.Disconnect(ctx); err != nil {
			t.Errorf("disconnect from MongoDB: %v", err)
		}
	})
	return client
}

// Database is the name of a database of the server of URI that no other test has. It is
// dropped when the test ends.
func Database(t testing.TB) string {
	t.Helper()
	uri := URI(t)
	name := "test_" + strings.ToLower(rand.Text()[:12])
	t.Cleanup(func() { drop(t, uri, name) })
	return name
}

// drop has a client of its own, so that none is kept by tests which count goroutines.
func drop(t testing.TB, uri, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
	defer cancel()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Errorf("drop the database %s: %v", name, err)
		return
	}
	if err := client.Database(name).Drop(ctx); err != nil {
		t.Errorf("drop the database %s: %v", name, err)
	}
	if err := client.Disconnect(ctx); err != nil {
		t.Errorf("disconnect from MongoDB: %v", err)
	}
}
