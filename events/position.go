package events

import (
	"cmp"
	"errors"
	"fmt"
	"math"
)

// The widths of the parts of an id, in bytes of text. They are fixed so that the
// order of ids as text is the order of events in their stream.
const (
	MaxNodeID  = 24
	epochWidth = 8
	seqWidth   = 16

	// MaxPosition is the length of the longest position as text.
	MaxPosition = MaxNodeID + 1 + epochWidth + 1 + seqWidth
)

// MaxSeq is the highest seq of a stream. It is below the largest int64, so that a
// seq can be kept in a signed 64-bit field of any store.
const MaxSeq = math.MaxInt64

// ErrInvalidID is returned when a text is no node id, stream or position.
var ErrInvalidID = errors.New("invalid id")

// Stream names the events of one node in one epoch. The zero Stream names none.
type Stream struct {
	Node  string // [a-z0-9][a-z0-9-]{0,23}
	Epoch uint32 // from 1
}

// Position is where an event stands in the log: a stream and a seq, dense from 0.
// As text, "n1/00000003/00000000000001f4", it is the event's id in every store.
// The zero Position is no position.
type Position struct {
	Stream
	Seq uint64
}

// ValidateNode returns an error that wraps ErrInvalidID unless node is a node id:
// 1 to 24 characters of a-z, 0-9 and "-", not starting with "-".
func ValidateNode(node string) error {
	if len(node) == 0 || len(node) > MaxNodeID || node[0] == '-' {
		return fmt.Errorf("%w: node %q: want 1 to %d of a-z, 0-9 and -, not starting with -", ErrInvalidID, node, MaxNodeID)
	}
	for i := range len(node) {
		if c := node[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return fmt.Errorf("%w: node %q: want 1 to %d of a-z, 0-9 and -, not starting with -", ErrInvalidID, node, MaxNodeID)
		}
	}
	return nil
}

// IsZero reports whether s names no stream.
func (s Stream) IsZero() bool { return s == Stream{} }

// At is the position of seq in the stream.
func (s Stream) At(seq uint64) Position { return Position{Stream: s, Seq: seq} }

// Prefix is the text that the ids of the stream's events begin with, slash included.
func (s Stream) Prefix() string { return s.String() + "/" }

// String is the stream as text, "n1/00000003".
func (s Stream) String() string {
	var buf [MaxPosition]byte
	return string(s.append(buf[:0]))
}

func (s Stream) append(b []byte) []byte {
	b = append(b, s.Node...)
	b = append(b, '/')
	return appendHex(b, uint64(s.Epoch), epochWidth)
}

// Compare orders streams as their text is ordered.
func (s Stream) Compare(o Stream) int {
	a, b := s.String(), o.String()
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// ParseStream reads a stream from its text. It accepts only what String makes.
func ParseStream(text string) (Stream, error) {
	cut := len(text) - epochWidth - 1
	if cut < 1 || text[cut] != '/' {
		return Stream{}, fmt.Errorf("%w: stream %q", ErrInvalidID, text)
	}
	epoch, ok := parseHex(text[cut+1:])
	if !ok || epoch == 0 || ValidateNode(text[:cut]) != nil {
		return Stream{}, fmt.Errorf("%w: stream %q", ErrInvalidID, text)
	}
	return Stream{Node: text[:cut], Epoch: uint32(epoch)}, nil
}

// IsZero reports whether p is no position.
func (p Position) IsZero() bool { return p == Position{} }

// Next is the position that follows p in its stream.
func (p Position) Next() Position { return p.At(p.Seq + 1) }

// String is the position as text, its event's id.
func (p Position) String() string {
	var buf [MaxPosition]byte
	return string(p.AppendText(buf[:0]))
}

// AppendText appends the position as text to b. It allocates only to grow b.
func (p Position) AppendText(b []byte) []byte {
	b = p.append(b)
	b = append(b, '/')
	return appendHex(b, p.Seq, seqWidth)
}

// Compare orders positions as their text is ordered.
func (p Position) Compare(o Position) int {
	if c := p.Stream.Compare(o.Stream); c != 0 {
		return c
	}
	return cmp.Compare(p.Seq, o.Seq)
}

// ParsePosition reads a position from its text. It accepts only what String makes.
func ParsePosition(text string) (Position, error) {
	cut := len(text) - seqWidth - 1
	if cut < 1 || text[cut] != '/' {
		return Position{}, fmt.Errorf("%w: position %q", ErrInvalidID, text)
	}
	stream, err := ParseStream(text[:cut])
	if err != nil {
		return Position{}, fmt.Errorf("%w: position %q", ErrInvalidID, text)
	}
	seq, ok := parseHex(text[cut+1:])
	if !ok || seq > MaxSeq {
		return Position{}, fmt.Errorf("%w: position %q", ErrInvalidID, text)
	}
	return stream.At(seq), nil
}

const hexDigits = "0123456789abcdef"

func appendHex(b []byte, v uint64, width int) []byte {
	for shift := 4 * (width - 1); shift >= 0; shift -= 4 {
		b = append(b, hexDigits[v>>shift&0xf])
	}
	return b
}

// parseHex reads lower-case hexadecimal digits only: an id has one spelling.
func parseHex(text string) (v uint64, ok bool) {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			v = v<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}
