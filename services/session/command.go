package session

import (
	"bytes"
	"errors"
	"sync"

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
	if err := protocol.Parse(message, s.host.Limits, &c); err != nil {
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
	}
}

// answer sends what appendTo appends.
func (s *Session) answer(appendTo func(b []byte) []byte) {
	buf := buffers.Get().(*[]byte)
	*buf = appendTo((*buf)[:0])
	s.socket.Send(*buf)
	buffers.Put(buf)
}

func (s *Session) refuse(err *protocol.Error) {
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
	task.Done = func(r fibonacci.Result) { s.socket.Post(result(id, task, r)) }
	if s.account == nil {
		s.account = s.host.Pool.Account(s.conn.User())
	}
	switch err := s.account.Submit(task); {
	case errors.Is(err, fibonacci.ErrBusy):
		s.refuse(&protocol.Error{ID: id, Code: protocol.Busy,
			Message: "too many computations are waiting; send this one again when one is answered"})
	case err != nil:
		s.refuse(&protocol.Error{ID: id, Code: protocol.Internal, Message: "the server is leaving; send this one again after connecting again"})
	}
}

func result(id []byte, t fibonacci.Task, r fibonacci.Result) []byte {
	if t.Kind == fibonacci.Sequence {
		return protocol.AppendSequence(nil, id, r.Values)
	}
	b := make([]byte, 0, len(r.Value)+160)
	return protocol.AppendFibonacci(b, id, t.N, r.Value, t.Algorithm.String(), r.Took)
}
