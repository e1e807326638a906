package roster

import (
	"errors"
	"time"

	"github.com/presenced/presence/events"
)

// errUnfit is returned by book.apply for an event that does not follow from what was
// read before.
var errUnfit = errors.New("an event does not fit what was read of its stream")

// apply takes the next events of a stream.
func (b *book) apply(s *stream, page []events.Event, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.place = ""
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
			return errUnfit
		}
		s.next++
	}
	b.count.folded.Add(uint64(len(page)))
	return nil
}

// begin makes a stream be what its fold says. The zero Fold is none: nobody is there.
func (b *book) begin(s *stream, f *events.Fold, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.place = ""
	b.streams[s.id] = s
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
func (b *book) end(s *stream, now time.Time) {
	b.begin(s, new(events.Fold), now)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.place = ""
	delete(b.streams, s.id)
}

// nextSeq is the seq of the next event to read of a stream.
func (b *book) nextSeq(s *stream) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return s.next
}

// over reports whether a stream has ended, and nobody is left in it.
func (b *book) over(s *stream) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return s.sealed && len(s.open) == 0
}

// readThrough takes note that the log was read to its end.
func (b *book) readThrough(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loaded, b.read = true, now
}
