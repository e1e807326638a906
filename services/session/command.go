package session

import (
	"bytes"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/presenced/presence/services/fibonacci"
	"github.com/presenced/presence/services/protocol"
)

// buffers are for answers that are sent at once. They are small: what may be long
// comes from the pool and is posted.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}

// Text takes one message from the client: a command. An error is an answer like any
// other and never ends the connection.
func (s *Session) Text(message []byte) {
	var c protocol.Command
	err := protocol.Parse(message, s.host.Limits, &c)
	e := s.remember()
	e.counts.message(c.Type)
	if !e.inTime(s.host.CommandRate) {
		s.refuse(s.host.tooFast(c.ID))
		return
	}
	if err != nil {
		s.refuse(err)
		return
	}
	switch c.Type {
	case protocol.Ping:
		s.answer(func(b []byte) []byte { return protocol.AppendPong(b, c.ID) })
	case protocol.Fibonacci:
		s.fibonacci(&c)
	case protocol.Sequence:
		s.submit(&c, fibonacci.Task{Kind: fibonacci.Sequence, N: c.N})
	case protocol.Token:
		s.renew(&c)
	case protocol.Who:
		s.who(&c)
	case protocol.Watch:
		s.watch(&c)
	case protocol.Unwatch:
		s.unwatch(&c)
	}
}

// inTime reports whether the client may send a command now. Whatever it sends counts:
// nothing costs the server so little that a flood of it is free.
func (e *extra) inTime(rate int) bool { return rate == 0 || e.rate.take(rate, time.Now()) }

func (h *Host) tooFast(id []byte) *protocol.Error {
	return &protocol.Error{ID: id, Code: protocol.RateLimited,
		Message: "too many commands: " + strconv.Itoa(h.CommandRate) + " a second are served; send this one again later"}
}

// remember makes sure that there is a place for what not every client needs.
func (s *Session) remember() *extra {
	if s.extra == nil {
		s.extra = &extra{counts: s.host.shard()}
	}
	return s.extra
}

// ask makes sure that there is a place for what is done beside the event loop.
func (s *Session) ask() *asked {
	e := s.remember()
	if e.asked == nil {
		e.asked = new(asked)
	}
	return e.asked
}

// answer sends what appendTo appends.
func (s *Session) answer(appendTo func(b []byte) []byte) {
	buf := buffers.Get().(*[]byte)
	*buf = appendTo((*buf)[:0])
	s.socket.Send(*buf)
	buffers.Put(buf)
}

func (s *Session) refuse(err *protocol.Error) {
	s.remember().counts.refuse(err.Code)
	s.answer(func(b []byte) []byte { return protocol.AppendError(b, err) })
}

// underMicrosecond is how long a number that fits a machine word takes, in the whole
// microseconds of the answer: by every algorithm far less than one (BenchmarkUint64 of
// package fibonacci). Looking at the clock to find that out would take longer.
const underMicrosecond = 0

// fibonacci answers at once when the number fits a machine word, which takes less
// time than handing it to a worker; else it gives the computation to the pool.
func (s *Session) fibonacci(c *protocol.Command) {
	algorithm := s.host.Algorithm
	if c.Algorithm != nil {
		var err error
		if algorithm, err = fibonacci.ParseAlgorithm(string(c.Algorithm)); err != nil {
			s.refuse(&protocol.Error{ID: c.ID, Code: protocol.BadRequest, Message: err.Error()})
			return
		}
	}
	if value, ok := algorithm.Uint64(c.N); ok {
		s.answer(func(b []byte) []byte {
			return protocol.AppendFibonacciUint(b, c.ID, c.N, value, algorithm.String(), underMicrosecond)
		})
		return
	}
	s.submit(c, fibonacci.Task{Kind: fibonacci.Number, N: c.N, Algorithm: algorithm})
}

// submit gives a task to the pool. Its answer goes to this session's socket.
func (s *Session) submit(c *protocol.Command, task fibonacci.Task) {
	id := bytes.Clone(c.ID)
	task.Done = func(r fibonacci.Result) {
		if s.host.Computed != nil {
			s.host.Computed(r.Took)
		}
		s.socket.Post(result(id, task, r))
	}
	a := s.ask()
	if a.account == nil {
		a.account = s.host.Pool.Account(s.conn.User())
	}
	switch err := a.account.Submit(task); {
	case errors.Is(err, fibonacci.ErrBusy):
		s.refuse(&protocol.Error{ID: id, Code: protocol.Busy,
			Message: "too many computations are waiting; send this one again when one is answered"})
	case err != nil:
		s.refuse(leaving(id))
	}
}

func result(id []byte, t fibonacci.Task, r fibonacci.Result) []byte {
	if t.Kind == fibonacci.Sequence {
		return protocol.AppendSequence(nil, id, r.Values)
	}
	b := make([]byte, 0, len(r.Value)+160)
	return protocol.AppendFibonacci(b, id, t.N, r.Value, t.Algorithm.String(), r.Took)
}
