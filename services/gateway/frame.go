package gateway

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// Sizes of RFC 6455, section 5.2: the two fixed bytes of a header, the lengths that
// fit into the second of them, and the two longer forms.
const (
	minHeader = ws.MinHeaderSize
	maxShort  = 125
	form16    = 126
	form64    = 127
	max16     = 1<<16 - 1

	finBit  = 0x80
	maskBit = 0x80
)

// headerSize returns how many bytes the header that begins with b has. b holds at
// least the two fixed bytes.
func headerSize(b []byte) int {
	n := minHeader
	switch b[1] &^ maskBit {
	case form16:
		n += 2
	case form64:
		n += 8
	}
	if b[1]&maskBit != 0 {
		n += 4
	}
	return n
}

// parseHeader reads the header that b begins with. b holds all of it.
func parseHeader(b []byte) (ws.Header, *failure) {
	h := ws.Header{
		Fin:    b[0]&finBit != 0,
		Rsv:    b[0] & 0x70 >> 4,
		OpCode: ws.OpCode(b[0] & 0x0f),
		Masked: b[1]&maskBit != 0,
		Length: int64(b[1] &^ maskBit),
	}
	rest := b[minHeader:]
	switch h.Length {
	case form16:
		h.Length = int64(binary.BigEndian.Uint16(rest))
		rest = rest[2:]
		if h.Length <= maxShort {
			return h, errLengthForm
		}
	case form64:
		n := binary.BigEndian.Uint64(rest)
		rest = rest[8:]
		if n>>63 != 0 {
			return h, errLengthMSB
		}
		if h.Length = int64(n); h.Length <= max16 {
			return h, errLengthForm
		}
	}
	if h.Masked {
		h.Mask = [4]byte(rest)
	}
	return h, nil
}

// appendFrame appends a whole, unmasked frame.
func appendFrame(dst []byte, op ws.OpCode, payload []byte) []byte {
	dst = append(dst, finBit|byte(op))
	switch n := len(payload); {
	case n <= maxShort:
		dst = append(dst, byte(n))
	case n <= max16:
		dst = binary.BigEndian.AppendUint16(append(dst, form16), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, form64), uint64(n))
	}
	return append(dst, payload...)
}

// maxReason is how many bytes of a close frame's payload are left for its reason.
const maxReason = ws.MaxControlFramePayloadSize - 2

// appendClose appends a close frame. A reason that is too long is cut at a rune.
func appendClose(dst []byte, code ws.StatusCode, reason string) []byte {
	if len(reason) > maxReason {
		n := maxReason
		for n > 0 && !utf8.RuneStart(reason[n]) {
			n--
		}
		reason = reason[:n]
	}
	dst = append(dst, finBit|byte(ws.OpClose), byte(2+len(reason)))
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, reason...)
}

// torn returns how many bytes of a frame are still to be sent before another one
// may begin, when sent bytes of p, which are whole unmasked frames, are on their way.
func torn(p []byte, sent int) int {
	for sent > 0 {
		n := frameSize(p)
		if sent < n {
			return n - sent
		}
		p, sent = p[n:], sent-n
	}
	return 0
}

// frameSize returns the size of the unmasked frame that p begins with.
func frameSize(p []byte) int {
	switch p[1] {
	case form16:
		return 4 + int(binary.BigEndian.Uint16(p[2:]))
	case form64:
		return 10 + int(binary.BigEndian.Uint64(p[2:]))
	default:
		return 2 + int(p[1])
	}
}

// checkClose judges the payload of a close frame. RFC 6455, section 7.4.
func checkClose(payload []byte) *failure {
	switch {
	case len(payload) == 0:
		return nil
	case len(payload) == 1:
		return errCloseLength
	case !mayBeSent(ws.StatusCode(binary.BigEndian.Uint16(payload))):
		return errCloseCode
	case !utf8.Valid(payload[2:]):
		return errCloseReason
	}
	return nil
}

// mayBeSent reports whether a close frame may carry the code: those of RFC 6455,
// those registered since (1012 to 1014: a client echoes our 1012), and the ranges
// of libraries and applications.
func mayBeSent(code ws.StatusCode) bool {
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014:
		return true
	}
	return code >= 3000 && code <= 4999
}
