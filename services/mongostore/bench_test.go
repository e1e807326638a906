package mongostore

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.uber.org/zap"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/mongostore/mongotest"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// half is how many connections come in a run of BenchmarkRecorder_Record, and how many
// of the run before go. A whole run is one batch for every server.
const half = 50

// runs are n runs of a stream, after its opened event: in each, half of the events are
// connects, and the other half end those of the run before.
func runs(n int) (all [][]events.Event) {
	s := events.Stream{Node: "n1", Epoch: 1}
	began := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	seq := uint64(0)
	next := func(t events.Type) events.Event {
		e := events.Event{ID: s.At(seq), Type: t, At: began.Add(time.Duration(seq) * time.Millisecond)}
		seq++
		return e
	}
	opened := next(events.Opened)
	opened.Process = "token"
	run := []events.Event{opened}
	var open []events.Event
	for range n + 1 {
		for _, c := range open {
			e := next(events.Disconnected)
			e.User, e.Conn, e.Reason = c.User, c.ID, events.Client
			run = append(run, e)
		}
		open = nil
		for range half {
			e := next(events.Connected)
			e.User, e.Remote, e.Agent = fmt.Sprint("user-", e.ID.Seq%1000), "203.0.113.0", "bench/1"
			open = append(open, e)
		}
		run = append(run, open...)
		all = append(all, run)
		run = nil
	}
	return all
}

// BenchmarkRecorder_Record compares the recording of runs with what the bare driver
// takes to write the same documents, encoded before the clock runs, by the same commands
// with the same write concern, to the same server.
func BenchmarkRecorder_Record(b *testing.B) {
	uri := mongotest.URI(b)
	b.Run("recorder", func(b *testing.B) {
		db, _ := benchDB(b, uri)
		record := func(run []events.Event) error {
			_, err := db.Store().Recorder.Record(b.Context(), run)
			return err
		}
		rate(b, runs(b.N), record)
	})
	b.Run("driver", func(b *testing.B) {
		_, name := benchDB(b, uri)
		client := bareDriver(b, uri)
		rate(b, documentsOf(b, runs(b.N)), func(d documents) error { return d.write(b, client.Database(name)) })
	})
}

// BenchmarkMember records connections through the whole of a node, from Admit until the
// last event is recorded, and then has the bare driver write the same documents in the same batches, as
// BenchmarkRecorder_Record does.
func BenchmarkMember(b *testing.B) {
	const connections = 2500
	uri := mongotest.URI(b)
	var member, bare time.Duration
	batches := 0
	for b.Loop() {
		db, _ := benchDB(b, uri)
		runs, took := storetest.Churn(b, db.Store(), connections)
		_, name := benchDB(b, uri)
		driver, all := bareDriver(b, uri), documentsOf(b, runs)
		began := time.Now()
		for _, d := range all {
			if err := d.write(b, driver.Database(name)); err != nil {
				b.Fatal(err)
			}
		}
		bare += time.Since(began)
		member += took
		batches += len(runs)
	}
	total := float64(2 * connections * b.N)
	b.ReportMetric(total/member.Seconds(), "events/s")
	b.ReportMetric(total/bare.Seconds(), "driver-events/s")
	b.ReportMetric(bare.Seconds()/member.Seconds(), "of-driver")
	b.ReportMetric(total/float64(batches), "events/batch")
}

// benchDB opens a new database, as presenced has it: with all collections and indexes.
func benchDB(b *testing.B, uri string) (db *DB, name string) {
	b.Helper()
	name = mongotest.Database(b)
	db, err := OpenPatiently(b.Context(), Config{URI: uri, Database: name}, zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(db.giveUp)
	return db, name
}

// bareDriver is a client with the write concern of the store.
func bareDriver(b *testing.B, uri string) *mongo.Client {
	b.Helper()
	journal := true
	client, err := mongo.Connect(options.Client().ApplyURI(uri).
		SetWriteConcern(&writeconcern.WriteConcern{W: writeconcern.WCMajority, Journal: &journal}))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { closeClient(client) })
	return client
}

// BenchmarkMember_TakeOver has the next process of a node that died with 20,000
// connections take over its stream and claim its own epoch, and counts the commands that
// it sends.
func BenchmarkMember_TakeOver(b *testing.B) {
	const connections = 20_000
	uri := mongotest.URI(b)
	var took time.Duration
	for b.Loop() {
		db, name := benchDB(b, uri)
		die(b, db.Store(), connections)
		counted, commands := countCommands(b, Config{URI: uri, Database: name})
		store := counted.Store()
		store.Exclusive = true // nobody beats there: not to be watched for 7 s
		m, err := presence.New(store, presence.Config{Node: "n1"})
		if err != nil {
			b.Fatal(err)
		}
		before, began := commands.Load(), time.Now()
		if err := m.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		took += time.Since(began)
		b.ReportMetric(float64(commands.Load()-before), "commands")
		if err := m.Shutdown(b.Context()); err != nil {
			b.Fatal(err)
		}
		if r, err := presence.Verify(b.Context(), db.Store()); err != nil || !r.Holds() || r.Events != 2*connections+4 {
			b.Fatalf("%+v, %v", r, err)
		}
	}
	b.ReportMetric(float64(took.Milliseconds())/float64(b.N), "ms/takeover")
}

// die writes what a node leaves that dies with so many connections.
func die(b *testing.B, store presence.Store, connections int) {
	b.Helper()
	s, at := events.Stream{Node: "n1", Epoch: 1}, events.Milliseconds(time.Now())
	run := []events.Event{{ID: s.At(0), Type: events.Opened, At: at, Process: "token"}}
	for seq := uint64(1); seq <= uint64(connections); seq++ {
		run = append(run, events.Event{ID: s.At(seq), Type: events.Connected, At: at, User: fmt.Sprint("user-", seq)})
		if len(run) < 1000 && seq < uint64(connections) {
			continue
		}
		if _, err := store.Recorder.Record(b.Context(), run); err != nil {
			b.Fatal(err)
		}
		run = nil
	}
	if err := store.Nodes.Join(b.Context(), presence.Node{Stream: s, Beat: 1, Tail: s.At(uint64(connections))}); err != nil {
		b.Fatal(err)
	}
}

// countCommands opens a database with clients that count the commands they send to it.
func countCommands(b *testing.B, c Config) (*DB, *atomic.Int64) {
	b.Helper()
	sent := new(atomic.Int64)
	monitor := &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		if e.DatabaseName == c.Database {
			sent.Add(1)
		}
	}}
	client := func(pool uint64) *mongo.Client {
		o, err := c.clientOptions(pool)
		if err != nil {
			b.Fatal(err)
		}
		client, err := mongo.Connect(o.SetMonitor(monitor))
		if err != nil {
			b.Fatal(err)
		}
		return client
	}
	db := &DB{control: client(controlPool), data: client(dataPool)}
	b.Cleanup(db.giveUp)
	k, err := db.look(b.Context(), c.Database)
	if err != nil {
		b.Fatal(err)
	}
	// The server may need seconds to drop 20,000 documents, and it is the time that is measured.
	db.store = db.bind(c.Database, k, timeouts{control: time.Minute, data: time.Minute})
	return db, sent
}

// rate writes all but the first of the runs, which is no whole one, against the clock.
func rate[Run any](b *testing.B, all []Run, write func(Run) error) {
	b.Helper()
	if err := write(all[0]); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, run := range all[1:] {
		if err := write(run); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(2*half*b.N)/b.Elapsed().Seconds(), "events/s")
}

// benchBatch is how many documents a command of the bare driver has: as many as those of
// the store have on the least of its servers, FerretDB.
const benchBatch = ferretBatch

// documents is what one run writes.
type documents struct {
	events, online []any // bson.Raw
	left           bson.A
}

func documentsOf(b *testing.B, all [][]events.Event) (docs []documents) {
	b.Helper()
	for _, run := range all {
		var d documents
		for _, e := range run {
			d.events = append(d.events, encode(b, eventDocOf(e)))
			switch e.Type {
			case events.Connected:
				d.online = append(d.online, encode(b, onlineDocOf(presence.ConnectionOf(e))))
			case events.Disconnected:
				d.left = append(d.left, e.Conn.String())
			case events.Opened, events.Sealed:
			}
		}
		docs = append(docs, d)
	}
	return docs
}

func encode(b *testing.B, doc any) bson.Raw {
	b.Helper()
	raw, err := bson.Marshal(doc)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

func (d documents) write(b *testing.B, db *mongo.Database) error {
	for part := range slices.Chunk(d.events, benchBatch) {
		if _, err := db.Collection("events").InsertMany(b.Context(), part); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(d.online, benchBatch) {
		if _, err := db.Collection("online").InsertMany(b.Context(), part, options.InsertMany().SetOrdered(false)); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(d.left, benchBatch) {
		in := bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: part}}}}
		if _, err := db.Collection("online").DeleteMany(b.Context(), in); err != nil {
			return err
		}
	}
	return nil
}
