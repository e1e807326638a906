package presence

import (
	"errors"
	"slices"
	"sync"

	"github.com/presenced/presence/events"
)

// ErrFull is returned by Member.Admit when the events of one more connection have
// no room: the store is slower than the clients come and go, or away.
var ErrFull = errors.New("the queue of events that wait to be recorded is full")

// ErrStopped is returned by Member.Admit when the node is leaving or fenced.
var ErrStopped = errors.New("this node takes no more connections")

// table is the connections of this node and the queue of their events that are not
// yet recorded.
//
// Admission: room counts the events for which no room is reserved. An admitted
// connection holds two places, one for its connected and one for its disconnected
// event; each is given back when that event is recorded. So the queue never has
// more than its capacity, and no event is ever dropped. A stale connection holds the
// one place of its disconnected event: its connected event in the new stream does not
// go through the queue.
type table struct {
	// static after construction
	wake chan struct{} // size 1: says that the queue is not empty; a full channel says so already

	mu     sync.Mutex
	closed bool
	room   int
	head   int      // of queue: what is before it is taken
	queue  []item   // in the order in which things happened
	flying int      // items that are taken, and not yet recorded
	oldest int64    // at of the first of them
	live   connList // recorded in the current stream
	stale  connList // recorded, or queued, in a stream that is lost
}

// item is an event to be: at (Unix milliseconds), conn connected, or, if there is a
// reason, disconnected.
type item struct {
	conn   *Conn
	at     int64
	reason events.Reason
}

func newTable(capacity int) *table {
	return &table{wake: make(chan struct{}, 1), room: capacity}
}

// admit reserves room for both events of a connection.
func (t *table) admit() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return ErrStopped
	case t.room < 2:
		return ErrFull
	}
	t.room -= 2
	return nil
}

// release gives back the room of an admission that was not used.
func (t *table) release() {
	t.mu.Lock()
	t.room += 2
	t.mu.Unlock()
}

// connect queues the connected event of an admitted connection.
func (t *table) connect(c *Conn, at int64) {
	t.mu.Lock()
	c.state = connQueued
	t.queue = append(t.queue, item{conn: c, at: at})
	t.mu.Unlock()
	t.signal()
}

// disconnect queues the disconnected event of a connection. Only the first call for
// a connection does something.
func (t *table) disconnect(c *Conn, reason events.Reason, at int64) {
	t.mu.Lock()
	queued := t.leave(c, reason, at)
	t.mu.Unlock()
	if queued {
		t.signal()
	}
}

// leave reports whether it queued an event. It needs mu.
func (t *table) leave(c *Conn, reason events.Reason, at int64) bool {
	switch c.state {
	case connNew, connLeft:
		return false
	case connStale:
		// The takeover has ended it in the old stream, and the new one never knew it.
		t.stale.remove(c)
		c.state = connLeft
		t.room++
		return false
	case connRecorded:
		t.live.remove(c)
	case connQueued, connMoving:
	}
	c.state = connLeft
	t.queue = append(t.queue, item{conn: c, at: at, reason: reason})
	return true
}

// close ends admission.
func (t *table) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
}

// disconnectAll queues the disconnected events of all recorded connections, and lets
// the stale ones go.
func (t *table) disconnectAll(reason events.Reason, at int64) {
	t.mu.Lock()
	for t.live.first != nil {
		t.leave(t.live.first, reason, at)
	}
	for t.stale.first != nil {
		t.leave(t.stale.first, reason, at)
	}
	t.mu.Unlock()
	t.signal()
}

func (t *table) signal() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// take moves up to cap(batch) items from the queue into batch and returns it. Those that
// it returned before are recorded.
func (t *table) take(batch []item) []item {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := min(cap(batch), len(t.queue)-t.head)
	batch = append(batch[:0], t.queue[t.head:t.head+n]...)
	t.head += n
	if t.flying = n; n > 0 {
		t.oldest = batch[0].at
	}
	t.shrink()
	return batch
}

// keepQueue is how many items the queue keeps memory for when it is empty.
const keepQueue = 4096

// shrink gives back the front of the queue once it is as long as the rest, and the
// whole of a long queue once it is empty. It needs mu.
func (t *table) shrink() {
	rest := len(t.queue) - t.head
	switch {
	case rest == 0 && cap(t.queue) > keepQueue:
		t.queue, t.head = nil, 0
	case t.head >= rest:
		copy(t.queue, t.queue[t.head:])
		clear(t.queue[rest:])
		t.queue, t.head = t.queue[:rest], 0
	}
}

// recorded takes note that the events of a batch are recorded in an epoch: their room
// is free again, and the connections that are still there are live. It returns those,
// in the space of batch.
func (t *table) recorded(batch []item, epoch uint32) []item {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.room += len(batch)
	t.flying = 0
	welcome := batch[:0]
	for _, it := range batch {
		if it.reason == 0 && it.conn.state == connQueued {
			t.settle(it.conn, epoch)
			welcome = append(welcome, it)
		}
	}
	clear(batch[len(welcome):])
	return welcome
}

// settle makes a connection live. It needs mu.
func (t *table) settle(c *Conn, epoch uint32) {
	c.state = connRecorded
	c.ackedSeq, c.ackedEpoch = c.seq, epoch
	t.live.push(c)
}

// lose takes note that the stream is lost: what is queued, and what was in flight,
// goes to no other stream, and the connections that are still there become stale.
func (t *table) lose(inFlight []item, moving []*Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.live.first != nil {
		t.goStale(t.live.first)
	}
	for _, c := range moving {
		if c.state == connMoving {
			t.goStale(c)
		}
	}
	t.drop(inFlight)
	t.flying = 0
	t.drop(t.queue[t.head:])
	t.queue, t.head = nil, 0
}

// drop needs mu.
func (t *table) drop(items []item) {
	t.room += len(items)
	for _, it := range items {
		if it.reason == 0 && it.conn.state == connQueued {
			t.goStale(it.conn)
		}
	}
}

// goStale needs mu.
func (t *table) goStale(c *Conn) {
	if c.state == connRecorded {
		t.live.remove(c)
	}
	c.state = connStale
	t.stale.push(c)
}

// takeStale moves up to cap(batch) stale connections into batch and returns it.
func (t *table) takeStale(batch []*Conn) []*Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	batch = batch[:0]
	for t.stale.first != nil && len(batch) < cap(batch) {
		c := t.stale.first
		t.stale.remove(c)
		c.state = connMoving
		batch = append(batch, c)
	}
	return batch
}

// moved takes note that the connected events of a batch from takeStale are recorded in
// an epoch. It returns the connections that are still there, in the space of batch.
func (t *table) moved(batch []*Conn, epoch uint32) []*Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	welcome := batch[:0]
	for _, c := range batch {
		if c.state == connMoving {
			t.settle(c, epoch)
			welcome = append(welcome, c)
		}
	}
	clear(batch[len(welcome):])
	return welcome
}

// isThere reports whether a connection has not left.
func (t *table) isThere(c *Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return c.state != connLeft
}

// recordedConns returns the live connections, ascending by seq.
func (t *table) recordedConns() []*Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.liveConns()
}

// known returns the live connections, and the seqs of those whose disconnected event is in
// the queue, both ascending by seq. It is for the appender, between two batches: of what is
// in flight it knows nothing.
func (t *table) known() (live []*Conn, leaving []uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, it := range t.queue[t.head:] {
		if it.reason != 0 && it.conn.seq != 0 {
			leaving = append(leaving, it.conn.seq)
		}
	}
	slices.Sort(leaving)
	return t.liveConns(), leaving
}

// liveConns needs mu.
func (t *table) liveConns() []*Conn {
	conns := make([]*Conn, 0, t.live.n)
	for c := t.live.first; c != nil; c = c.next {
		conns = append(conns, c)
	}
	return conns
}
