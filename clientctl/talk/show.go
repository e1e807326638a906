package talk

import (
	"time"

	"github.com/presenced/presence/services/protocol"
)

// Show is where a Talk shows what happens. An error of its methods ends the talk with
// that error.
type Show interface {
	// Message is called for each message from the server.
	Message(Answer) error

	// Notice is called with what the server did not say: what becomes of the
	// connection, and lines of the input that are not understood. It is one line for
	// people, fit for a terminal.
	Notice(text string) error

	// Say is called with what the user asked of the client itself, such as the help:
	// lines for people, fit for a terminal.
	Say(text string) error

	// State is called when the connection comes and goes. Whoever shows lines has
	// Notice for that.
	State(State) error
}

// EndsWatch reports whether nothing comes of a watch any more: after unwatch, after a watch
// that the server could not take up, which has ended the one before, and after an error
// that answers nothing and forbids, which is how a server ends a watch that a new token does
// not allow.
func (a Answer) EndsWatch() bool {
	m := a.Message
	if m.Type != protocol.TypeError {
		return m.Type == protocol.TypeUnwatch
	}
	if a.Command == nil {
		return m.ID == nil && m.Code == protocol.Forbidden
	}
	return a.Command.Type == protocol.Watch && m.Retryable
}

// State is what there is of the connection.
type State struct {
	Phase Phase
	Until time.Time // Waiting: when it is tried again
}

// Phase is where a connection is in its life. The set is closed.
type Phase uint8

// The phases.
const (
	Connecting Phase = iota // on the way to the server
	Connected               // the server has answered; a welcome follows once it is recorded
	Waiting                 // there is none, and it is not tried yet
)

// Answer is a message from the server, and what it answers.
type Answer struct {
	Raw     []byte // as it came
	Message protocol.Message
	Command *Command      // nil: it answers none
	Took    time.Duration // from the command to its answer
	Again   bool          // it is an error, and the command is asked again by itself
	Probe   bool          // nobody asked: Took is how long the server takes
}
