// Package table writes tables for people. In a file or a pipe each value stands whole. On
// a terminal no line is wider than it: times take a short form first, long heads and
// texts are cut, and in the end columns are left out, those that say least first. Numbers
// are never cut, since a part of a number is another number.
//
// It is pure. A Table and a Stream belong to one goroutine.
package table

import (
	"io"
	"strconv"
	"strings"

	"github.com/presenced/presence/clientctl/terminal"
)

// Screen is what is written to.
type Screen struct {
	io.Writer
	Width int  // cells in a line; 0: a line may have any length, as in a file
	Bold  bool // the head is bold
}

// Kind is what a column is of. The set is closed.
type Kind uint8

// The kinds.
const (
	Text   Kind = iota // cut at its end
	ID                 // cut in its middle, since ids differ at their end
	Fixed              // never cut: a time, a span, a state
	Number             // never cut, and stands at the right
)

// Column is one column. Of two columns the one with the lower Rank is cut, and left out,
// first; of the same rank the wider is cut, and the one at the right left out, first.
type Column struct {
	Head string
	Kind Kind
	Rank int
}

// Cell is one value, escaped.
type Cell struct {
	text  string
	short string // to be shown where there is no room for text; "": there is no such form
}

// Of is a cell of a text that may come from anybody: it is escaped. No text is "-".
func Of(text string) Cell {
	if text == "" {
		return Cell{text: "-"}
	}
	return Cell{text: terminal.Escape(text)}
}

// Count is a cell of a number.
func Count(n int) Cell { return Cell{text: strconv.Itoa(n)} }

// Own is a cell of the program's own words, or of none.
func Own(text string) Cell { return Cell{text: text} }

// Short is a cell that has a short form, such as a time without its date. Both are the
// program's own words.
func Short(text, short string) Cell { return Cell{text, short} }

// Table is a table that is written when all of it is known.
type Table struct {
	columns []Column
	rows    [][]Cell
}

// New returns a table without rows.
func New(columns ...Column) *Table { return &Table{columns: columns} }

// Add adds a row, which has a cell for each column.
func (t *Table) Add(row ...Cell) { t.rows = append(t.rows, row) }

// Write writes the head and the rows.
func (t *Table) Write(s Screen) error {
	l := newLayout(t.columns)
	for _, row := range t.rows {
		l.measure(row)
	}
	widths := l.fit(s.Width)
	var b strings.Builder
	l.head(&b, widths, s.Bold)
	for _, row := range t.rows {
		l.row(&b, widths, row)
	}
	_, err := io.WriteString(s, b.String())
	return err
}

// Stream is a table of which the rows come one by one: a column grows with what comes.
type Stream struct {
	layout *layout
	every  int // rows after which the head is written again; 0: once is enough
	since  int // rows since the last head; below 0: there was none
}

// NewStream returns a stream, with the head again after so many rows; 0: only once. The
// sample is a row as they often are: it makes the columns wide enough to begin with.
func NewStream(every int, sample []Cell, columns ...Column) *Stream {
	l := newLayout(columns)
	l.measure(sample)
	return &Stream{layout: l, every: every, since: -1}
}

// Row writes one row, and the head before it where it is due.
func (t *Stream) Row(s Screen, row ...Cell) error {
	t.layout.measure(row)
	widths := t.layout.fit(s.Width)
	var b strings.Builder
	if t.since < 0 || t.every > 0 && t.since >= t.every {
		t.layout.head(&b, widths, s.Bold)
		t.since = 0
	}
	t.since++
	t.layout.row(&b, widths, row)
	_, err := io.WriteString(s, b.String())
	return err
}
