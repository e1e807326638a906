package console

import (
	"strings"
	"sync"
	"time"

	"github.com/presenced/presence/clientctl/talk"
	"github.com/presenced/presence/clientctl/terminal"
	"github.com/presenced/presence/services/protocol"
)

// Show shows a talk at a Console: the time and what becomes of the connection on the status
// line, all else as lines. Make it with NewShow.
type Show struct {
	// static after construction
	colours terminal.Colours
	lines   talk.Show // writes to the console
	refresh func()

	mu  sync.Mutex
	now situation
}

var _ talk.Show = (*Show)(nil)

// NewShow returns a Show of a talk with the server at an address. It needs Attach before
// its talk begins.
func NewShow(address string, c terminal.Colours) *Show {
	place, _, _ := strings.Cut(address, "?") // the query repeats the user
	return &Show{colours: c, now: situation{place: place}}
}

// Attach says where lines go, and what to call when the status has changed.
func (s *Show) Attach(lines talk.Show, refresh func()) { s.lines, s.refresh = lines, refresh }

// Status is what the status line says, times in the location of now. Any goroutine may call
// it.
func (s *Show) Status(now time.Time) Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now.status(now, s.colours)
}

// Message implements talk.Show.
func (s *Show) Message(a talk.Answer) error {
	if s.learn(a) {
		s.refresh()
	}
	if a.Message.Type == protocol.TypeTime || a.Probe {
		return nil
	}
	return s.lines.Message(a)
}

// learn takes what a message says for the status, and reports whether there was anything.
func (s *Show) learn(a talk.Answer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m := a.Message; m.Type {
	case protocol.TypeWelcome:
		s.now.user, s.now.node = m.User, m.Node
	case protocol.TypeTime:
		s.now.clock, s.now.heard = m.Time, time.Now()
	case protocol.TypePong:
		s.now.latency = a.Took
	case protocol.TypeWatch:
		s.now.watching = true
	default:
		if !a.EndsWatch() {
			return false
		}
		s.now.watching = false
	}
	return true
}

// State implements talk.Show.
func (s *Show) State(state talk.State) error {
	s.mu.Lock()
	s.now.state = state
	s.now.user, s.now.node, s.now.latency, s.now.clock, s.now.watching = "", "", 0, time.Time{}, false
	s.mu.Unlock()
	s.refresh()
	return nil
}

// Notice implements talk.Show.
func (s *Show) Notice(text string) error { return s.lines.Notice(text) }

// Say implements talk.Show.
func (s *Show) Say(lines string) error { return s.lines.Say(lines) }
