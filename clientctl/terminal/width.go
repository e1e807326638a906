package terminal

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

// cells measures as terminals do: wide characters take two cells, combining ones none.
// Those that Unicode calls ambiguous take one, whatever the locale says: so the same
// command looks the same for everybody.
var cells = &runewidth.Condition{StrictEmojiNeutral: true}

const ellipsis = "…"

// Width returns how many cells of a terminal s takes; s is escaped.
func Width(s string) int { return cells.StringWidth(s) }

// Cut returns s in at most width cells, with … in place of the end that does not fit.
func Cut(s string, width int) string {
	switch {
	case Width(s) <= width:
		return s
	case width < 1:
		return ""
	}
	return cells.Truncate(s, width, ellipsis)
}

// CutMiddle is Cut for names of which the end says most, as of an id: the … stands in the
// middle.
func CutMiddle(s string, width int) string {
	all := Width(s)
	if all <= width || width < 3 {
		return Cut(s, width)
	}
	head := (width - 1) / 2
	return cells.Truncate(s, head, "") + ellipsis + cells.TruncateLeft(s, all-(width-1-head), "")
}

// Pad returns s with blanks at its end, so that it takes at least width cells; with right
// they stand before it.
func Pad(s string, width int, right bool) string {
	blanks := strings.Repeat(" ", max(width-Width(s), 0))
	if right {
		return blanks + s
	}
	return s + blanks
}

// Wrap returns a sentence in lines of at most width cells, broken between words; a word
// that is longer is cut.
func Wrap(s string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(s) {
		word = Cut(word, width)
		switch {
		case line == "":
			line = word
		case Width(line)+1+Width(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}
