package terminal

import (
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// PadLeft is Pad with the blanks before s.
func PadLeft(s string, width int) string { return strings.Repeat(" ", max(width-Width(s), 0)) + s }

// CutMiddle is Cut for names of which the end says most, as of an id: the ellipsis stands
// in the middle.
func CutMiddle(s string, width int) string {
	all := Width(s)
	if all <= width || width < 3 {
		return Cut(s, width)
	}
	head := (width - 1) / 2
	return displaywidth.TruncateString(s, head, "") + "…" + end(s, all, width-1-head)
}

// end is the end of s, which has a width of all, in at most so many columns.
func end(s string, all, width int) string {
	for g := displaywidth.StringGraphemes(s); all > width && g.Next(); {
		all -= g.Width()
		s = s[len(g.Value()):]
	}
	return s
}

// Wrap returns a sentence in lines of at most so many columns, broken between words; a
// word that is longer is cut.
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
