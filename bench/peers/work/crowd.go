package work

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Crowd is the connections of a library that has no list of its own, in as many parts as
// there are processors, so that a push to all uses all of them.
type Crowd[C comparable] struct {
	parts []part[C]
	next  atomic.Uint32 // the part that gets the next connection
}

type part[C comparable] struct {
	pushed []C // the copy that Each goes through; owned by Each

	mu  sync.Mutex
	all []C
}

// NewCrowd is an empty one.
func NewCrowd[C comparable]() *Crowd[C] {
	return &Crowd[C]{parts: make([]part[C], runtime.GOMAXPROCS(0))}
}

// Add takes a connection.
func (c *Crowd[C]) Add(conn C) {
	p := &c.parts[int(c.next.Add(1))%len(c.parts)]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, conn)
}

// Remove forgets a connection.
func (c *Crowd[C]) Remove(conn C) {
	for i := range c.parts {
		if c.parts[i].remove(conn) {
			return
		}
	}
}

func (p *part[C]) remove(conn C) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.all, conn)
	if i < 0 {
		return false
	}
	last := len(p.all) - 1
	p.all[i] = p.all[last]
	clear(p.all[last:])
	p.all = p.all[:last]
	return true
}

// Each calls f for each connection, from a goroutine for each part, and returns when all
// were called. It is for one caller at a time.
func (c *Crowd[C]) Each(f func(C)) {
	var all sync.WaitGroup
	for i := range c.parts {
		p := &c.parts[i]
		all.Go(func() {
			p.mu.Lock()
			p.pushed = append(p.pushed[:0], p.all...)
			p.mu.Unlock()
			for _, conn := range p.pushed {
				f(conn)
			}
		})
	}
	all.Wait()
}
