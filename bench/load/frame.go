package load

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Opcodes of RFC 6455 section 5.2.
const (
	opText  = 0x1
	opClose = 0x8
	opPing  = 0x9
	opPong  = 0xA
)

const (
	finBit  = 0x80
	maskBit = 0x80
)

// frame is one frame from the server. payload is its beginning, all of it unless it
// came in pieces and is longer than a part keeps.
type frame struct {
	op      byte
	length  uint64
	payload []byte
}

// errFrame is the cause of every error of a parser.
var errFrame = errors.New("the server broke RFC 6455")

// header is the part of a frame before its payload.
type header struct {
	op     byte
	length uint64
	size   int // of the header itself, in bytes
}

// parseHeader reads a header. need is how many bytes it takes to go on, if p has not
// so many; then h is not valid.
func parseHeader(p []byte) (h header, need int, err error) {
	if len(p) < 2 {
		return h, 2, nil
	}
	if p[0]&0xF0 != finBit {
		return h, 0, fmt.Errorf("%w: a fragment or reserved bits: %#x", errFrame, p[0])
	}
	if p[1]&maskBit != 0 {
		return h, 0, fmt.Errorf("%w: a masked frame", errFrame)
	}
	h = header{op: p[0] & 0x0F, length: uint64(p[1]), size: 2}
	switch p[1] {
	case 126:
		h.size = 4
		if len(p) >= h.size {
			h.length = uint64(binary.BigEndian.Uint16(p[2:]))
		}
	case 127:
		h.size = 10
		if len(p) >= h.size {
			h.length = binary.BigEndian.Uint64(p[2:])
		}
	}
	return h, h.size, nil
}

// parser finds frames in what one server sends, however it was split. The zero value
// is ready.
type parser struct {
	part *part // nil between frames
}

// part is a frame that did not come whole.
type part struct {
	head    [256]byte // its first bytes: the header, and what is kept of the payload
	have    int       // bytes of head
	skipped uint64    // bytes of payload that came and are not kept
}

// next consumes n bytes of p. ok says that f is complete; it is valid until p changes.
// Without ok all of p is consumed.
func (s *parser) next(p []byte) (f frame, n int, ok bool, err error) {
	if s.part == nil {
		h, need, err := parseHeader(p)
		if err != nil {
			return f, 0, false, err
		}
		if len(p) >= need && uint64(len(p)-h.size) >= h.length {
			n := h.size + int(h.length)
			return frame{h.op, h.length, p[h.size:n]}, n, true, nil
		}
		if len(p) == 0 {
			return f, 0, false, nil
		}
		s.part = new(part)
	}
	return s.resume(p)
}

// resume goes on with a part.
func (s *parser) resume(p []byte) (f frame, n int, ok bool, err error) {
	t := s.part
	h, need, err := parseHeader(t.head[:t.have])
	for err == nil && t.have < need {
		k := t.keep(p[n:], need)
		if n += k; k == 0 {
			return f, n, false, nil
		}
		h, need, err = parseHeader(t.head[:t.have])
	}
	if err != nil {
		return f, n, false, err
	}
	n += t.keep(p[n:], h.size+int(min(h.length, uint64(len(t.head)-h.size))))
	k := min(h.length-t.payload(h), uint64(len(p)-n))
	t.skipped += k
	n += int(k)
	if t.payload(h) < h.length {
		return f, n, false, nil
	}
	s.part = nil
	return frame{h.op, h.length, t.head[h.size:t.have]}, n, true, nil
}

// keep appends bytes of p to the head until it has want.
func (t *part) keep(p []byte, want int) int {
	n := copy(t.head[t.have:max(want, t.have)], p)
	t.have += n
	return n
}

// payload is how many bytes of it came.
func (t *part) payload(h header) uint64 { return uint64(t.have-h.size) + t.skipped }

// Command is a text message as it goes over the wire, ready to be sent any number of
// times.
type Command []byte

// NewCommand makes a frame of a text of at most 65,535 bytes. It is masked, as RFC
// 6455 section 5.3 asks of clients; one key for all is enough for a benchmark.
func NewCommand(text string) Command { return appendMasked(nil, opText, []byte(text)) }

var maskKey = [4]byte{0x37, 0xfa, 0x21, 0x3d}

func appendMasked(b []byte, op byte, payload []byte) []byte {
	b = append(b, finBit|op)
	if len(payload) < 126 {
		b = append(b, maskBit|byte(len(payload)))
	} else {
		b = append(b, maskBit|126)
		b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
	}
	b = append(b, maskKey[:]...)
	for i, c := range payload {
		b = append(b, c^maskKey[i%4])
	}
	return b
}
