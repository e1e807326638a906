package webhook

import (
	"fmt"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// BenchmarkLeader_next is what a delivery of 1,000 changes costs, but for the store and the
// receiver, while so many users are to be told of.
func BenchmarkLeader_next(b *testing.B) {
	for _, users := range []int{1000, maxOdd} {
		b.Run(fmt.Sprint(users), func(b *testing.B) {
			p := posterTo("https://receiver.example/hook")
			at := time.Now().Add(-time.Minute)
			for b.Loop() {
				b.StopTimer()
				l := &leader{p: p, hook: presence.Hook{Target: p.target}}
				l.follow(newCensus(presence.Store{}, zap.NewNop()), newLedger(0, nil, at))
				for i := range users {
					l.ledger.changed(fmt.Sprint("user ", i), true, at, at)
				}
				b.StartTimer()
				if _, _, some := l.next(); !some {
					b.Fatal("nothing to tell")
				}
			}
		})
	}
}

// BenchmarkCensus_apply is what an event costs.
func BenchmarkCensus_apply(b *testing.B) {
	const users = 100_000
	c := newCensus(presence.Store{}, zap.NewNop())
	l := newLedger(time.Second, nil, time.Now())
	c.changed = func(user string, online bool, at time.Time) { l.changed(user, online, at, time.Now()) }
	id := events.Stream{Node: "n1", Epoch: 1}
	c.Begin(id, new(events.Fold))
	s := c.streams[id]
	at, open := events.Milliseconds(time.Now()), make([]events.Position, users)
	page := make([]events.Event, 1)
	for i := 0; b.Loop(); i++ {
		who := i % users
		e := events.Event{ID: id.At(s.next), At: at, User: fmt.Sprint("user ", who), Type: events.Connected}
		if was := open[who]; !was.IsZero() {
			e.Type, e.Conn, open[who] = events.Disconnected, was, events.Position{}
		} else {
			open[who] = e.ID
		}
		page[0] = e
		if !c.Apply(id, page) {
			b.Fatal("it does not fit")
		}
	}
}
