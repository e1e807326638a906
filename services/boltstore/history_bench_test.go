package boltstore

import (
	"fmt"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// million is a file with a stream of 1,000,000 events: at any time some 2,000 of 20,000
// users are connected. Snapshots are written as a node writes them.
func million(b *testing.B, snapshots bool) (*DB, events.Stream, time.Time) {
	const size, live = 1_000_000, 2000
	d := openIn(b, b.TempDir())
	s := events.Stream{Node: "n1", Epoch: 1}
	began := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	at := func(seq uint64) time.Time { return began.Add(time.Duration(seq) * 100 * time.Millisecond) }
	run := []events.Event{{ID: s.At(0), Type: events.Opened, At: began, Process: "p"}}
	open := make([]events.Event, 0, live+1)
	for seq := uint64(1); seq < size; seq++ {
		e := events.Event{ID: s.At(seq), At: at(seq)}
		if len(open) > live {
			gone := open[0]
			open = open[1:]
			e.Type, e.User, e.Conn, e.Reason = events.Disconnected, gone.User, gone.ID, events.Client
		} else {
			e.Type, e.User, e.Remote, e.Agent = events.Connected, fmt.Sprint("user-", seq*7919%20_000), "203.0.113.0", "bench/1"
			open = append(open, e)
		}
		if run = append(run, e); len(run) == 1000 || seq == size-1 {
			if _, err := d.Store().Log.Append(noContext, run); err != nil {
				b.Fatal(err)
			}
			run = run[:0]
		}
	}
	for seq := uint64(10_000); snapshots && seq < size; seq += 10_000 {
		if _, err := presence.WriteSnapshot(noContext, d.Store(), s.At(seq)); err != nil {
			b.Fatal(err)
		}
	}
	return d, s, at(size)
}

func BenchmarkHistory(b *testing.B) {
	for _, snapshots := range []bool{true, false} {
		d, _, end := million(b, snapshots)
		began := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		h := presence.NewHistory(d.Store())
		name := fmt.Sprintf("snapshots=%v/", snapshots)
		b.Run(name+"online at T", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				at := began.Add(end.Sub(began) / 97 * time.Duration(i*31%97))
				page, err := h.OnlineAt(noContext, at, presence.UserQuery{Limit: 100})
				if err != nil || i%97 > 0 && page.Total < 1999 {
					b.Fatal(page.Total, err)
				}
			}
		})
		for _, hours := range []int{1, 24} { // 36,000 events, and 864,000
			b.Run(fmt.Sprintf("%stimeline of %d hours", name, hours), func(b *testing.B) {
				b.ReportAllocs()
				from := end.Add(-time.Duration(hours) * time.Hour)
				for b.Loop() {
					line, err := h.Timeline(noContext, presence.TimelineQuery{From: from, To: end.Add(-time.Second), Points: presence.MaxTimelinePoints})
					if err != nil || len(line.Points) != presence.MaxTimelinePoints || line.Points[500].Connections.Online < 1999 {
						b.Fatal(len(line.Points), err)
					}
				}
			})
		}
		b.Run(name+"sessions of an hour", func(b *testing.B) {
			for b.Loop() {
				from := began.Add(end.Sub(began) / 2)
				if _, err := h.Sessions(noContext, presence.SessionQuery{User: "user-42", From: from, To: from.Add(time.Hour), Limit: 100}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"last seen of 1000", func(b *testing.B) {
			users := make([]string, 1000)
			for i := range users {
				users[i] = fmt.Sprint("user-", i)
			}
			for b.Loop() {
				if seen, err := h.LastSeen(noContext, users); err != nil || len(seen.Users) < 400 {
					b.Fatal(len(seen.Users), err)
				}
			}
		})
	}
}

// BenchmarkFold is the rate at which a stream is read and folded.
func BenchmarkFold(b *testing.B) {
	d, s, _ := million(b, false)
	store := d.Store()
	for b.Loop() {
		var f events.Fold
		for from := s.At(0); ; {
			page, err := store.Log.Read(noContext, from, 1000)
			if err != nil {
				b.Fatal(err)
			}
			for _, e := range page {
				if err := f.Apply(e); err != nil {
					b.Fatal(err)
				}
			}
			if len(page) < 1000 {
				break
			}
			from = page[len(page)-1].ID.Next()
		}
	}
	b.ReportMetric(1_000_000*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkVerifier is the rate at which a log is folded, checked and compared with
// online, and at which online is written anew from it once it is lost. Two thousand
// connections are open at the end of the log.
func BenchmarkVerifier(b *testing.B) {
	d, s, _ := million(b, false)
	store := d.Store()
	v := presence.Verifier{Store: store}
	tail, err := store.Log.Tail(noContext, s)
	if err != nil {
		b.Fatal(err)
	}
	// The owner says that it has recorded all of it; only then is online written for it.
	if err := store.Nodes.Join(noContext, presence.Node{Stream: s, Tail: tail.ID}); err != nil {
		b.Fatal(err)
	}
	lost, err := v.Verify(noContext)
	if err != nil || len(lost.Problems) != lost.Open || lost.Open < 2000 {
		b.Fatal(len(lost.Problems), lost.Open, err)
	}
	rate := func(b *testing.B) { b.ReportMetric(1_000_000*float64(b.N)/b.Elapsed().Seconds(), "events/s") }
	b.Run("rebuild", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			if err := store.Online.DropStream(noContext, s); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			if mended, err := v.Repair(noContext, lost); err != nil || len(mended) != lost.Open {
				b.Fatal(len(mended), err)
			}
		}
		rate(b)
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			if r, err := v.Verify(noContext); err != nil || !r.Holds() {
				b.Fatal(r.Problems, err)
			}
		}
		rate(b)
	})
}

// BenchmarkForget is what it takes to forget one of 20,000 users in a million events, with
// the snapshots of a node, and to write the file anew.
func BenchmarkForget(b *testing.B) {
	d, _, _ := million(b, true)
	forgotten := 0
	b.Run("forget", func(b *testing.B) {
		for b.Loop() {
			user := fmt.Sprint("user-", 2*forgotten+1)
			forgotten++
			done, err := presence.Forget(noContext, d.Store(), user, func(presence.Forgotten) {})
			if err != nil || done.Connections < 40 {
				b.Fatal(done, err)
			}
		}
	})
	b.Run("compact", func(b *testing.B) {
		for b.Loop() {
			if err := d.copyTo(d.path + compactSuffix); err != nil {
				b.Fatal(err)
			}
		}
	})
}
