package table

import (
	"strings"

	"github.com/presenced/presence/clientctl/terminal"
)

const (
	gap       = 2  // cells between columns
	leastHead = 4  // to which the head of narrow values may be cut
	leastText = 8  // to which a text may be cut that says least
	leastName = 16 // to which another may
	leastID   = 13 // to which an id may be cut: both ends of it can still be told apart
	left      = -1 // the width of a column that is left out
)

// layout is how wide the columns have to be for what has been measured.
type layout struct {
	columns []Column
	heads   []int // widths of the heads
	whole   []int // of the widest values
	short   []int // of the widest values, in their short form if they have one
}

func newLayout(columns []Column) *layout {
	l := &layout{columns: columns, heads: make([]int, len(columns)), whole: make([]int, len(columns)), short: make([]int, len(columns))}
	for i, c := range columns {
		l.heads[i] = terminal.Width(c.Head)
	}
	return l
}

func (l *layout) measure(row []Cell) {
	for i, c := range row {
		width := terminal.Width(c.text)
		l.whole[i] = max(l.whole[i], width)
		if c.short != "" {
			width = terminal.Width(c.short)
		}
		l.short[i] = max(l.short[i], width)
	}
}

// fit returns the widths of the columns in a line of so many cells; 0: of any length.
func (l *layout) fit(room int) []int {
	widths := make([]int, len(l.columns))
	for i := range widths {
		widths[i] = max(l.heads[i], l.whole[i])
	}
	if room <= 0 {
		return widths
	}
	for out := make([]bool, len(l.columns)); ; {
		if l.squeeze(widths, out, room) {
			return widths
		}
		next := l.least(out)
		if next < 0 { // one is left, and is cut
			for i := range widths {
				if !out[i] {
					widths[i] = room
				}
			}
			return widths
		}
		out[next] = true
	}
}

// least returns the column that goes next, or less than 0 if only one is left.
func (l *layout) least(out []bool) int {
	next, stay := left, 0
	for i, c := range l.columns {
		if out[i] {
			continue
		}
		stay++
		if next < 0 || c.Rank <= l.columns[next].Rank {
			next = i
		}
	}
	if stay < 2 {
		return left
	}
	return next
}

// squeeze sets the widths of the columns that are not out, and reports whether they fit.
func (l *layout) squeeze(widths []int, out []bool, room int) bool {
	for i := range widths {
		widths[i] = max(l.heads[i], l.whole[i])
		if out[i] {
			widths[i] = left
		}
	}
	if excess(widths, room) <= 0 {
		return true
	}
	l.shorten(widths, room)
	l.narrow(widths, room, func(i int) int { return max(l.values(widths, i), min(l.heads[i], leastHead)) })
	for _, rank := range l.ranks() {
		l.narrow(widths, room, func(i int) int {
			if l.columns[i].Rank != rank {
				return widths[i]
			}
			return l.floor(widths, i)
		})
	}
	return excess(widths, room) <= 0
}

// shorten gives columns the width of their short forms, or of their heads if that will
// do, from the right, until all fit.
func (l *layout) shorten(widths []int, room int) {
	for i := len(widths) - 1; i >= 0 && excess(widths, room) > 0; i-- {
		if widths[i] > 0 && l.short[i] < l.whole[i] {
			widths[i] = max(l.short[i], min(l.heads[i], l.whole[i]-1))
		}
	}
}

// values is how wide the values of a column are, in the form that they have at its width.
func (l *layout) values(widths []int, i int) int {
	if widths[i] < l.whole[i] {
		return min(l.short[i], widths[i])
	}
	return l.whole[i]
}

// floor is the least width of a column.
func (l *layout) floor(widths []int, i int) int {
	switch c := l.columns[i]; {
	case c.Kind == Fixed || c.Kind == Number:
		return widths[i]
	case c.Kind == ID:
		return min(widths[i], leastID)
	case c.Rank > 0:
		return min(widths[i], leastName)
	}
	return min(widths[i], leastText)
}

// narrow takes cells off the widest columns, down to their least widths, until all fit.
func (l *layout) narrow(widths []int, room int, least func(int) int) {
	for excess(widths, room) > 0 {
		widest := left
		for i, w := range widths {
			if w > 0 && w > least(i) && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

// ranks are the ranks that there are, the lowest first.
func (l *layout) ranks() (all []int) {
	highest := 0
	for _, c := range l.columns {
		highest = max(highest, c.Rank)
	}
	for rank := range highest + 1 {
		all = append(all, rank)
	}
	return all
}

// excess is by how many cells the columns are too wide for a line.
func excess(widths []int, room int) int {
	sum := -gap
	for _, w := range widths {
		if w != left {
			sum += gap + w
		}
	}
	return sum - room
}

func (l *layout) head(b *strings.Builder, widths []int, bold bool) {
	cells := make([]string, len(l.columns))
	for i, c := range l.columns {
		cells[i] = terminal.Cut(c.Head, widths[i])
	}
	if bold {
		b.WriteString("\x1b[1m")
		defer b.WriteString("\x1b[0m\n")
	} else {
		defer b.WriteString("\n")
	}
	l.line(b, widths, cells)
}

func (l *layout) row(b *strings.Builder, widths []int, row []Cell) {
	cells := make([]string, len(row))
	for i, c := range row {
		text := c.text
		if c.short != "" && widths[i] < l.whole[i] {
			text = c.short
		}
		cells[i] = l.cut(i, text, widths[i])
	}
	l.line(b, widths, cells)
	b.WriteByte('\n')
}

func (l *layout) cut(i int, text string, width int) string {
	if l.columns[i].Kind == ID {
		return terminal.CutMiddle(text, width)
	}
	return terminal.Cut(text, width)
}

// line writes cells in their columns, without blanks at the end.
func (l *layout) line(b *strings.Builder, widths []int, cells []string) {
	var line strings.Builder
	first := true
	for i, text := range cells {
		if widths[i] == left {
			continue
		}
		if !first {
			line.WriteString(strings.Repeat(" ", gap))
		}
		first = false
		pad := terminal.Pad
		if l.columns[i].Kind == Number {
			pad = terminal.PadLeft
		}
		line.WriteString(pad(text, widths[i]))
	}
	b.WriteString(strings.TrimRight(line.String(), " "))
}
