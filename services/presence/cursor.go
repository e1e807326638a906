package presence

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/presenced/presence/events"
)

// Cursor says how far a reader of the whole log has read: the position of the last event
// that it has read of each stream. The zero Cursor is the beginning. It is a value: what
// a Reader does later does not change it.
//
// A stream that has ended, and is read to its end, leaves the cursor when a later epoch
// of its node is in it. So of each node, the streams older than the oldest in the cursor
// have been read whole, and the cursor is as long as there are nodes, not streams.
//
// As text it is those positions, ascending, with commas in between:
// "n1/00000003/00000000000001f4,n2/00000001/0000000000000007".
type Cursor struct {
	read map[events.Stream]uint64 // seq of the last event read
}

// maxCursor is how long a cursor as text may be: of 20,000 nodes.
const maxCursor = 1 << 20

// ParseCursor reads a cursor from its text. It accepts only what String makes; the error
// wraps events.ErrInvalid.
func ParseCursor(text string) (Cursor, error) {
	c := Cursor{read: make(map[events.Stream]uint64)}
	if text == "" {
		return c, nil
	}
	if len(text) > maxCursor {
		return Cursor{}, fmt.Errorf("%w: a cursor of %d bytes", events.ErrInvalid, len(text))
	}
	for part := range strings.SplitSeq(text, ",") {
		p, err := events.ParsePosition(part)
		if err != nil {
			return Cursor{}, fmt.Errorf("%w: cursor: %w", events.ErrInvalid, err)
		}
		c.read[p.Stream] = p.Seq
	}
	if c.String() != text {
		return Cursor{}, fmt.Errorf("%w: cursor: positions are not ascending, or of one stream twice", events.ErrInvalid)
	}
	return c, nil
}

// String is the cursor as text.
func (c Cursor) String() string {
	var b strings.Builder
	for i, s := range c.streams() {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(s.At(c.read[s]).String())
	}
	return b.String()
}

// streams are those that the cursor has, ascending as text.
func (c Cursor) streams() []events.Stream {
	return slices.SortedFunc(maps.Keys(c.read), events.Stream.Compare)
}

// next is the position of the next event of a stream.
func (c Cursor) next(s events.Stream) events.Position {
	if seq, began := c.read[s]; began {
		return s.At(seq + 1)
	}
	return s.At(0)
}

// oldest is, for each node, the oldest epoch that the cursor has.
func (c Cursor) oldest() map[string]uint32 {
	oldest := make(map[string]uint32)
	for s := range c.read {
		if epoch, known := oldest[s.Node]; !known || s.Epoch < epoch {
			oldest[s.Node] = s.Epoch
		}
	}
	return oldest
}

func (c Cursor) clone() Cursor {
	if c.read == nil {
		return Cursor{read: make(map[events.Stream]uint64)}
	}
	return Cursor{read: maps.Clone(c.read)}
}
