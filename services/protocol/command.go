package protocol

// CommandType says what a client asks for. The set is closed.
type CommandType uint8

// The commands.
const (
	Fibonacci CommandType = iota + 1 // the number F(n)
	Sequence                         // the first n numbers, F(0) to F(n-1)
	Ping                             // a sign of life of the whole path
)

// MaxID is the most bytes of a command's id, without quotes if it is a string.
const MaxID = 64

// Command is what a client asks for, parsed. It refers to the bytes that it was
// parsed from and is valid as long as they are.
type Command struct {
	Type      CommandType
	ID        []byte // as it came, a JSON string with its quotes or an integer; nil: none
	N         uint64 // fibonacci, sequence: any size; more than 64 bits saturate
	Algorithm []byte // fibonacci, optional: the algorithm's name, unquoted; nil: the server's choice
}

// Limits are the bounds of commands that depend on the server's configuration.
type Limits struct {
	MaxFibonacci uint64 // the highest n of fibonacci; default 100,000, at most 1,000,000
	MaxSequence  uint64 // the highest n of sequence; 1,000
}

// Parse reads one message from a client into c, checks it against the limits, and
// returns nil, or what to answer. A bare integer as the whole message is the
// command for that number. The error has the command's id if one could be read.
// Unknown fields are ignored; a field that stands twice is a bad request.
func Parse(message []byte, l Limits, c *Command) *Error {
	panic("skeleton")
}
