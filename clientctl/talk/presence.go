package talk

import (
	"fmt"
	"strings"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/terminal"
	"github.com/presenced/presence/services/protocol"
)

// presence shows what a message says of who is online, a line for each.
func (s *text) presence(m protocol.Message) error {
	if m.Type == protocol.TypeWatch && m.Part == 1 {
		if err := s.line("%s", watched(m)); err != nil {
			return err
		}
	}
	if m.Stale != nil {
		if err := s.Notice(aged(*m.Stale)); err != nil {
			return err
		}
	}
	var lines strings.Builder
	width, plain := columns(s.look.Width), func(word string) string { return word }
	for _, list := range []struct {
		word  string
		paint func(string) string
		all   []protocol.Present
	}{
		{"online", plain, m.Users}, {"online", plain, m.Connections},
		{"join", s.look.Colours.Green, m.Joins}, {"leave", s.look.Colours.Red, m.Leaves},
	} {
		for _, p := range list.all {
			line := terminal.Break(list.word+" "+terminal.Escape(s.described(p)), width)
			lines.WriteString(list.paint(list.word) + strings.TrimPrefix(line, list.word) + "\n")
		}
	}
	if lines.Len() == 0 {
		return nil
	}
	return say(s.out, lines.String())
}

// watched says of whom the messages will be.
func watched(m protocol.Message) string {
	what := "watching everyone"
	if m.Accepted != nil {
		what = fmt.Sprintf("watching %d users", *m.Accepted)
		if *m.Accepted == 1 {
			what = "watching 1 user"
		}
	}
	if m.Resync {
		what += ", told all anew: too much was waiting to be read"
	}
	return what
}

func aged(stale bool) string {
	if stale {
		return "the server cannot see who comes and goes; what it said may be old"
	}
	return "the server sees again who comes and goes"
}

func (s *text) described(p protocol.Present) string {
	text := p.User
	if p.Connection != "" {
		text += " by " + p.Connection
	}
	if !p.Since.IsZero() {
		text += " since " + s.look.time(p.Since)
	}
	if p.Connections > 0 {
		text += fmt.Sprintf(", connections: %d", p.Connections)
	}
	return text
}

// watching shows of a talk who is online.
type watching struct{ Show }

// Watching returns a Show that gives only those messages to another that say who is
// online. A watch that the server refuses ends the talk with an error of kind
// fault.Refused.
func Watching(s Show) Show { return watching{s} }

// Message implements Show.
func (s watching) Message(a Answer) error {
	switch a.Message.Type {
	case protocol.TypeWatch, protocol.TypePresence, protocol.TypeDrain:
		return s.Show.Message(a)
	case protocol.TypeError:
		if a.Command != nil && !a.Again {
			return fault.Errorf(fault.Refused, "%s", describe(a))
		}
	}
	return nil
}
