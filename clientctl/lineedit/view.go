package lineedit

import (
	"strings"

	"github.com/presenced/presence/clientctl/terminal"
)

// View returns the part of the line that fits a width, in columns, with the cursor in it
// and room for one that stands at the end, and the cursor's column. Everything is escaped.
// What is out of sight on the left is shown as an ellipsis.
func (e *Editor) View(width int) (text string, cursor int) {
	if width < 1 {
		return "", 0
	}
	left, right := cells(e.line.left), cells(e.line.right)
	cut := scrolled(widths(left), width)
	var b strings.Builder
	left = left[cut:]
	if cut > 0 && width > 1 {
		b.WriteString("…")
	}
	for _, c := range left {
		b.WriteString(c)
	}
	cursor = terminal.Width(b.String())
	room := width - cursor
	for _, c := range right {
		room -= terminal.Width(c)
		if room < 0 {
			break
		}
		b.WriteString(c)
	}
	return b.String(), cursor
}

// cells are the characters of a text as they are shown.
func cells(text string) []string {
	all := terminal.Characters(text)
	for i, c := range all {
		all[i] = terminal.Escape(c)
	}
	return all
}

func widths(cells []string) []int {
	all := make([]int, len(cells))
	for i, c := range cells {
		all[i] = terminal.Width(c)
	}
	return all
}

// scrolled is how many characters left of the cursor are out of sight: none as long as the
// cursor fits, and else as few as leave it half of the width, so that it does not scroll
// with each key.
func scrolled(left []int, width int) (cut int) {
	total := 0
	for _, w := range left {
		total += w
	}
	if total < width {
		return 0
	}
	half := max(width/2, 1)
	skip := (total-width)/half*half + half // columns; a multiple of half
	for skipped := 0; cut < len(left) && skipped <= skip; cut++ {
		skipped += left[cut]
	}
	return cut
}
