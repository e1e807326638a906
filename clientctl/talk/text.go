package talk

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/presenced/presence/clientctl/terminal"
	"github.com/presenced/presence/services/protocol"
)

// text shows a talk to a person, a line for each message.
type text struct {
	out, err io.Writer
	fold     bool // long numbers
}

// NewText returns a Show that writes lines for people: what the server says to out,
// errors and notices to err. Everything is escaped; with fold, numbers of more than
// 120 digits are shortened, as fits a terminal.
func NewText(out, err io.Writer, fold bool) Show { return &text{out, err, fold} }

// Message implements Show.
func (s *text) Message(a Answer) error {
	m := a.Message
	switch m.Type {
	case protocol.TypeWelcome:
		return s.line("welcome %s: connection %s on node %s", m.User, m.Connection, m.Node)
	case protocol.TypeTime:
		return s.line("time %s", m.Time.UTC().Format(time.RFC3339))
	case protocol.TypeFibonacci:
		return s.line("F(%d) = %s", m.N, s.number(m.Value))
	case protocol.TypeSequence:
		return s.line("seq %d = %s", m.N, s.numbers(m.Values))
	case protocol.TypePong:
		return s.line("pong in %s", a.Took.Round(time.Microsecond))
	case protocol.TypeError:
		if a.Again {
			return nil
		}
		return s.Notice(describe(a))
	case protocol.TypeDrain:
		return s.Notice("the server is about to restart")
	case protocol.TypeWho, protocol.TypeWatch, protocol.TypeUnwatch, protocol.TypePresence:
		return s.presence(m)
	}
	return nil // a message of a newer server that nobody asked for
}

// Notice implements Show.
func (s *text) Notice(notice string) error { return writeNotice(s.err, notice) }

// line writes one line, escaped as a whole, in one write.
func (s *text) line(format string, args ...any) error {
	_, err := io.WriteString(s.out, terminal.Escape(fmt.Sprintf(format, args...))+"\n")
	return err
}

func (s *text) number(n string) string {
	if s.fold {
		return terminal.Fold(n)
	}
	return n
}

func (s *text) numbers(values []string) string {
	shown := make([]string, len(values))
	for i, v := range values {
		shown[i] = s.number(v)
	}
	return strings.Join(shown, " ")
}

// describe is an error message of the server for people, escaped.
func describe(a Answer) string {
	what := "the server"
	if a.Command != nil {
		what = fmt.Sprintf("%.40s", a.Command)
	}
	return terminal.Escape(fmt.Sprintf("%s: %s (%s)", what, a.Message.Text, a.Message.Code))
}

func writeNotice(w io.Writer, notice string) error {
	_, err := io.WriteString(w, "clientctl: "+notice+"\n")
	return err
}
