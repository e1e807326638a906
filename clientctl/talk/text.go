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
	look     Look
}

// Look is how lines for people look. The zero value is for pipes and files.
type Look struct {
	Fold    bool             // numbers of more than 120 digits are shortened
	Colours terminal.Colours // of what the server says
	Notices terminal.Colours // of notices
	In      *time.Location   // of times; nil: UTC, in the form of RFC 3339

	// Width, and NoticeWidth of notices, is how many columns a line of the terminal has now:
	// a longer one is broken between words. nil: lines may have any length.
	Width, NoticeWidth func() int
}

// NewText returns a Show that writes lines for people: what the server says to out,
// errors and notices to err. Everything is escaped.
func NewText(out, err io.Writer, l Look) Show { return &text{out, err, l} }

// Message implements Show.
func (s *text) Message(a Answer) error {
	m := a.Message
	if a.Probe {
		return nil
	}
	switch m.Type {
	case protocol.TypeWelcome:
		return s.line("welcome %s: connection %s on node %s", m.User, m.Connection, m.Node)
	case protocol.TypeTime:
		return s.line("time %s", s.look.time(m.Time))
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
	case protocol.TypeToken:
		return s.line("the token is good until %s", s.look.time(m.Expires))
	case protocol.TypeWho:
		return s.who(a)
	case protocol.TypeUnwatch:
		return s.line("watching nobody")
	case protocol.TypeWatch, protocol.TypePresence:
		return s.presence(m)
	}
	return nil // a message of a newer server that nobody asked for
}

// Notice implements Show.
func (s *text) Notice(notice string) error {
	lines := strings.Split(terminal.Break(noticePrefix+notice, columns(s.look.NoticeWidth)), "\n")
	for i, line := range lines {
		body, first := strings.CutPrefix(line, noticePrefix)
		switch {
		case first && i == 0:
			lines[i] = noticePrefix + s.look.Notices.Yellow(body)
		case i > 0:
			lines[i] = s.look.Notices.Yellow(line)
		}
	}
	return say(s.err, strings.Join(lines, "\n")+"\n")
}

// Say implements Show.
func (s *text) Say(lines string) error {
	return say(s.out, terminal.Break(lines, columns(s.look.Width)))
}

// State implements Show.
func (s *text) State(State) error { return nil }

// line writes one line, escaped as a whole, in one write.
func (s *text) line(format string, args ...any) error {
	return s.Say(terminal.Escape(fmt.Sprintf(format, args...)) + "\n")
}

// columns is a width that is asked for now; 0: any.
func columns(width func() int) int {
	if width == nil {
		return 0
	}
	return width()
}

func (l Look) time(t time.Time) string {
	if l.In == nil {
		return t.UTC().Format(time.RFC3339)
	}
	return t.In(l.In).Format(time.DateTime)
}

func (s *text) number(n string) string {
	if s.look.Fold {
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

func say(w io.Writer, lines string) error {
	_, err := io.WriteString(w, lines)
	return err
}

// noticePrefix says that it is the client that says something.
const noticePrefix = "clientctl: "

func writeNotice(w io.Writer, notice string) error {
	_, err := io.WriteString(w, noticePrefix+notice+"\n")
	return err
}
