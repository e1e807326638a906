package gateway

import (
	"sync"
	"sync/atomic"
	"time"
)

// relay is the driver that needs no more than package net: each of its connections is
// a pipe, whose goroutines do the waiting and report to the relay. At rest that is one
// goroutine, which waits for the client.
type relay struct {
	// static after construction
	shared *shared
	wake   chan struct{} // room for one; full: the loop will look anyway

	rung atomic.Bool

	// owned by the loop
	events [eventsPerTurn]event
	taken  []*pipe // what these have read is taken: they may read on after the turn

	mu    sync.Mutex
	ready []*pipe // those with news, in order; p.news of them is not 0
}

var _ driver = (*relay)(nil)

func newRelay(s *shared) *relay { return &relay{shared: s, wake: make(chan struct{}, 1)} }

// news is what a pipe has to tell its loop.
type news uint8

const (
	canRead news = 1 << iota
	canWrite
)

// report tells the loop of p.
func (r *relay) report(p *pipe, n news) {
	r.mu.Lock()
	if p.news == 0 {
		r.ready = append(r.ready, p)
	}
	p.news |= n
	r.mu.Unlock()
	r.nudge()
}

func (r *relay) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *relay) ring() {
	r.rung.Store(true)
	r.nudge()
}

func (r *relay) add(c *conn) error {
	c.pipe.attach(r, c.slot, c.id)
	return nil
}

func (*relay) detach(c *conn) (duplex, error) { return c.pipe.detach(), nil }

// wait implements poller. What was read in the turn before is done with: those readers
// go on.
func (r *relay) wait(ms int) (events []event, rung bool, err error) {
	for i, p := range r.taken {
		p.readOn()
		r.taken[i] = nil
	}
	r.taken = r.taken[:0]
	events, rung = r.take()
	if len(events) == 0 && !rung && ms != 0 {
		r.sleep(ms)
		events, rung = r.take()
	}
	return events, rung, nil
}

// take returns the news of the next few pipes.
func (r *relay) take() ([]event, bool) {
	rung := r.rung.Swap(false)
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.ready), eventsPerTurn)
	for i, p := range r.ready[:n] {
		r.events[i] = event{slot: p.slot, id: p.id, readable: p.news&canRead != 0, writable: p.news&canWrite != 0}
		p.news = 0
	}
	left := copy(r.ready, r.ready[n:])
	clear(r.ready[left:])
	r.ready = r.ready[:left]
	return r.events[:n], rung
}

// A wait that ends so much too late says that the process was held up: stopped, or
// out of processor time. Then what clients have said meanwhile still lies in their
// sockets, and their readers get a moment to bring it before anybody is judged.
const (
	heldUp = 500 * time.Millisecond
	moment = 100 * time.Millisecond
)

// sleep waits for news, at most ms milliseconds, −1 for any time.
func (r *relay) sleep(ms int) {
	if ms < 0 {
		<-r.wake
		return
	}
	most := time.Duration(ms) * time.Millisecond
	began := time.Now()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-r.wake:
	case <-timer.C:
	}
	for time.Since(began) > most+heldUp {
		began, most = time.Now(), moment
		time.Sleep(moment)
	}
}

func (r *relay) read(c *conn, p []byte) (int, error) {
	n, err := c.pipe.read(p)
	if n > 0 {
		r.taken = append(r.taken, c.pipe)
	}
	return n, err
}

func (*relay) write(c *conn, p []byte) (int, error) { return c.pipe.write(p) }
func (*relay) watch(c *conn, writable bool)         { c.pipe.watch(writable) }
func (*relay) shut(c *conn)                         { c.pipe.shut() }
func (*relay) close(c *conn)                        { c.pipe.close() }

// release implements poller: the goroutines of pipes end by themselves, and the server
// waits for them.
func (*relay) release() {}
