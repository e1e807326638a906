package talk

import (
	"slices"
	"strconv"
	"time"

	"github.com/presenced/presence/services/protocol"
)

const (
	// maxFlying is how many commands are on the socket without an answer. A server
	// runs one command of a connection and queues eight.
	maxFlying = 8

	// maxWaiting is how many commands wait for room there before the input is not
	// read on.
	maxWaiting = 64

	// maxTries is how often a command is asked before a retryable error counts.
	maxTries = 6
)

// request is a command on its way to its answer.
type request struct {
	id      string
	command Command
	refused int       // how often a retryable error came back
	sentAt  time.Time // of the last send
}

// outstanding holds the commands that have no answer yet: those that wait for room,
// and those that fly, both in the order in which they were asked. Every request is in
// exactly one of the two.
type outstanding struct {
	last    uint64 // the id given last
	waiting []*request
	flying  []*request
}

func (o *outstanding) add(c Command) {
	o.last++
	o.waiting = append(o.waiting, &request{id: strconv.FormatUint(o.last, 10), command: c})
}

// next moves a request from waiting to flying; nil: none waits, or there is no room.
func (o *outstanding) next(now time.Time) *request {
	if len(o.waiting) == 0 || len(o.flying) >= maxFlying {
		return nil
	}
	r := o.waiting[0]
	o.waiting = o.waiting[1:]
	o.flying = append(o.flying, r)
	r.sentAt = now
	return r
}

// answer removes the flying request with that id and returns it; nil: there is none.
func (o *outstanding) answer(id any) *request {
	text, ok := id.(string)
	if !ok {
		return nil
	}
	i := slices.IndexFunc(o.flying, func(r *request) bool { return r.id == text })
	if i < 0 {
		return nil
	}
	r := o.flying[i]
	o.flying = slices.Delete(o.flying, i, i+1)
	return r
}

// again puts an answered request back to be asked before all others.
func (o *outstanding) again(r *request) {
	o.waiting = slices.Insert(o.waiting, 0, r)
}

// lost makes everything that flew wait again.
func (o *outstanding) lost() {
	o.waiting = slices.Concat(o.flying, o.waiting)
	o.flying = nil
}

func (o *outstanding) full() bool  { return len(o.waiting) >= maxWaiting }
func (o *outstanding) empty() bool { return len(o.waiting)+len(o.flying) == 0 }

// has reports whether there is a command of a type.
func (o *outstanding) has(t protocol.CommandType) bool {
	return slices.ContainsFunc(o.commands(), func(c Command) bool { return c.Type == t })
}

// commands lists all, the oldest first.
func (o *outstanding) commands() []Command {
	var all []Command
	for _, r := range slices.Concat(o.flying, o.waiting) {
		all = append(all, r.command)
	}
	return all
}
