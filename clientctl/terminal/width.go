package terminal

import (
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// Width is how many columns s takes: two for wide characters, none for accents that
// stand on the letter before. s must be escaped.
func Width(s string) int { return displaywidth.String(s) }

// Pad fills s up to a width with blanks.
func Pad(s string, width int) string { return s + strings.Repeat(" ", max(width-Width(s), 0)) }

// Cut shortens s to a width; an ellipsis stands for what is gone.
func Cut(s string, width int) string {
	switch {
	case Width(s) <= width:
		return s
	case width <= 0:
		return ""
	}
	return displaywidth.TruncateString(s, width, "…")
}

// Characters cuts s into what people take for characters: a letter with its accents is
// one.
func Characters(s string) []string {
	var all []string
	for g := displaywidth.StringGraphemes(s); g.Next(); {
		all = append(all, g.Value())
	}
	return all
}
