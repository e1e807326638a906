package roster

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/protocol"
)

// sink takes messages.
type sink struct{ bytes int }

func (s *sink) Post(p []byte) { s.bytes += len(p) }
func (*sink) Behind() bool    { return false }

// filled is a book with users who have a connection each.
func filled(users int) (*book, *stream) {
	b := newBook(0, sizes{page: protocol.MaxPresent, burst: burstBytes, late: maxLate}, new(counters))
	s := &stream{id: events.Stream{Node: "n1", Epoch: 1}, open: make(map[uint64]place), next: 1}
	b.streams[s.id] = s
	_ = b.apply(s.id, comings(s, users), time.Now())
	b.readThrough(time.Now())
	return b, s
}

// comings are the connected events of users who come next in a stream.
func comings(s *stream, users int) []events.Event {
	page := make([]events.Event, users)
	for i := range page {
		seq := s.next + uint64(i)
		page[i] = events.Event{ID: s.id.At(seq), Type: events.Connected, At: time.UnixMilli(1_800_000_000_000), User: fmt.Sprint("user", seq)}
	}
	return page
}

// watchLists makes watchers of lists of 200, of whom some have the one whom they all list.
func watchLists(b *book, watchers, having int, one string) *sink {
	out := new(sink)
	now := time.Now()
	var asks []request
	for i := range watchers {
		names := make([]string, 0, 201)
		for j := range 200 {
			names = append(names, fmt.Sprint("user", (i*37+j*11)%len(b.users)+1))
		}
		if i < having {
			names = append(names, one)
		}
		asks = append(asks, request{watch: newWatch(out, Query{Users: names}, false)})
	}
	b.readThrough(time.Now())
	b.step(asks, now)
	return out
}

// One user comes, or leaves, whom 10,000 of 10,000 watchers have in their lists of 200,
// or 10 of them: what it costs until each has its push.
func BenchmarkBook_OneEvent(b *testing.B) {
	for _, having := range []int{10, 10_000} {
		b.Run(fmt.Sprintf("to %d of 10000 watchers of lists", having), func(b *testing.B) {
			book, s := filled(100_000)
			out := watchLists(book, 10_000, having, "ana")
			now, open := time.Now(), uint64(0)
			b.ReportAllocs()
			out.bytes = 0
			for b.Loop() {
				now = now.Add(2 * time.Second)
				e := events.Event{ID: s.id.At(s.next), Type: events.Connected, At: now, User: "ana"}
				if open != 0 {
					e = events.Event{ID: s.id.At(s.next), Type: events.Disconnected, At: now, User: "ana", Conn: s.id.At(open), Reason: events.Client}
				}
				open = e.ID.Seq
				if e.Type == events.Disconnected {
					open = 0
				}
				if !book.apply(s.id, []events.Event{e}, now) {
					b.Fatal("it does not fit")
				}
				book.step(nil, now)
			}
			b.ReportMetric(float64(book.count.pushes.Load())/float64(b.N), "pushes/op")
			b.ReportMetric(float64(out.bytes)/float64(b.N), "bytes/op")
		})
	}
}

// How fast a book takes in events, with nobody in particular watching.
func BenchmarkBook_Fold(b *testing.B) {
	for _, watched := range []bool{false, true} {
		b.Run(fmt.Sprintf("watched by everyone %v", watched), func(b *testing.B) {
			book, s := filled(100_000)
			now := time.Now()
			if watched {
				book.stale = true // no poll follows
				book.step([]request{{watch: newWatch(new(sink), Query{}, true)}}, now)
				book.step(nil, now)
			}
			page := comings(s, 500)
			for i := range 500 {
				e := page[i]
				page = append(page, events.Event{ID: s.id.At(e.ID.Seq + 500), Type: events.Disconnected, At: e.At, User: e.User, Conn: e.ID, Reason: events.Client})
			}
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				for i := range page {
					page[i].ID.Seq = s.next + uint64(i)
					if i >= 500 {
						page[i].Conn = page[i-500].ID
					}
				}
				b.StartTimer()
				if !book.apply(s.id, page, now) {
					b.Fatal("it does not fit")
				}
			}
			b.ReportMetric(float64(len(page)*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// What a user who is online costs in memory, and a name in a list.
func BenchmarkBook_Memory(b *testing.B) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		const users, watchers = 1_000_000, 5000
		before := heap()
		book, _ := filled(users)
		full := heap()
		out := watchLists(book, watchers, 0, "")
		b.ReportMetric(float64(full-before)/users, "B/user")
		b.ReportMetric(float64(heap()-full)/(watchers*200), "B/name")
		runtime.KeepAlive(book)
		runtime.KeepAlive(out)
	}
}
