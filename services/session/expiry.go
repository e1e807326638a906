package session

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/presenced/presence/services/protocol"
)

const (
	// lookEvery is how late a session may be ended. It is also how soon a step of the
	// clock is noticed: tokens expire by the wall clock, and no timer goes by that.
	lookEvery = time.Second

	// atOnce bounds how many sessions are ended while nobody else may change the queue.
	atOnce = 1024

	notQueued = -1
)

// Expiry ends the sessions whose token has expired, with close code 4500. It is one
// queue for all of a server's sessions: a session at rest costs a place in it, and
// neither a timer nor a goroutine. It is safe for concurrent use; the zero Expiry is
// ready.
type Expiry struct {
	mu    sync.Mutex
	queue queue // a heap: the next to expire stands first
}

// Run ends sessions until ctx ends.
func (x *Expiry) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var ended []*Session
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for more := true; more; {
			ended = x.due(time.Now().UnixMilli(), ended[:0])
			for _, s := range ended {
				s.socket.Close(uint16(protocol.CloseInvalidToken), "the token has expired")
			}
			more = len(ended) == atOnce
			clear(ended)
		}
	}
}

// add puts a proof into the queue.
func (x *Expiry) add(p *proof) {
	x.mu.Lock()
	defer x.mu.Unlock()
	heap.Push(&x.queue, p)
}

// move changes when a proof expires.
func (x *Expiry) move(p *proof, expires time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p.expires = expires.UnixMilli()
	if p.place == notQueued { // it has expired a moment ago
		heap.Push(&x.queue, p)
		return
	}
	heap.Fix(&x.queue, int(p.place))
}

// remove takes a proof out of the queue, if it is there.
func (x *Expiry) remove(p *proof) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if p.place != notQueued {
		heap.Remove(&x.queue, int(p.place))
	}
}

// due takes out what has expired at the time now, in Unix milliseconds, at most atOnce
// of it, and appends the sessions to ended.
func (x *Expiry) due(now int64, ended []*Session) []*Session {
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.queue) > 0 && x.queue[0].expires <= now && len(ended) < atOnce {
		p, _ := heap.Pop(&x.queue).(*proof)
		ended = append(ended, p.session)
	}
	return ended
}

// queue is a heap.Interface; each proof knows its place.
type queue []*proof

var _ heap.Interface = (*queue)(nil)

// Len implements heap.Interface.
func (q queue) Len() int { return len(q) }

// Less implements heap.Interface.
func (q queue) Less(i, j int) bool { return q[i].expires < q[j].expires }

// Swap implements heap.Interface.
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = int32(i), int32(j)
}

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	p, _ := x.(*proof)
	p.place = int32(len(*q))
	*q = append(*q, p)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	p := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	p.place = notQueued
	return p
}
