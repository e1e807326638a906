package presence_test

import (
	"runtime"
	"testing"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/boltstore"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// quiet is a client that forgets what it is told.
type quiet struct{ presence.Conn }

func (*quiet) Recorded(events.Position) {}
func (*quiet) Kicked(string)            {}

func embedded(b *testing.B) presence.Store {
	b.Helper()
	db, err := boltstore.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	return db.Store()
}

func member(b *testing.B, store presence.Store, node string) *presence.Member {
	b.Helper()
	m, err := presence.New(store, presence.Config{Node: node})
	if err == nil {
		err = m.Start(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(m.Die)
	return m
}

// BenchmarkMember_TakeOver takes over a node that died with 20,000 connections, and
// counts the operations on the store.
func BenchmarkMember_TakeOver(b *testing.B) {
	const open = 20_000
	for b.Loop() {
		b.StopTimer()
		inner := embedded(b)
		dead := member(b, inner, "n1")
		for range open {
			c := new(quiet)
			c.Init(c, "user", "", "")
			if err := dead.Admit(); err != nil {
				b.Fatal(err)
			}
			dead.Connect(&c.Conn)
		}
		for dead.Stats().Connections < open {
			runtime.Gosched()
		}
		dead.Die()
		faulty := storetest.NewFaulty(inner, storetest.Calm)
		peer, err := presence.New(faulty.Store(), presence.Config{Node: "n2"})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := peer.TakeOver(b.Context(), n1e1); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(faulty.Calls()), "operations")
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/takeover")
}
