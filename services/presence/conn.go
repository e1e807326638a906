package presence

import (
	"unique"

	"github.com/presenced/presence/events"
)

// Client is the other side of a connection that is being recorded.
type Client interface {
	// Recorded says that the connection is in the log and in online, and gives its
	// id. It is called on the appender's goroutine and must not block; it may come
	// after the socket is gone.
	Recorded(id events.Position)

	// Kicked says that an operator wants the connection to be closed, and why; the reason
	// may be empty. It is called on the appender's goroutine and must not block; it may
	// come after the socket is gone, and more than once.
	Kicked(reason string)
}

// Conn is one connection of this node, from its admission to its disconnect. It is
// meant to be embedded by value in the session that it belongs to. Its methods are
// those of Member.
type Conn struct {
	// static after Init
	client Client
	user   string
	// Shared by the many connections that have the same: kept once per process.
	remote, agent unique.Handle[string]

	// owned by the appender until the connection is recorded, static until its stream
	// is lost
	seq   uint64
	since int64 // At of its connected event, Unix milliseconds

	// guarded by table.mu
	ackedSeq   uint64 // of its last recorded connected event; 0 before the first
	ackedEpoch uint32 // of the same
	state      connState
	prev, next *Conn // in table.live or table.stale
}

// connState is where a connection stands.
//
//	new → queued → recorded → left
//
// When the node's stream is lost, queued and recorded connections become stale, and
// go stale → moving → recorded in the next epoch.
type connState uint8

const (
	connNew      connState = iota
	connQueued             // its connected event waits to be recorded
	connRecorded           // it is in online, and in table.live
	connStale              // it is in table.stale: its stream is lost, the next has not yet its event
	connMoving             // its connected event in the new stream is being recorded
	connLeft               // its disconnected event is queued, or recorded, or not needed
)

// Init makes c ready for Member.Connect. The user id is valid (events.ValidateUser),
// and so are remote and agent.
func (c *Conn) Init(client Client, user, remote, agent string) {
	c.client, c.user = client, user
	c.remote, c.agent = unique.Make(remote), unique.Make(agent)
}

// User is the user that the connection belongs to.
func (c *Conn) User() string { return c.user }

// connList is a list of connections through their own links, ascending by seq.
type connList struct {
	first, last *Conn
	n           int
}

func (l *connList) push(c *Conn) {
	c.prev, c.next = l.last, nil
	if l.last == nil {
		l.first = c
	} else {
		l.last.next = c
	}
	l.last = c
	l.n++
}

func (l *connList) remove(c *Conn) {
	if c.prev == nil {
		l.first = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		l.last = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
	l.n--
}
