package talk

import (
	"io"
	"strings"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/terminal"
	"github.com/presenced/presence/services/protocol"
)

// bare shows answers alone.
type bare struct{ out, err io.Writer }

// NewBare returns a Show that writes nothing but numbers to out, one a line, and
// notices to err. The first command that is answered with an error ends the talk with
// an error of kind fault.Refused.
func NewBare(out, err io.Writer) Show { return &bare{out, err} }

// Message implements Show.
func (s *bare) Message(a Answer) error {
	switch m := a.Message; {
	case a.Command == nil || a.Again:
		return nil
	case m.Type == protocol.TypeFibonacci:
		return s.numbers(m.Value)
	case m.Type == protocol.TypeSequence:
		return s.numbers(m.Values...)
	case m.Type == protocol.TypeError:
		return fault.Errorf(fault.Refused, "%s", describe(a))
	}
	return nil
}

// Notice implements Show.
func (s *bare) Notice(notice string) error { return writeNotice(s.err, notice) }

// Say implements Show.
func (s *bare) Say(text string) error { return say(s.err, text) }

// State implements Show.
func (s *bare) State(State) error { return nil }

func (s *bare) numbers(values ...string) error {
	var lines strings.Builder
	for _, v := range values {
		lines.WriteString(terminal.Escape(v) + "\n")
	}
	_, err := io.WriteString(s.out, lines.String())
	return err
}
