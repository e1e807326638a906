package talk

import (
	"encoding/json"
	"fmt"
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
	id      string // as key makes it
	command Command
	probe   bool      // nobody asked it: it measures how long the server takes
	refused int       // how often a retryable error came back
	sentAt  time.Time // of the last send
}

// outstanding holds the commands that have no answer yet: those that wait for room,
// and those that fly, both in the order in which they were asked. Every request is in
// exactly one of the two.
type outstanding struct {
	last    uint64 // the id given last
	probes  uint64 // the probe asked last; its id is another, so that probes do not count
	waiting []*request
	flying  []*request
}

// add asks c. It has its own id if it came with one, else the next number.
func (o *outstanding) add(c Command) {
	r := &request{id: c.id, command: c}
	if r.id == "" {
		r.id = o.number()
	}
	o.waiting = append(o.waiting, r)
}

// number is an id that none has.
func (o *outstanding) number() string {
	for {
		o.last++
		id := strconv.FormatUint(o.last, 10)
		if !slices.ContainsFunc(o.all(), func(r *request) bool { return r.id == id }) {
			return id
		}
	}
}

// probe asks a ping that counts for nothing, unless one is on its way.
func (o *outstanding) probe() {
	if !slices.ContainsFunc(o.all(), func(r *request) bool { return r.probe }) {
		o.probes++
		id := fmt.Sprintf("probe-%d", o.probes)
		o.waiting = append(o.waiting, &request{id: id, command: Command{Type: protocol.Ping}, probe: true})
	}
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

// answer returns the flying request with that id, and removes it unless more of its
// answer follows; nil: there is none.
func (o *outstanding) answer(id any, more bool) *request {
	want := key(id)
	i := slices.IndexFunc(o.flying, func(r *request) bool { return r.id == want })
	if want == "" || i < 0 {
		return nil
	}
	r := o.flying[i]
	if !more {
		o.flying = slices.Delete(o.flying, i, i+1)
	}
	return r
}

// key is the id of a message in a form that tells numbers from strings; "": it has none.
func key(id any) string {
	switch id := id.(type) {
	case string:
		return id
	case json.Number:
		return "number " + id.String()
	}
	return ""
}

// again puts an answered request back to be asked before all others.
func (o *outstanding) again(r *request) {
	o.waiting = slices.Insert(o.waiting, 0, r)
}

// lost makes everything that flew wait again, but for probes.
func (o *outstanding) lost() {
	o.waiting = slices.DeleteFunc(o.all(), func(r *request) bool { return r.probe })
	o.flying = nil
}

func (o *outstanding) all() []*request { return slices.Concat(o.flying, o.waiting) }
func (o *outstanding) full() bool      { return len(o.waiting) >= maxWaiting }
func (o *outstanding) empty() bool     { return len(o.commands()) == 0 }

// has reports whether there is a command of a type.
func (o *outstanding) has(t protocol.CommandType) bool {
	return slices.ContainsFunc(o.commands(), func(c Command) bool { return c.Type == t })
}

// commands lists all that was asked, the oldest first.
func (o *outstanding) commands() []Command {
	var all []Command
	for _, r := range o.all() {
		if !r.probe {
			all = append(all, r.command)
		}
	}
	return all
}
