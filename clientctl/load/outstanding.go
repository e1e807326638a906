package load

import (
	"sync"
	"time"
)

// outstanding are the commands that have no answer yet, by their numbers, which are
// dense and grow. Safe for concurrent use.
type outstanding struct {
	mu      sync.Mutex
	first   int       // number of queue[0]
	queue   []command // what is in front was answered or given up
	waiting int       // those that were not
}

// command is one that was sent.
type command struct {
	due  time.Time
	conn *conn // nil: it is done with
}

// add notes the next command, and returns its number.
func (o *outstanding) add(c *conn, due time.Time) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = append(o.queue, command{due, c})
	o.waiting++
	return o.first + len(o.queue) - 1
}

// answer takes the command of that number out, if the connection has sent it and it waits.
func (o *outstanding) answer(c *conn, id int) (due time.Time, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := id - o.first
	if i < 0 || i >= len(o.queue) || o.queue[i].conn != c || c == nil {
		return due, false
	}
	due = o.queue[i].due
	o.queue[i].conn = nil
	o.waiting--
	return due, true
}

// expire gives up what was due before a time, or was sent on connections that are gone,
// as far as it is in front, and returns how many there were of each.
func (o *outstanding) expire(before time.Time) (late, lost int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) > 0 {
		switch c := o.queue[0]; {
		case c.conn == nil:
		case c.conn.gone.Load():
			lost++
			o.waiting--
		case c.due.Before(before):
			late++
			o.waiting--
		default:
			return late, lost
		}
		o.first++
		o.queue[0] = command{}
		o.queue = o.queue[1:]
	}
	return late, lost
}

// empty reports whether nothing waits.
func (o *outstanding) empty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.waiting == 0
}
