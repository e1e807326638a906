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
}

// Answer is a message from the server, and what it answers.
type Answer struct {
	Raw     []byte // as it came
	Message protocol.Message
	Command *Command      // nil: it answers none
	Took    time.Duration // from the command to its answer
	Again   bool          // it is an error, and the command is asked again by itself
}
