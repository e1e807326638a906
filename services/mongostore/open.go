package mongostore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.uber.org/zap"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

const (
	// reachTimeout bounds the time in which Open must find the database and be let in.
	reachTimeout = 8 * time.Second

	// prepareTimeout bounds the making of collections and indexes, which takes no time
	// in a new database, and some in a large one that lacks an index.
	prepareTimeout = time.Minute

	// giveUpTimeout bounds the closing of clients that never got anywhere.
	giveUpTimeout = time.Second
)

// The collections.
const (
	collEvents = "events"
	collOnline = "online"
	collNodes  = "nodes"
	viewOnline = "online_users"

	collSnapshots = "snapshots"
	collKicks     = "kicks"
	collHooks     = "hooks"

	// Made when an operator first needs them.
	collHorizons   = "horizons"
	collForgetting = "forgetting"
)

// DB is an open database. It is safe for concurrent use.
type DB struct {
	control *mongo.Client
	data    *mongo.Client
	store   presence.Store
}

// Open finds the database, makes what is missing in it, and returns when it can be
// used. What is wrong with the settings, the address or the user is an error that names
// the setting to look at, within 10 s. What is weaker than it should be is a warning in
// the log.
func Open(ctx context.Context, c Config, log *zap.Logger) (*DB, error) {
	return open(ctx, c, log, timeouts{control: controlTimeout, data: dataTimeout})
}

// timeouts bound one operation of each client.
type timeouts struct{ control, data time.Duration }

func open(ctx context.Context, c Config, log *zap.Logger, t timeouts) (*DB, error) {
	reach, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	var seen sightings
	db, err := connect(reach, c, &seen)
	if err != nil {
		return nil, err
	}
	kind, err := db.look(reach, c.database())
	if err != nil {
		err = c.explain(err, &seen) // before the clients forget the servers
		db.giveUp()
		return nil, err
	}
	kind.warn(log)
	db.store = db.bind(c.database(), kind, t)
	if err := db.prepare(ctx, c.database(), kind, log); err != nil {
		err = c.explain(err, &seen)
		db.giveUp()
		return nil, err
	}
	return db, nil
}

// connect makes the two clients. It waits for nothing but the DNS, in which the driver
// looks up a mongodb+srv address, and which it cannot be told to give up: then the
// lookup is left to end by itself.
func connect(ctx context.Context, c Config, seen *sightings) (*DB, error) {
	type result struct {
		db  *DB
		err error
	}
	done := make(chan result, 1) // never blocks: one value is sent
	go func() {
		db, err := c.clients(seen)
		done <- result{db, err}
	}()
	select {
	case r := <-done:
		return r.db, r.err
	case <-ctx.Done():
		go func() { // ends with the lookup
			if r := <-done; r.db != nil {
				r.db.giveUp()
			}
		}()
		return nil, fmt.Errorf("%s: %w: the DNS does not answer for %s", setURI, events.ErrUnavailable, c.address())
	}
}

func (c Config) clients(seen *sightings) (*DB, error) {
	controlOptions, err := c.clientOptions(controlPool)
	if err != nil {
		return nil, err
	}
	dataOptions, err := c.clientOptions(dataPool)
	if err != nil {
		return nil, err
	}
	control, err := mongo.Connect(controlOptions.SetServerMonitor(seen.monitor()))
	if err != nil {
		return nil, c.refusedOptions(err)
	}
	data, err := mongo.Connect(dataOptions)
	if err != nil {
		closeClient(control)
		return nil, c.refusedOptions(err)
	}
	return &DB{control: control, data: data}, nil
}

// refusedOptions is the error of options that are valid one by one. The driver's words
// are left out if they hold a secret.
func (c Config) refusedOptions(err error) error {
	return fmt.Errorf("%s: %s", c.addressSetting(), c.clean(err.Error()))
}

// clean is a text of the driver, if no secret is in it.
func (c Config) clean(text string) string {
	for _, secret := range append(parseURI(c.URI).secrets(), c.Password) {
		if secret != "" && strings.Contains(text, secret) {
			return "the reason is left out, for it holds a secret"
		}
	}
	return text
}

// bind makes the contracts over the clients.
func (db *DB) bind(database string, k kind, t timeouts) presence.Store {
	batch := k.batch()
	data := func(name string) collection {
		return collection{db.data.Database(database).Collection(name), t.data, batch}
	}
	control := func(name string) collection {
		return collection{db.control.Database(database).Collection(name), t.control, batch}
	}
	log := eventLog{data: data(collEvents), control: control(collEvents)}
	projection := online{data: data(collOnline), total: &total{c: data(collOnline)}}
	store := presence.Store{
		Log:      log,
		Recorder: presence.TwoStep(log, projection),
		Online:   projection,
		Nodes:    nodes{control: control(collNodes)},

		Past:      past{data: data(collEvents), horizons: data(collHorizons)},
		Snapshots: snapshots{data: data(collSnapshots)},
		Kicks:     kicks{data: data(collKicks)},
		Hooks:     hooks{data: data(collHooks), control: control(collHooks)},
		Forgetting: forgetting{
			events: data(collEvents), snapshots: data(collSnapshots), kicks: data(collKicks), notes: data(collForgetting),
		},
		Retention: retention{events: data(collEvents), snapshots: data(collSnapshots), horizons: data(collHorizons)},
	}
	if k.tellsChanges() {
		store.Changes = changes{data: data(collEvents)}
	}
	return store
}

// Store is the database as the contracts of presence. It may be used until Close.
func (db *DB) Store() presence.Store { return db.store }

// Close ends the clients. Operations in flight are waited for until ctx ends, and then
// fail with events.ErrUnavailable.
func (db *DB) Close(ctx context.Context) error {
	return errors.Join(db.data.Disconnect(ctx), db.control.Disconnect(ctx))
}

// giveUp closes both clients at once: each may wait for a connection that is being
// made, for as long as that may take.
func (db *DB) giveUp() {
	var both sync.WaitGroup
	both.Go(func() { closeClient(db.data) })
	both.Go(func() { closeClient(db.control) })
	both.Wait()
}

// closeClient ends a client that has nothing in flight.
func closeClient(c *mongo.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), giveUpTimeout)
	defer cancel()
	_ = c.Disconnect(ctx) // it was of no use anyway
}
