package main

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/presenced/presence/services/boltstore"
	"github.com/presenced/presence/services/mongostore"
	"github.com/presenced/presence/services/presence"
)

// The stores.
const (
	storeMongoDB  = "mongodb"
	storeEmbedded = "embedded"
)

// opened is an open store.
type opened struct {
	presence.Store
	describe string // in a few words, without secrets
	close    func(context.Context) error

	// check finds damage below the documents, while nobody writes; checkLive finds what can
	// be found of it beside a writer. nil: the store sees to that itself.
	check, checkLive func(context.Context) error

	// compact leaves behind what was deleted or replaced, and closes the store; nil: the
	// store sees to that itself.
	compact func(context.Context) error
}

func (c *config) validateStore() error {
	if c.store == "" {
		c.store = storeEmbedded
		if c.mongo.URI != "" || c.mongo.Host != "" {
			c.store = storeMongoDB
		}
	}
	switch c.store {
	case storeMongoDB:
		return c.mongo.Validate()
	case storeEmbedded:
		if c.dataDir == "" {
			return errors.New("DATA_DIR (--data-dir) is empty")
		}
		return nil
	}
	return fmt.Errorf("STORE (--store) is %q: want mongodb or embedded", c.store)
}

// openStore opens the store for the server.
func (c *config) openStore(ctx context.Context, log *zap.Logger) (opened, error) {
	if c.store == storeMongoDB {
		return c.openMongo(ctx, log)
	}
	db, err := boltstore.Open(c.dataDir)
	if err != nil {
		return opened{}, storeError{err}
	}
	return embedded(db), nil
}

// openStoreToRead opens the store for a command that changes nothing.
func (c *config) openStoreToRead(ctx context.Context, log *zap.Logger) (opened, error) {
	if c.store == storeMongoDB {
		return c.openMongo(ctx, log)
	}
	db, err := boltstore.OpenReadOnly(c.dataDir)
	if err != nil {
		return opened{}, storeError{err}
	}
	return embedded(db), nil
}

func embedded(db *boltstore.DB) opened {
	return opened{
		Store:     db.Store(),
		describe:  "embedded, " + db.Path(),
		check:     db.Check,
		checkLive: db.CheckUsers,
		close:     func(context.Context) error { return db.Close() },
		compact:   db.Compact,
	}
}

func (c *config) openMongo(ctx context.Context, log *zap.Logger) (opened, error) {
	db, err := mongostore.Open(ctx, c.mongo, log)
	if err != nil {
		return opened{}, storeError{err}
	}
	return opened{Store: db.Store(), describe: c.mongo.String(), close: db.Close}, nil
}
