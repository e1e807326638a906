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
