package roster

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/protocol"
)

// book is who is online, and who is to be told of it. The follower writes into it what
// the log says; the pusher sends from it.
type book struct {
	// static after newBook
	grace time.Duration
	size  sizes
	count *counters

	mu       sync.Mutex // guards what follows, and every user, stream, feed and view
	users    map[string]*user
	slots    []*user // the users, at their slots; nil: free
	free     []int32 // slots
	online   int     // users
	open     int     // connections
	streams  map[events.Stream]*stream
	leaving  []departure // who has no connection, the first to leave first
	watches  map[*Watch]struct{}
	byLevel  [2]int              // how many watches there are of each level
	everyone [2]feed             // by level: of those who watch everyone and have been told the whole
	unserved map[*Watch]struct{} // watches that have not been told the whole
	queued   []*feed             // that have something to tell
	loaded   bool                // every stream has been read once
	stale    bool                // the log cannot be read
	read     time.Time           // when the log was last read to its end
	place    string              // position as text; "": to be made
	changes  protocol.Changes    // space for those of one message
	idle     time.Time           // since when nobody watches; zero: somebody does
}

// user is one who is online, or who is in a list.
type user struct {
	name   string
	since  int64 // Unix milliseconds: when he came online
	conns  []connection
	lists  []entry
	leaves time.Time // when his absence is a leave; zero: he is not absent
	slot   int32
	online bool // as watchers are told: he has a connection, or had one just before
}

// connection is one of a user's.
type connection struct {
	stream *stream
	seq    uint64
	since  int64 // Unix milliseconds
}

func (c connection) id() events.Position { return c.stream.id.At(c.seq) }

// entry is a user's place in the list of a watch.
type entry struct {
	watch *Watch
	index int32 // in view.list
}

// stream is what was read of one.
type stream struct {
	id     events.Stream
	next   uint64 // seq
	sealed bool
	open   map[uint64]place
}

// place is where a connection stands with its user.
type place struct {
	user  *user
	index int32 // in user.conns
}

// departure is a user who leaves unless he is back by then.
type departure struct {
	user *user
	at   time.Time
}

func newBook(grace time.Duration, size sizes, count *counters) *book {
	b := &book{
		grace: grace, size: size, count: count, users: make(map[string]*user), streams: make(map[events.Stream]*stream),
		watches: make(map[*Watch]struct{}), unserved: make(map[*Watch]struct{}), read: time.Now(),
	}
	b.everyone[protocol.ByUser].shared, b.everyone[protocol.ByConnection].shared = true, true
	b.everyone[protocol.ByConnection].level = protocol.ByConnection
	return b
}

// user is the user of a name, who is added if he is not there.
func (b *book) user(name string) *user {
	if u := b.users[name]; u != nil {
		return u
	}
	u := &user{name: strings.Clone(name), slot: int32(len(b.slots))}
	if n := len(b.free); n > 0 {
		u.slot = b.free[n-1]
		b.free = b.free[:n-1]
		b.slots[u.slot] = u
	} else {
		b.slots = append(b.slots, u)
	}
	b.users[u.name] = u
	return u
}

// drop forgets a user of whom there is nothing to know.
func (b *book) drop(u *user) {
	if u.online || len(u.conns)+len(u.lists) > 0 {
		return
	}
	delete(b.users, u.name)
	b.slots[u.slot] = nil
	b.free = append(b.free, u.slot)
}

// connect takes note of an open connection. It returns false if it is known already.
func (b *book) connect(s *stream, seq uint64, name string, since int64) bool {
	if _, known := s.open[seq]; known {
		return false
	}
	u := b.user(name)
	c := connection{s, seq, since}
	s.open[seq] = place{u, int32(len(u.conns))}
	u.conns = append(u.conns, c)
	b.open++
	b.connectionChanged(u, c, true)
	u.leaves = time.Time{}
	if u.online {
		u.since = min(u.since, since)
		return true
	}
	u.online, u.since = true, since
	b.online++
	b.changed(protocol.ByUser, u.name, u, since, true)
	return true
}

// disconnect takes note that a connection is no more. It returns false if it is not
// known.
func (b *book) disconnect(s *stream, seq uint64, now time.Time) bool {
	p, known := s.open[seq]
	if !known {
		return false
	}
	u := p.user
	c := u.conns[p.index]
	delete(s.open, seq)
	b.open--
	last := len(u.conns) - 1
	if moved := u.conns[last]; int(p.index) != last {
		u.conns[p.index] = moved
		moved.stream.open[moved.seq] = p
	}
	u.conns = u.conns[:last]
	b.connectionChanged(u, c, false)
	switch {
	case last > 0:
	case b.grace == 0:
		b.leave(u)
	default:
		u.conns = nil
		u.leaves = now.Add(b.grace)
		b.leaving = append(b.leaving, departure{u, u.leaves})
	}
	return true
}

// leave makes a user offline.
func (b *book) leave(u *user) {
	u.online, u.leaves = false, time.Time{}
	b.online--
	b.changed(protocol.ByUser, u.name, u, 0, false)
	b.drop(u)
}

// expire lets those leave whose grace is over.
func (b *book) expire(now time.Time) {
	for len(b.leaving) > 0 && !b.leaving[0].at.After(now) {
		d := b.leaving[0]
		b.leaving = b.leaving[1:]
		if d.user.leaves.Equal(d.at) { // else he was back meanwhile
			b.leave(d.user)
		}
	}
	if len(b.leaving) == 0 {
		b.leaving = nil
	}
}

func (b *book) connectionChanged(u *user, c connection, online bool) {
	if b.byLevel[protocol.ByConnection] > 0 {
		b.changed(protocol.ByConnection, c.id().String(), u, c.since, online)
	}
}

// changed tells all whom it concerns that one came or left: a user, or a connection of
// his. It costs as much as there are watches that he is in the list of, and watches of
// everyone that have not been told the whole.
func (b *book) changed(l protocol.Level, key string, u *user, since int64, online bool) {
	if b.byLevel[l] == 0 {
		return
	}
	for _, e := range u.lists {
		if e.watch.query.Level == l && e.watch.knows(int(e.index)) {
			e.watch.feed.note(key, u.name, since, online)
			b.queue(&e.watch.feed)
		}
	}
	if f := &b.everyone[l]; len(f.to) > 0 {
		f.note(key, u.name, since, online)
		b.queue(f)
	}
	for w := range b.unserved {
		if w.everyone && w.query.Level == l && w.knows(int(u.slot)) {
			w.feed.note(key, u.name, since, online)
			if w.phase == joining && len(w.feed.changes) > b.size.late && w.out.Behind() {
				b.fallBehind(w) // before join gets to it: nobody knows when that is
			}
		}
	}
}

// queue makes sure that a feed is looked at when it is due.
func (b *book) queue(f *feed) {
	if !f.queued {
		f.queued = true
		b.queued = append(b.queued, f)
	}
}

// position is how far the streams that have not ended were read, as a cursor.
func (b *book) position() string {
	if b.place == "" {
		ids := make([]string, 0, len(b.streams))
		for _, s := range b.streams {
			if s.next > 0 {
				ids = append(ids, s.id.At(s.next-1).String())
			}
		}
		slices.Sort(ids)
		b.place = strings.Join(ids, ",")
	}
	return b.place
}
