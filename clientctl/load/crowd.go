package load

import "sync"

// crowd are the connections that are open. Safe for concurrent use.
type crowd struct {
	mu    sync.Mutex
	conns []*conn // in no order; each knows its place
	ready int     // the first so many are welcomed
}

// enter adds one.
func (w *crowd) enter(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.place = len(w.conns)
	w.conns = append(w.conns, c)
}

// welcome notes that one is welcomed.
func (w *crowd) welcome(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.swap(c.place, w.ready)
	w.ready++
}

// leave removes one.
func (w *crowd) leave(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.place < w.ready {
		w.ready--
		w.swap(c.place, w.ready)
	}
	last := len(w.conns) - 1
	w.swap(c.place, last)
	w.conns[last] = nil
	w.conns = w.conns[:last]
}

// swap is called with mu held.
func (w *crowd) swap(i, j int) {
	w.conns[i], w.conns[j] = w.conns[j], w.conns[i]
	w.conns[i].place, w.conns[j].place = i, j
}

// pick returns the k-th of those that are welcomed, counted round and round; nil if
// there are none.
func (w *crowd) pick(k int) *conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ready == 0 {
		return nil
	}
	return w.conns[k%w.ready]
}

// all returns those that are there.
func (w *crowd) all() []*conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*conn(nil), w.conns...)
}
