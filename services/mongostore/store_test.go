package mongostore_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/presenced/presence/services/mongostore"
	"github.com/presenced/presence/services/mongostore/mongotest"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a database of the test's own, closed when the test ends.
func open(t *testing.T, c mongostore.Config) *mongostore.DB {
	t.Helper()
	return opened(t, c, mongostore.Open)
}

// opened is open, by a function such as mongostore.Open.
func opened(t *testing.T, c mongostore.Config, open func(context.Context, mongostore.Config, *zap.Logger) (*mongostore.DB, error)) *mongostore.DB {
	t.Helper()
	db, err := open(t.Context(), c, zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeDB(t, db) })
	return db
}

func closeDB(t *testing.T, db *mongostore.DB) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := db.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

// fresh is the configuration of a new, empty database.
func fresh(t *testing.T) mongostore.Config {
	return mongostore.Config{URI: mongotest.URI(t), Database: mongotest.Database(t)}
}

func TestDB_Store(t *testing.T) {
	storetest.Run(t, func(t *testing.T) presence.Store { return opened(t, fresh(t), mongostore.OpenPatiently).Store() })
}
