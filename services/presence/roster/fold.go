package roster

import (
	"time"

	"github.com/presenced/presence/events"
)

// apply takes the next events of a stream that has begun, and reports whether they follow
// from what was read before.
func (b *book) apply(id events.Stream, page []events.Event, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.place = ""
	s := b.streams[id]
	for i := range page {
		e := &page[i]
		fits := e.ID == s.id.At(s.next)
		switch e.Type {
		case events.Connected:
			fits = fits && b.connect(s, e.ID.Seq, e.User, e.At.UnixMilli())
		case events.Disconnected:
			fits = fits && b.disconnect(s, e.Conn.Seq, now)
		case events.Sealed:
			s.sealed = true
		case events.Opened:
		}
		if !fits {
			return false
		}
		s.next++
	}
	b.count.folded.Add(uint64(len(page)))
	return true
}

// begin makes a stream be what its fold says. The zero Fold is none: nobody is there.
func (b *book) begin(id events.Stream, f *events.Fold, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.place = ""
	s := b.streams[id]
	if s == nil {
		s = &stream{id: id, open: make(map[uint64]place, f.Len())}
		b.streams[id] = s
	}
	s.next, s.sealed = 0, f.Sealed()
	if tail := f.Tail().ID; !tail.IsZero() {
		s.next = tail.Seq + 1
	}
	open := f.Open()
	users := make(map[uint64]string, len(open))
	for _, e := range open {
		users[e.ID.Seq] = e.User
	}
	for seq, p := range s.open {
		if users[seq] != p.user.name {
			b.disconnect(s, seq, now)
		}
	}
	for _, e := range open {
		b.connect(s, e.ID.Seq, e.User, e.At.UnixMilli())
	}
	b.count.folded.Add(uint64(len(open)))
}

// end forgets a stream, and whoever is still in it.
func (b *book) end(id events.Stream, now time.Time) {
	b.begin(id, new(events.Fold), now)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.place = ""
	delete(b.streams, id)
}

// reach is the seq of the next event to read of a stream, and whether it is sealed and
// nobody is left in it.
func (b *book) reach(id events.Stream) (next uint64, over bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.streams[id]
	return s.next, s.sealed && len(s.open) == 0
}

// readThrough takes note that the log was read to its end.
func (b *book) readThrough(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loaded, b.read = true, now
}
