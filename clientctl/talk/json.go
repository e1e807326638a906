package talk

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/presenced/presence/clientctl/terminal"
)

// jsonLines shows the server's messages as they come.
type jsonLines struct {
	out, err io.Writer
	escape   bool
}

// NewJSON returns a Show that writes each message from the server to out as it came,
// one a line, also the errors; notices go to err. With escape, what would change a
// terminal is written as \uXXXX, which means the same.
func NewJSON(out, err io.Writer, escape bool) Show { return &jsonLines{out, err, escape} }

// Message implements Show.
func (s *jsonLines) Message(a Answer) error {
	line := a.Raw
	if bytes.ContainsAny(line, "\t\r\n") { // between tokens: it would be several lines, or an escape outside of a string
		var compact bytes.Buffer
		if err := json.Compact(&compact, line); err != nil {
			return err
		}
		line = compact.Bytes()
	}
	if s.escape {
		line = []byte(terminal.EscapeJSON(string(line)))
	}
	_, err := s.out.Write(append(line, '\n'))
	return err
}

// Notice implements Show.
func (s *jsonLines) Notice(notice string) error { return writeNotice(s.err, notice) }

// Say implements Show.
func (s *jsonLines) Say(text string) error { return say(s.err, text) }

// State implements Show.
func (s *jsonLines) State(State) error { return nil }
