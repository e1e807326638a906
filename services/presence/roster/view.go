package roster

import (
	"bytes"
	"maps"
	"time"

	"github.com/presenced/presence/services/protocol"
)

// phase is how far a watch is with its snapshot.
//
//	waiting → telling → live
//
// Everyone's watches go through joining before live, and back to it while their watcher is
// behind; one that is too slow goes back to waiting.
type phase uint8

const (
	waiting phase = iota // for the roster to be read, or for a slow watcher to catch up
	telling              // up to view.cursor
	joining              // it was told the whole, and waits to be told with the others
	live
)

// view is what a watcher knows.
type view struct {
	phase  phase
	list   []spot // of a list, its users
	feed   feed   // what it is to be told alone: all of it, or of everyone's, until it is live
	cursor int    // telling: who stands before it, in list or in book.slots, was told of
	part   int    // the last one that was sent
	resync bool   // it was told before
}

// spot is a user of a list, and where the list stands with him.
type spot struct {
	user  *user
	index int32 // in user.lists
}

// knows reports whether the watcher was told of who stands at an index of its list, or at a
// slot of the book.
func (w *Watch) knows(index int) bool {
	switch w.phase {
	case telling:
		return index < w.cursor
	case joining, live:
		return true
	case waiting:
	}
	return false
}

// admit takes in a watch.
func (b *book) admit(w *Watch) {
	if !b.loaded && b.stale {
		w.out.Post(cannotTell(w.query.ID))
		return
	}
	b.watches[w] = struct{}{}
	b.byLevel[w.query.Level]++
	b.unserved[w] = struct{}{}
	w.feed.level = w.query.Level
	w.list = make([]spot, 0, len(w.query.Users))
	for i, name := range w.query.Users {
		u := b.user(name)
		w.list = append(w.list, spot{u, int32(len(u.lists))})
		u.lists = append(u.lists, entry{w, int32(i)})
	}
	w.query.Users = nil // the list has them
}

// remove forgets a watch, if it is there.
func (b *book) remove(w *Watch) {
	if _, there := b.watches[w]; !there {
		return
	}
	delete(b.watches, w)
	delete(b.unserved, w)
	b.byLevel[w.query.Level]--
	for _, s := range w.list {
		last := len(s.user.lists) - 1
		moved := s.user.lists[last]
		s.user.lists[s.index] = moved
		moved.watch.list[moved.index].index = s.index
		s.user.lists[last] = entry{}
		if s.user.lists = s.user.lists[:last]; last == 0 {
			s.user.lists = nil
		}
		b.drop(s.user)
	}
	w.list, w.feed.to, w.feed.changes = nil, nil, nil
	if w.everyone {
		f := &b.everyone[w.query.Level]
		f.to, f.joining = without(f.to, w), without(f.joining, w)
		b.rest(f)
	}
}

// without takes a watch out of a list in which order does not matter.
func without(list []*Watch, w *Watch) []*Watch {
	for i := range list {
		if list[i] == w {
			last := len(list) - 1
			list[i], list[last] = list[last], nil
			return list[:last]
		}
	}
	return list
}

// rest forgets what is to be told to nobody.
func (b *book) rest(f *feed) {
	if len(f.to) == 0 {
		f.changes = nil
	}
}

// fallBehind gives up what a slow watcher knows. It is told all anew when it has caught
// up.
func (b *book) fallBehind(w *Watch) {
	w.phase, w.feed.changes, w.resync = waiting, nil, true
	if w.everyone {
		f := &b.everyone[w.query.Level]
		f.joining = without(f.joining, w)
	}
	b.unserved[w] = struct{}{}
}

// cannotTell is the answer to a watch command while the log cannot be read.
func cannotTell(id []byte) []byte {
	return protocol.AppendError(nil, &protocol.Error{ID: id, Code: protocol.Internal,
		Message: "who is online cannot be read now; send this one again later"})
}

// setStale tells the watchers whether the log can be read. Who was promised a snapshot and
// cannot have one is refused.
func (b *book) setStale(stale bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stale = stale
	for w := range b.watches {
		switch {
		case !b.loaded:
			w.out.Post(cannotTell(w.query.ID))
			b.remove(w)
		case w.phase == waiting: // its snapshot says it
		default:
			w.out.Post(protocol.AppendStale(nil, stale))
		}
	}
}

// The pace of messages to one watcher.
const (
	pushEvery  = time.Second            // between two pushes
	partEvery  = 50 * time.Millisecond  // between bursts of parts of a snapshot or of a long push
	lookEvery  = 100 * time.Millisecond // at a watcher that is behind
	maxLate    = protocol.MaxPresent    // changes that wait for a watcher that is behind: what one message has
	burstBytes = 512 << 10              // of parts of a snapshot at once; half of what may wait for a client
)

// serve goes on with the snapshot of a watch, and returns when to do so again; the zero
// time: when something has changed.
func (b *book) serve(w *Watch, now time.Time) time.Time {
	switch {
	case !b.readSince(w.asked) || w.phase == joining:
		return time.Time{}
	case w.out.Behind():
		return now.Add(lookEvery)
	case w.phase == waiting && w.feed.due.After(now):
		return w.feed.due
	case w.phase == waiting:
		w.phase, w.cursor, w.part, w.feed.to = telling, 0, 0, []*Watch{w}
		if w.resync {
			b.count.resyncs.Add(1)
		}
	}
	for sent := 0; sent < b.size.burst; {
		part := b.nextPart(w)
		const around, each = 160, 80 // bytes, more or less
		message := protocol.AppendWatch(make([]byte, 0, around+each*len(part.Present)), &part)
		sent += len(message)
		w.out.Post(message)
		if !part.More {
			b.toldWhole(w, now)
			return time.Time{}
		}
	}
	return now.Add(partEvery)
}

// readSince reports whether the log was read to its end after a time, or cannot be read, so
// that what was read before, with a word on that, is better than nothing.
func (b *book) readSince(t time.Time) bool { return b.loaded && (b.stale || !b.read.Before(t)) }

// nextPart is the next part of a snapshot.
func (b *book) nextPart(w *Watch) protocol.Snapshot {
	w.part++
	s := protocol.Snapshot{Level: w.query.Level, Accepted: -1, Part: w.part, Resync: w.resync}
	if !w.resync {
		s.ID = w.query.ID
	}
	end := len(b.slots)
	if !w.everyone {
		end, s.Accepted = len(w.list), len(w.list)
	}
	for ; w.cursor < end && len(s.Present) < b.size.page; w.cursor++ {
		if u := b.next(w); u != nil {
			s.Present = w.present(s.Present, u, b.size.page)
		}
	}
	if s.More = w.cursor < end; !s.More {
		s.Position, s.Stale = b.position(), b.stale
	}
	return s
}

// next is the user at the cursor of a watch; nil: there is none.
func (b *book) next(w *Watch) *user {
	if !w.everyone {
		return w.list[w.cursor].user
	}
	return b.slots[w.cursor]
}

// present appends what a snapshot says of a user. Who was told of before, and has left and
// come back to another slot since, is known. What is over the page is told after the
// snapshot.
func (w *Watch) present(list []protocol.Present, u *user, page int) []protocol.Present {
	if w.query.Level == protocol.ByUser {
		if !u.online {
			return list
		}
		if m, told := w.feed.changes[u.name]; told && m.had {
			delete(w.feed.changes, u.name)
			return list
		}
		return append(list, protocol.Present{User: u.name, Since: time.UnixMilli(u.since)})
	}
	for _, c := range u.conns {
		if len(list) == page {
			w.feed.note(c.id().String(), u.name, c.since, true)
			continue
		}
		list = append(list, protocol.Present{Connection: c.id().String(), User: u.name, Since: time.UnixMilli(c.since)})
	}
	return list
}

// toldWhole takes note that a watch has its snapshot, and how it is told from now on.
func (b *book) toldWhole(w *Watch, now time.Time) {
	w.feed.due = now.Add(pushEvery)
	if !w.everyone {
		w.phase = live
		delete(b.unserved, w)
		if len(w.feed.changes) > 0 {
			b.queue(&w.feed)
		}
		return
	}
	w.phase = joining
	f := &b.everyone[w.query.Level]
	f.joining = append(f.joining, w)
	b.queue(f)
}

// flush sends what is due to the watchers of a feed, and reports whether there is more.
func (b *book) flush(f *feed, now time.Time) (more bool) {
	if len(f.to) > 0 && f.to[0].phase == telling {
		return false // the snapshot first: toldWhole queues it again
	}
	if f.shared {
		f.to = b.setApart(f)
	} else if b.late(f) {
		f.due = now.Add(lookEvery)
		return len(f.changes) > 0
	}
	b.rest(f)
	if len(f.changes) > 0 && b.send(f, f.to) {
		f.due = now.Add(partEvery)
		return true
	}
	f.due = now.Add(pushEvery)
	return f.shared && b.join(f)
}

// setApart gives the watchers of a shared feed that are behind a feed of their own, until
// they have caught up. It returns the others.
func (b *book) setApart(f *feed) []*Watch {
	kept := f.to[:0]
	for _, w := range f.to {
		if !w.out.Behind() {
			kept = append(kept, w)
			continue
		}
		if len(f.changes) > b.size.late {
			b.fallBehind(w)
			continue
		}
		w.phase, w.feed.changes = joining, maps.Clone(f.changes)
		b.unserved[w] = struct{}{}
		f.joining = append(f.joining, w)
	}
	clear(f.to[len(kept):])
	return kept
}

// join lets those who were told the whole be told with the others of a shared feed, which
// has nothing to tell at the moment. Each is told first what it does not know. It reports
// whether some have to wait for the next time.
func (b *book) join(f *feed) (more bool) {
	all := f.joining
	f.joining = nil
	for _, w := range all {
		own := &w.feed
		if b.late(own) || len(own.changes) > 0 && b.send(own, own.to) {
			if w.phase == joining {
				f.joining = append(f.joining, w)
			}
			continue
		}
		w.phase = live
		delete(b.unserved, w)
		f.to = append(f.to, w)
	}
	return len(f.joining) > 0
}

// late reports whether the watcher of a feed of its own is behind. One that would have to
// be told too much when it has caught up is told all anew then.
func (b *book) late(own *feed) bool {
	if len(own.to) == 0 || !own.to[0].out.Behind() {
		return false
	}
	if len(own.changes) > b.size.late {
		b.fallBehind(own.to[0])
	}
	return true
}

// send sends a message of changes, encoded once, and reports whether there are more.
func (b *book) send(f *feed, to []*Watch) (more bool) {
	changes := &b.changes
	f.take(b.size.page, changes)
	if !changes.More {
		changes.Position = b.position()
	}
	const around, each = 64, 80 // bytes, more or less
	size := around + len(changes.Position) + each*(len(changes.Joins)+len(changes.Leaves))
	message := protocol.AppendPresence(make([]byte, 0, size), changes)
	for i, w := range to {
		if i < len(to)-1 {
			w.out.Post(bytes.Clone(message))
		} else {
			w.out.Post(message)
		}
	}
	b.count.pushes.Add(uint64(len(to)))
	return changes.More
}
