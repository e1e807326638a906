package load

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/gobwas/ws"
	"github.com/presenced/presence/clientctl/wire"
	"github.com/presenced/presence/services/protocol"
)

// parser finds the messages in what one server sends, however it was split. The zero
// value is ready. It has memory only while a message is incomplete.
type parser struct{ part *part }

// part is what came of an incomplete message.
type part struct {
	frame []byte // of a frame, from its first byte on
	text  []byte // the fragments before
	more  bool   // a fragmented text is under way
}

// message is a whole text or a control frame. Its payload is valid until the next.
type message struct {
	op      ws.OpCode // text, ping, pong or close
	payload []byte
}

// next returns the first message in p and what follows it. Without ok there is none:
// then what is of one is kept, and p may be reused.
func (s *parser) next(p []byte) (m message, rest []byte, ok bool, err error) {
	if s.part != nil && len(s.part.frame) > 0 {
		s.part.frame = append(s.part.frame, p...)
		p, s.part.frame = s.part.frame, nil
	}
	for {
		h, n, err := s.header(p)
		if err != nil {
			return m, nil, false, err
		}
		if n == 0 || int64(len(p)-n) < h.Length {
			s.keep(p)
			return m, nil, false, nil
		}
		payload := p[n : n+int(h.Length)]
		p = p[n+int(h.Length):]
		if h.OpCode.IsControl() {
			return message{h.OpCode, payload}, p, true, nil
		}
		if whole, ok := s.join(h, payload); ok {
			return message{ws.OpText, whole}, p, true, nil
		}
	}
}

// header reads a frame's header, of n bytes; 0: it is not there yet.
func (s *parser) header(p []byte) (h ws.Header, n int, err error) {
	if len(p) < 2 {
		return h, 0, nil
	}
	h = ws.Header{Fin: p[0]&0x80 != 0, Rsv: p[0] >> 4 & 7, OpCode: ws.OpCode(p[0] & 0xF), Masked: p[1]&0x80 != 0, Length: int64(p[1] & 0x7F)}
	n = 2
	switch h.Length {
	case 126:
		if n = 4; len(p) < n {
			return h, 0, nil
		}
		h.Length = int64(binary.BigEndian.Uint16(p[2:]))
	case 127:
		if n = 10; len(p) < n {
			return h, 0, nil
		}
		h.Length = int64(binary.BigEndian.Uint64(p[2:])) // one that is too long is negative
	}
	return h, n, s.check(h)
}

func (s *parser) check(h ws.Header) error {
	state, before := ws.StateClientSide, 0
	if s.part != nil && s.part.more {
		state, before = state.Set(ws.StateFragmented), len(s.part.text)
	}
	if err := ws.CheckHeader(h, state); err != nil {
		return &wire.BrokenError{Code: protocol.CloseProtocol, What: err.Error()}
	}
	switch {
	case h.OpCode == ws.OpBinary:
		return &wire.BrokenError{Code: protocol.CloseUnsupported, What: "a binary message"}
	case h.Length < 0 || h.Length > int64(wire.MaxMessage-before):
		return &wire.BrokenError{Code: protocol.CloseTooBig, What: "a message that is too long"}
	}
	return nil
}

// keep notes the beginning of a frame, of which the rest will come.
func (s *parser) keep(p []byte) {
	switch {
	case len(p) > 0:
		if s.part == nil {
			s.part = new(part)
		}
		s.part.frame = append([]byte(nil), p...)
	case s.part != nil && !s.part.more:
		s.part = nil
	}
}

// join returns the whole text that a data frame ends, if it ends one.
func (s *parser) join(h ws.Header, payload []byte) (whole []byte, ok bool) {
	if h.Fin && (s.part == nil || !s.part.more) {
		return payload, true
	}
	if s.part == nil {
		s.part = new(part)
	}
	s.part.text = append(s.part.text, payload...)
	if s.part.more = !h.Fin; s.part.more {
		return nil, false
	}
	whole, s.part.text = s.part.text, nil
	return whole, true
}

// appendFrame appends a masked frame of at most 125 bytes of payload.
func appendFrame(b []byte, op ws.OpCode, payload []byte) []byte {
	const final, masked = 0x80, 0x80
	b = append(b, final|byte(op), masked|byte(len(payload)))
	b = binary.LittleEndian.AppendUint32(b, rand.Uint32())
	begin := len(b)
	b = append(b, payload...)
	ws.Cipher(b[begin:], [4]byte(b[begin-4:begin]), 0)
	return b
}
