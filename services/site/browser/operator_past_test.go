package browser

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/boltstore"
)

// day puts a day into a data directory: users come and go. Epoch 1
// ends in good order after a third; epoch 2 was lost 6 hours ago, which was found out 50
// minutes later, when epoch 3 began; that one left a minute ago.
func day(t *testing.T, dir string, now time.Time) {
	t.Helper()
	db, err := boltstore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	now = events.Milliseconds(now)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for i, l := range []life{
		{from: ago(26 * time.Hour), to: ago(17 * time.Hour)},
		{from: ago(17*time.Hour - 20*time.Second), to: ago(6 * time.Hour), declared: ago(6*time.Hour - 50*time.Minute)},
		{from: ago(6*time.Hour - 50*time.Minute), to: ago(time.Minute)},
	} {
		run := l.events(events.Stream{Node: "n1", Epoch: uint32(i + 1)}, now)
		for page := range slices.Chunk(run, 1000) {
			if _, err := db.Store().Log.Append(t.Context(), page); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// life is a stream: lost if it was declared so, else left.
type life struct{ from, to, declared time.Time }

// visitors are how many there are so long ago, most of them 8 hours ago, with some noise
// that is the same each time.
func visitors(ago time.Duration, i int) int {
	swell := math.Cos((ago.Hours() - 8) / 24 * 2 * math.Pi)
	return int(46 + 34*swell + 4*math.Sin(float64(i)*0.21) + 3*math.Sin(float64(i)*0.13))
}

var names = []string{"ana", "bob", "chloé", "dmitri", "eun-ji", "فاطمة", "giulia", "hans", "inés", "jun"}

func (l life) events(s events.Stream, now time.Time) []events.Event {
	run := []events.Event{{ID: s.At(0), Type: events.Opened, At: l.from, Process: "p", Addr: "localhost:8080", Version: "v1.0.0"}}
	add := func(e events.Event) events.Event {
		e.ID = s.At(uint64(len(run)))
		run = append(run, e)
		return e
	}
	var open []events.Event
	for i, at := 0, l.from.Add(time.Second); at.Before(l.to); i, at = i+1, at.Add(90*time.Second) {
		for n := visitors(now.Sub(at), i); n > len(open); {
			user := names[(i+len(open))%len(names)]
			if k := (i*7 + len(open)*3) % 60; k >= len(names) {
				user = fmt.Sprintf("%s-%d", user, k)
			}
			open = append(open, add(events.Event{Type: events.Connected, At: at, User: user, Remote: "203.0.113.0", Agent: "Mozilla/5.0"}))
		}
		for n := visitors(now.Sub(at), i); n < len(open); open = open[1:] {
			add(events.Event{Type: events.Disconnected, At: at, User: open[0].User, Conn: open[0].ID, Reason: events.Client})
		}
	}
	seal := events.Event{Type: events.Sealed, At: l.to, By: s.Node, Reason: events.Shutdown}
	end := events.Event{Type: events.Disconnected, At: l.to, Reason: events.Shutdown}
	if !l.declared.IsZero() {
		seal.At, seal.Reason, seal.LastSeen = l.declared, events.NodeLost, l.to
		end.At, end.Reason, end.LastSeen = l.declared, events.NodeLost, l.to
		add(seal)
	}
	slices.SortFunc(open, func(a, b events.Event) int { return cmp.Compare(a.ID.Seq, b.ID.Seq) })
	for _, c := range open {
		end.User, end.Conn = c.User, c.ID
		add(end)
	}
	if l.declared.IsZero() {
		add(seal)
	}
	return run
}
