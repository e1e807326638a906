package console

import (
	"bytes"
	"fmt"

	"github.com/presenced/presence/clientctl/terminal"
)

// Control sequences (ECMA-48).
const (
	clearDown   = "\x1b[J"
	clearRight  = "\x1b[K"
	clearScreen = "\x1b[H\x1b[2J"

	pasteOn  = "\x1b[?2004h" // pasted text comes in marks
	pasteOff = "\x1b[?2004l"
)

// bottom is the two rows at the bottom, as they are drawn.
type bottom struct {
	status       string
	statusWidth  int // in columns; 0: there is no row for it
	prompt, line string
	cursor       int // column
}

// screen is what is on the terminal. It makes the bytes that change it; the cursor stands
// in the line of input between them.
type screen struct {
	width, height int
	drawn         bool // the bottom is there, as shown says
	shown         bottom
}

// rows of the least window that has a status line.
const leastHeight = 3

// draw puts the bottom where the cursor is, which is at the beginning of a row.
func (s *screen) draw(b *bytes.Buffer, next bottom) {
	if s.height < leastHeight {
		next.status, next.statusWidth = "", 0
	}
	if next.statusWidth > 0 {
		b.WriteString(next.status + clearRight + "\r\n")
	}
	b.WriteString(next.prompt + next.line + clearRight + "\r")
	right(b, next.cursor)
	s.shown, s.drawn = next, true
}

// erase takes the bottom away, and leaves the cursor where it began. The rows may have been
// wrapped by a window that has become narrower.
func (s *screen) erase(b *bytes.Buffer) {
	if !s.drawn {
		return
	}
	up := s.shown.cursor / s.width
	if w := s.shown.statusWidth; w > 0 {
		up += (w + s.width - 1) / s.width
	}
	b.WriteString("\r")
	if up > 0 {
		fmt.Fprintf(b, "\x1b[%dA", up)
	}
	b.WriteString(clearDown)
	s.drawn = false
}

// update changes what is drawn, each row only if it is another.
func (s *screen) update(b *bytes.Buffer, next bottom) {
	if !s.drawn {
		s.draw(b, next)
		return
	}
	had, old := s.shown.statusWidth > 0, s.shown
	if has := next.statusWidth > 0 && s.height >= leastHeight; has != had {
		s.erase(b)
		s.draw(b, next)
		return
	}
	if had && old.status != next.status {
		b.WriteString("\r\x1b[A" + next.status + clearRight + "\r\n")
		right(b, next.cursor)
		old.cursor = next.cursor
	}
	if old.prompt != next.prompt || old.line != next.line {
		b.WriteString("\r" + next.prompt + next.line + clearRight)
		old.cursor = -1
	}
	if old.cursor != next.cursor {
		b.WriteString("\r")
		right(b, next.cursor)
	}
	if !had {
		next.status, next.statusWidth = "", 0
	}
	s.shown = next
}

func right(b *bytes.Buffer, columns int) {
	if columns > 0 {
		fmt.Fprintf(b, "\x1b[%dC", columns)
	}
}

// lines writes text, whole lines, with the ends of line that a raw terminal needs.
func lines(b *bytes.Buffer, text []byte) {
	b.Write(bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")))
	if !bytes.HasSuffix(text, []byte("\n")) {
		b.WriteString("\r\n")
	}
}

// fit returns the first form of a status that fits so many columns, or what fits of the
// last one.
func fit(forms []string, width int) string {
	for _, f := range forms {
		if terminal.Width(f) <= width {
			return f
		}
	}
	return terminal.Cut(forms[len(forms)-1], width)
}
