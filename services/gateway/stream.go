package gateway

import (
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// kind says what a stream found.
type kind uint8

const (
	nothing  kind = iota // all bytes are consumed, more are needed
	gotText              // a whole text message, valid UTF-8
	gotPing              // a ping and its payload
	gotPong              // a pong and its payload
	gotClose             // a close frame and its payload, which checkClose accepted
)

// found is one thing that a client said. data is valid until the stream's next call.
type found struct {
	kind kind
	data []byte
}

// rules are what a loop's streams have in common: the limits, and memory to use
// again. Not safe for concurrent use.
type rules struct {
	maxMessage   int
	maxFragments int
	maxHeld      int64 // bytes of unfinished messages of all the streams
	held         int64
	spare        []*partial
}

// stream decodes what one client sends. It is pure: bytes in, messages out, however
// the bytes were split. The zero value is ready. It owns memory only while a frame
// is incomplete or a message is fragmented, and never more than the bytes that came.
type stream struct {
	part *partial // nil at rest
}

// partial is what a stream has to remember between two reads.
type partial struct {
	header [ws.MaxHeaderSize]byte // of the frame that is arriving
	have   int                    // bytes of header

	inFrame bool      // the header is complete and its payload is arriving
	frame   ws.Header // of that frame
	got     int       // bytes of that payload

	message   []byte // the payloads so far of the message, unmasked
	fragments int    // frames of it so far; 0: no message is open
	control   []byte // the payload so far of a control frame, unmasked
	delivered bool   // message was handed out and is used again at the next call
}

// next consumes n bytes of p and returns the first thing that they complete. It is
// called again with the rest of p until it finds nothing; after a failure, never
// again. It writes to p.
func (s *stream) next(r *rules, p []byte) (f found, n int, fail *failure) {
	s.settle(r)
	for {
		if s.part == nil || !s.part.inFrame {
			h, k, ok, fail := s.header(r, p[n:])
			n += k
			if fail != nil || !ok {
				return found{}, n, fail
			}
			if fail := s.admit(r, h); fail != nil {
				return found{}, n, fail
			}
			if s.isWhole(h) && h.Length <= int64(len(p)-n) {
				data := p[n : n+int(h.Length)]
				ws.Cipher(data, h.Mask, 0)
				f, fail := deliver(h.OpCode, data)
				return f, n + len(data), fail
			}
			s.begin(r, h)
		}
		k, fail := s.part.fill(r, p[n:])
		n += k
		if fail != nil {
			return found{}, n, fail
		}
		if int64(s.part.got) < s.part.frame.Length {
			return found{}, n, nil
		}
		if f, fail := s.part.finish(); f.kind != nothing || fail != nil {
			return f, n, fail
		}
	}
}

// settle gives back what is not needed any more: all of it when neither a frame
// nor a message is open.
func (s *stream) settle(r *rules) {
	p := s.part
	if p == nil {
		return
	}
	if p.delivered {
		p.delivered = false
		r.held -= int64(len(p.message))
		p.message = p.message[:0]
	}
	if p.have == 0 && !p.inFrame && p.fragments == 0 {
		s.drop(r)
	}
}

// drop forgets an incomplete frame or message.
func (s *stream) drop(r *rules) {
	if s.part != nil {
		r.put(s.part)
		s.part = nil
	}
}

// header consumes n bytes of p for a header. ok says that it is complete.
func (s *stream) header(r *rules, p []byte) (h ws.Header, n int, ok bool, fail *failure) {
	if s.part == nil || s.part.have == 0 {
		if len(p) == 0 {
			return h, 0, false, nil
		}
		if len(p) >= minHeader && len(p) >= headerSize(p) {
			h, fail = parseHeader(p)
			return h, headerSize(p), true, fail
		}
		s.remember(r)
	}
	part := s.part
	for part.have < minHeader || part.have < headerSize(part.header[:]) {
		if n == len(p) {
			return h, n, false, nil
		}
		part.header[part.have] = p[n]
		part.have++
		n++
	}
	part.have = 0
	h, fail = parseHeader(part.header[:])
	return h, n, true, fail
}

// remember makes sure that there is a partial.
func (s *stream) remember(r *rules) {
	if s.part == nil {
		s.part = r.get()
	}
}

// admit judges a frame by its header, before a byte of its payload is kept.
func (s *stream) admit(r *rules, h ws.Header) *failure {
	state := ws.StateServerSide
	size, fragments := 0, 0
	if s.part != nil && s.part.fragments > 0 {
		state = state.Set(ws.StateFragmented)
		size, fragments = len(s.part.message), s.part.fragments
	}
	if err := ws.CheckHeader(h, state); err != nil {
		return protocolFailure(err)
	}
	switch {
	case h.OpCode.IsControl():
		return nil
	case h.OpCode == ws.OpBinary:
		return errBinary
	case h.Length > int64(r.maxMessage-size):
		return errTooBig
	case fragments >= r.maxFragments:
		return errTooFragmented
	}
	return nil
}

// isWhole reports whether the frame's payload, once it is there, can be handed out
// where it lies.
func (s *stream) isWhole(h ws.Header) bool {
	return h.OpCode.IsControl() || h.OpCode == ws.OpText && h.Fin
}

// begin makes room for a payload that does not lie in one piece.
func (s *stream) begin(r *rules, h ws.Header) {
	s.remember(r)
	s.part.inFrame = true
	s.part.frame = h
	s.part.got = 0
	s.part.control = s.part.control[:0]
}

// fill takes from b what belongs to the frame's payload, and returns how much.
func (p *partial) fill(r *rules, b []byte) (int, *failure) {
	if missing := p.frame.Length - int64(p.got); int64(len(b)) > missing {
		b = b[:missing]
	}
	ws.Cipher(b, p.frame.Mask, p.got)
	if p.frame.OpCode.IsControl() {
		p.control = append(p.control, b...)
	} else {
		if r.held += int64(len(b)); r.held > r.maxHeld {
			r.held -= int64(len(b))
			return 0, errCrowded
		}
		p.message = append(p.message, b...)
	}
	p.got += len(b)
	return len(b), nil
}

// finish ends a frame whose payload is complete.
func (p *partial) finish() (found, *failure) {
	p.inFrame = false
	if p.frame.OpCode.IsControl() {
		return deliver(p.frame.OpCode, p.control)
	}
	if !p.frame.Fin {
		p.fragments++
		return found{}, nil
	}
	p.fragments = 0
	p.delivered = true
	return deliver(ws.OpText, p.message)
}

// deliver checks a payload that is complete.
func deliver(op ws.OpCode, data []byte) (found, *failure) {
	switch op {
	case ws.OpPing:
		return found{gotPing, data}, nil
	case ws.OpPong:
		return found{gotPong, data}, nil
	case ws.OpClose:
		if fail := checkClose(data); fail != nil {
			return found{}, fail
		}
		return found{gotClose, data}, nil
	}
	if !utf8.Valid(data) {
		return found{}, errNotUTF8
	}
	return found{gotText, data}, nil
}

// maxSpare bounds the memory that a loop keeps for partial messages: so many, each
// with at most maxSpareBytes.
const (
	maxSpare      = 16
	maxSpareBytes = 64 << 10
)

func (r *rules) get() *partial {
	n := len(r.spare)
	if n == 0 {
		return new(partial)
	}
	p := r.spare[n-1]
	r.spare = r.spare[:n-1]
	return p
}

func (r *rules) put(p *partial) {
	r.held -= int64(len(p.message))
	if len(r.spare) >= maxSpare {
		return
	}
	message := p.message[:0]
	if cap(message) > maxSpareBytes {
		message = nil
	}
	*p = partial{message: message, control: p.control[:0]}
	r.spare = append(r.spare, p)
}
