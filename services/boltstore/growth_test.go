package boltstore

import (
	"fmt"
	"os"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence/storetest"
)

// BenchmarkDB_Growth measures how much the file grows for a connection that comes and
// goes, where few events are recorded at a time and where many are: what its pages hold,
// and the whole file, which grows in steps. docs/OPERATIONS.md has the numbers.
func BenchmarkDB_Growth(b *testing.B) {
	const visits = 200_000
	for _, size := range []int{2, 100, 1000} {
		b.Run(fmt.Sprintf("events=%d", size), func(b *testing.B) {
			for b.Loop() {
				d := openTemp(b)
				stream := events.Stream{Node: "n1", Epoch: 1}
				mustRecord(b, d, (&writer{stream: stream}).run(1))
				n := visits * min(size, 100) / 100 // few at a time take long
				var run []events.Event
				for i := range n {
					pair := storetest.Visit(stream, i)
					if run = append(run, pair[:]...); len(run) >= size {
						mustRecord(b, d, run)
						run = nil
					}
				}
				reportGrowth(b, d, n)
			}
		})
	}
}

func reportGrowth(b *testing.B, d *DB, visits int) {
	b.Helper()
	var used int
	err := d.bolt.View(func(tx *bbolt.Tx) error {
		s := tx.Bucket(eventsBucket).Stats()
		used = s.LeafAlloc + s.BranchAlloc
		return nil
	})
	info, statErr := os.Stat(d.Path())
	if err != nil || statErr != nil {
		b.Fatal(err, statErr)
	}
	b.ReportMetric(float64(used)/float64(visits), "B/visit")
	if info.Size() > 4<<24 { // fewer say nothing: it grows by 16 MiB
		b.ReportMetric(float64(info.Size())/float64(visits), "file-B/visit")
	}
}
