package mongostore

import (
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.uber.org/zap"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/mongostore/mongotest"
	"github.com/presenced/presence/services/presence"
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
		db, err := OpenPatiently(b.Context(), Config{URI: uri, Database: mongotest.Database(b)}, zap.NewNop())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(db.giveUp)
		record := func(run []events.Event) error {
			_, err := db.Store().Recorder.Record(b.Context(), run)
			return err
		}
		rate(b, runs(b.N), record)
	})
	b.Run("driver", func(b *testing.B) {
		// As presenced has it, so that both collections and their indexes are there.
		name := mongotest.Database(b)
		db, err := OpenPatiently(b.Context(), Config{URI: uri, Database: name}, zap.NewNop())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(db.giveUp)
		journal := true
		client, err := mongo.Connect(options.Client().ApplyURI(uri).
			SetWriteConcern(&writeconcern.WriteConcern{W: writeconcern.WCMajority, Journal: &journal}))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { closeClient(client) })
		rate(b, documentsOf(b, runs(b.N)), func(d documents) error { return d.write(b, client.Database(name)) })
	})
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
	if _, err := db.Collection("events").InsertMany(b.Context(), d.events); err != nil {
		return err
	}
	if _, err := db.Collection("online").InsertMany(b.Context(), d.online, options.InsertMany().SetOrdered(false)); err != nil {
		return err
	}
	if len(d.left) == 0 {
		return nil
	}
	_, err := db.Collection("online").DeleteMany(b.Context(), bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: d.left}}}})
	return err
}
