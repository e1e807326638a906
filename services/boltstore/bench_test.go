package boltstore

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// BenchmarkRecorder_Record compares a Record of runs of several sizes, half of whose
// events end connections, with what bbolt alone takes to put and delete the same
// documents in the same commits, encoded before the clock runs.
func BenchmarkRecorder_Record(b *testing.B) {
	for _, size := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("events=%d", size), func(b *testing.B) {
			d := openTemp(b)
			w := &writer{stream: events.Stream{Node: "n1", Epoch: 1}}
			mustRecord(b, d, w.run(1))
			runs := runsOf(w, size, b.N)
			b.ReportAllocs()
			b.ResetTimer()
			for _, run := range runs {
				mustRecord(b, d, run)
			}
			reportEvents(b, size)
		})
		b.Run(fmt.Sprintf("events=%d/bbolt", size), func(b *testing.B) {
			db := openBare(b)
			w := &writer{stream: events.Stream{Node: "n1", Epoch: 1}}
			runs := documentsOf(b, runsOf(w, size, b.N))
			b.ReportAllocs()
			b.ResetTimer()
			for _, run := range runs {
				if err := db.Update(func(tx *bbolt.Tx) error { return putBare(tx, run) }); err != nil {
					b.Fatal(err)
				}
			}
			reportEvents(b, size)
		})
	}
}

func runsOf(w *writer, size, n int) (runs [][]events.Event) {
	for range n {
		runs = append(runs, w.run(size))
	}
	return runs
}

func reportEvents(b *testing.B, size int) {
	b.ReportMetric(float64(size*b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkMember records connections through the whole of a node, from Admit until the
// last event is recorded, and then has bbolt alone write the same documents in the same commits, encoded
// before the clock runs.
func BenchmarkMember(b *testing.B) {
	const connections = 10_000
	var member, bare time.Duration
	batches := 0
	for b.Loop() {
		runs, took := storetest.Churn(b, openTemp(b).Store(), connections)
		db, documents := openBare(b), documentsOf(b, runs)
		began := time.Now()
		for _, run := range documents {
			if err := db.Update(func(tx *bbolt.Tx) error { return putBare(tx, run) }); err != nil {
				b.Fatal(err)
			}
		}
		bare += time.Since(began)
		member += took
		batches += len(runs)
	}
	total := float64(2 * connections * b.N)
	b.ReportMetric(total/member.Seconds(), "events/s")
	b.ReportMetric(total/bare.Seconds(), "bbolt-events/s")
	b.ReportMetric(bare.Seconds()/member.Seconds(), "of-bbolt")
	b.ReportMetric(total/float64(batches), "events/batch")
}

// document is a key and what is put there: an event, a connection, when a user's
// connection began (what a database with indexes would do by itself), or nothing, for a
// connection that is deleted.
type document struct {
	bucket     []byte
	key, value []byte
}

// documentsOf is what each of the runs comes to.
func documentsOf(b *testing.B, runs [][]events.Event) (all [][]document) {
	b.Helper()
	for _, run := range runs {
		var documents []document
		for _, e := range run {
			value, err := e.MarshalJSON()
			if err != nil {
				b.Fatal(err)
			}
			documents = append(documents, document{eventsBucket, []byte(e.ID.String()), value})
			switch e.Type {
			case events.Connected:
				c := presence.ConnectionOf(e)
				documents = append(documents,
					document{onlineBucket, []byte(e.ID.String()), encodeConnection(c)},
					document{usersBucket, []byte(e.User + "\x00" + e.ID.String()), encodeSince(c)})
			case events.Disconnected:
				documents = append(documents,
					document{onlineBucket, []byte(e.Conn.String()), nil},
					document{usersBucket, []byte(e.User + "\x00" + e.Conn.String()), nil})
			case events.Opened, events.Sealed:
			}
		}
		all = append(all, documents)
	}
	return all
}

func openBare(b *testing.B) *bbolt.DB {
	b.Helper()
	db, err := bbolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{eventsBucket, onlineBucket, usersBucket} {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

func putBare(tx *bbolt.Tx, run []document) (err error) {
	for _, d := range run {
		b := tx.Bucket(d.bucket)
		if d.value == nil {
			err = b.Delete(d.key)
		} else {
			err = b.Put(d.key, d.value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// What who asks for, while a million connections of 500,000 users are online: the first
// page and one from the middle, one user, and lists of friends.
func BenchmarkOnline_Users(b *testing.B) {
	const connections, users = 1_000_000, 500_000
	d := openTemp(b)
	stream := events.Stream{Node: "n1", Epoch: 1}
	var add []presence.Connection
	for i := range connections {
		add = append(add, presence.Connection{ID: stream.At(uint64(i + 1)), User: fmt.Sprint("user-", i%users), Since: began})
		if len(add) == 10_000 {
			if err := d.Store().Online.Apply(b.Context(), add, nil); err != nil {
				b.Fatal(err)
			}
			add = add[:0]
		}
	}
	friends := func(n int) presence.UserQuery {
		q := presence.UserQuery{Limit: presence.MaxUserPage}
		for i := range n {
			q.Users = append(q.Users, fmt.Sprint("user-", i*(users/n)))
		}
		return q
	}
	for name, q := range map[string]presence.UserQuery{
		"page of 100": {Limit: 100}, "page of 100 from the middle": {Limit: 100, After: "user-3"}, "page of 1000": {Limit: 1000},
		"one user": friends(1), "list of 200": friends(200), "list of 1000": friends(1000),
	} {
		b.Run(name, func(b *testing.B) {
			want := q.Limit
			if q.Users != nil {
				want = len(q.Users)
			}
			b.ReportAllocs()
			for b.Loop() {
				page, err := d.Store().Online.Users(b.Context(), q)
				if err != nil || len(page.Users) != want || page.Total != connections || page.Users[0].Connections != 2 {
					b.Fatal(len(page.Users), page.Total, err)
				}
			}
		})
	}
}

// BenchmarkOnline_Pages reads all connections of a node, or only their ids, as reconcile
// does: an operation is 10,000 of them.
func BenchmarkOnline_Pages(b *testing.B) {
	d := openTemp(b)
	s := events.Stream{Node: "n1", Epoch: 1}
	var all []presence.Connection
	for seq := uint64(1); seq <= 10_000; seq++ {
		all = append(all, presence.Connection{ID: s.At(seq), User: fmt.Sprint("user-", seq), Since: began, Remote: "203.0.113.0"})
	}
	online := d.Store().Online
	if err := online.Apply(noContext, all, nil); err != nil {
		b.Fatal(err)
	}
	b.Run("connections", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if page, err := online.OfStream(noContext, s.At(0), unlimited); err != nil || len(page) != len(all) {
				b.Fatal(len(page), err)
			}
		}
	})
	b.Run("ids", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if page, err := online.IDs(noContext, s.At(0), unlimited); err != nil || len(page) != len(all) {
				b.Fatal(len(page), err)
			}
		}
	})
}
