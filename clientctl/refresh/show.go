package refresh

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/presenced/presence/clientctl/table"
	"github.com/presenced/presence/clientctl/terminal"
)

// stamp is how a time is written.
const stamp = "2006-01-02 15:04:05 MST"

// InPlace shows each frame in the place of the one before, on a terminal that can move
// its cursor. The first one pushes up what was there, so that nothing is lost of it. It
// leaves nothing to be restored: the cursor stands under the frame.
type InPlace struct {
	Out   io.Writer
	Size  func() (width, height int)
	Bold  bool
	Every time.Duration

	last  []byte    // the frame that was drawn last
	at    time.Time // when
	begun bool
}

var _ Show = (*InPlace)(nil)

// Frame implements Show.
func (s *InPlace) Frame(f Frame, at time.Time) error {
	width, height := s.Size()
	var b bytes.Buffer
	if err := f.Draw(table.Screen{Writer: &b, Width: width, Bold: s.Bold}); err != nil {
		return err
	}
	s.last, s.at = b.Bytes(), at
	return s.draw([]string{terminal.Cut(title(at, s.Every), width)}, width, height)
}

// Failed implements Show: what was seen last stays there.
func (s *InPlace) Failed(err error, at time.Time) error {
	width, height := s.Size()
	words := fmt.Sprintf("%s. As of %s: %s", title(s.at, s.Every), at.Format(time.TimeOnly), terminal.Escape(err.Error()))
	return s.draw(terminal.Wrap(words, width), width, height)
}

// draw writes the whole screen at once, so that nothing flickers. Each line is cleared
// before it is written: after a line that is full, clearing would take its last cell.
func (s *InPlace) draw(head []string, width, height int) error {
	table := strings.Split(strings.TrimSuffix(string(s.last), "\n"), "\n")
	lines := slices.Concat(head, []string{""}, table)
	if most := max(height-1, 1); len(lines) > most { // the last line is the cursor's
		more := fmt.Sprintf("… and %d lines more", len(lines)-most+1)
		lines = append(lines[:most-1], terminal.Cut(more, width))
	}
	var b strings.Builder
	if !s.begun {
		b.WriteString(strings.Repeat("\n", max(height-1, 0)))
		s.begun = true
	}
	b.WriteString("\x1b[H")
	for _, line := range lines {
		b.WriteString("\x1b[2K" + line + "\r\n")
	}
	b.WriteString("\x1b[J")
	_, err := io.WriteString(s.Out, b.String())
	return err
}

func title(at time.Time, every time.Duration) string {
	return at.Format(stamp) + ", every " + brief(every)
}

// brief is a span without the zeros of its smaller units: 1m, not 1m0s.
func brief(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// OneByOne shows frames one after the other, with a blank line between them: in a file, a
// pipe, or a terminal that cannot move its cursor. Failures go to another writer, each once
// until something else is to be told.
type OneByOne struct {
	Out    table.Screen
	Notice func(string)
	Every  time.Duration

	begun  bool
	failed string // what was told last
}

var _ Show = (*OneByOne)(nil)

// Frame implements Show.
func (s *OneByOne) Frame(f Frame, at time.Time) error {
	if s.failed != "" {
		s.failed = ""
		s.Notice(at.Format(stamp) + ": it works again")
	}
	line := title(at, s.Every)
	if s.begun {
		line = "\n" + line
	}
	s.begun = true
	if _, err := fmt.Fprintln(s.Out, line); err != nil {
		return err
	}
	return f.Draw(s.Out)
}

// Failed implements Show.
func (s *OneByOne) Failed(err error, at time.Time) error {
	if text := terminal.Escape(err.Error()); text != s.failed {
		s.failed = text
		s.Notice(fmt.Sprintf("%s: %s; trying again every %s", at.Format(stamp), text, brief(s.Every)))
	}
	return nil
}

// JSON shows each frame, and each failure, as one line for programs: an object with the
// time, and with either rows or error.
type JSON struct {
	Out    io.Writer
	Escape bool // write what would change a terminal as \uXXXX
}

var _ Show = JSON{}

// jsonLine is a line of JSON.
type jsonLine struct {
	Time  time.Time `json:"time"`
	Rows  any       `json:"rows,omitempty"`
	Error string    `json:"error,omitempty"`
}

// Frame implements Show.
func (s JSON) Frame(f Frame, at time.Time) error { return s.line(jsonLine{Time: at, Rows: f.Rows}) }

// Failed implements Show.
func (s JSON) Failed(err error, at time.Time) error {
	return s.line(jsonLine{Time: at, Error: err.Error()})
}

func (s JSON) line(l jsonLine) error {
	l.Time = l.Time.UTC().Truncate(time.Millisecond)
	line, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if s.Escape {
		line = []byte(terminal.EscapeJSON(string(line)))
	}
	_, err = s.Out.Write(append(line, '\n'))
	return err
}
