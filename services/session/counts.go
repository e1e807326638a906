package session

import (
	"sync/atomic"

	"github.com/presenced/presence/services/protocol"
)

// Counts are what the sessions of a host were sent, and what they refused, since the
// host's start.
type Counts struct {
	Messages map[string]uint64        // by the type of the command, also if it is refused; "invalid": not understood
	Refused  map[protocol.Code]uint64 // by the code of the error
}

// shards is how many sessions in a row count in places of their own, so that event loops
// seldom write to the same line of memory.
const shards = 16

// shard is a part of the counts.
type shard struct {
	messages [len(messageTypes)]atomic.Uint64
	refused  [len(refusals) + 1]atomic.Uint64 // the last: another code
	_        [64]byte                         // the next shard is on another line
}

// messageTypes are the types of commands, by their number; the first is none.
var messageTypes = [...]string{
	0: "invalid", protocol.Fibonacci: "fibonacci", protocol.Sequence: "sequence", protocol.Ping: "ping", protocol.Token: "token",
	protocol.Who: "who", protocol.Watch: "watch", protocol.Unwatch: "unwatch",
}

// refusals are the codes of errors.
var refusals = [...]protocol.Code{
	protocol.BadRequest, protocol.UnknownType, protocol.OutOfRange, protocol.TooLarge, protocol.Busy, protocol.RateLimited,
	protocol.Unauthorized, protocol.Forbidden, protocol.Internal,
}

// message counts a message of a type; 0: none that is understood.
func (s *shard) message(t protocol.CommandType) { s.messages[t].Add(1) }

// refuse counts an error.
func (s *shard) refuse(code protocol.Code) {
	for i, c := range refusals {
		if c == code {
			s.refused[i].Add(1)
			return
		}
	}
	s.refused[len(refusals)].Add(1)
}

// Counts counts.
func (h *Host) Counts() Counts {
	c := Counts{Messages: make(map[string]uint64), Refused: make(map[protocol.Code]uint64)}
	for i := range h.shards {
		s := &h.shards[i]
		for t, name := range messageTypes {
			c.Messages[name] += s.messages[t].Load()
		}
		for i, code := range refusals {
			c.Refused[code] += s.refused[i].Load()
		}
		c.Refused["other"] += s.refused[len(refusals)].Load()
	}
	return c
}

// shard is the place where one session counts.
func (h *Host) shard() *shard { return &h.shards[h.dealt.Add(1)%shards] }
