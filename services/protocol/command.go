package protocol

// CommandType says what a client asks for. The set is closed.
type CommandType uint8

// The commands.
const (
	Fibonacci CommandType = iota + 1 // the number F(n)
	Sequence                         // the first n numbers, F(0) to F(n-1)
	Ping                             // a sign of life of the whole path
	Token                            // a new token, before the last one expires
	Who                              // who is online: some users, or everyone, a page at a time
	Watch                            // who is online, and from then on who comes and goes
	Unwatch                          // the end of that
)

// MaxID is the most bytes of a command's id, without quotes if it is a string.
const MaxID = 64

// maxIDDigits is the most digits of a command's id that is an integer: those of the
// largest uint64.
const maxIDDigits = 20

// Command is what a client asks for, parsed. It refers to the bytes that it was
// parsed from and is valid as long as they are.
type Command struct {
	Type      CommandType
	ID        []byte // as it came, a JSON string with its quotes or an integer; nil: none
	N         uint64 // fibonacci, sequence: within the limits
	Algorithm []byte // fibonacci, optional: the algorithm's name, unquoted; nil: the server's choice
	Token     []byte // token: unquoted; whether it is one, the server judges

	Users []string // who, watch: only these, each a user id; nil: everyone
	Given int      // watch: how many were given; what is over the limit is not in Users
	Limit int      // who, of everyone: the most users of the page, within the limits
	After string   // who, of everyone: the page begins after this user; empty: at the first
	Level Level    // watch
}

// Limits are the bounds of commands that depend on the server's configuration.
type Limits struct {
	MaxFibonacci uint64 // the highest n of fibonacci; default 100,000, at most 1,000,000
	MaxSequence  uint64 // the highest n of sequence; 1,000
	MaxUsers     int    // the most users that one who or watch names, and of a page of who; 1,000
}

// Parse reads one message from a client into c, checks it against the limits, and
// returns nil, or what to answer. A bare integer as the whole message is the
// fibonacci command for that number. The error has the command's id if one could be
// read. Unknown fields are ignored; a known field that stands twice is a bad request.
//
// An integer is written in digits: 1e3 and 1.0 are bad requests, and -0 is 0.
func Parse(message []byte, l Limits, c *Command) *Error {
	*c = Command{}
	s := scanner{p: message}
	s.space()
	if s.peek() == '{' {
		return parseObject(&s, l, c)
	}
	return parseBare(&s, l, c)
}

// parseBare reads a message that is no object: an integer.
func parseBare(s *scanner, l Limits, c *Command) *Error {
	if s.i == len(s.p) {
		return badRequest(nil, `the message is empty: send {"type":"fibonacci","n":42}, or just 42`)
	}
	value := s.value(0)
	if value != nil {
		s.space()
	}
	if value == nil || s.i < len(s.p) {
		return s.invalid(nil)
	}
	if kind(value) != aNumber {
		return badRequest(nil, `a message is an object such as {"type":"fibonacci","n":42}, or a bare integer, not `+kind(value).String())
	}
	c.Type = Fibonacci
	return c.setN(value, l)
}

// fields are the values of the fields of a command, as they stand; nil: not there.
type fields struct{ kind, id, n, algorithm, token, users, limit, after, level []byte }

func (f *fields) field(name []byte) *[]byte {
	switch string(name) {
	case "type":
		return &f.kind
	case "id":
		return &f.id
	case "n":
		return &f.n
	case "algorithm":
		return &f.algorithm
	case "token":
		return &f.token
	case "users":
		return &f.users
	case "limit":
		return &f.limit
	case "after":
		return &f.after
	case "level":
		return &f.level
	}
	return nil
}

// parseObject reads the whole object before it looks at any field, so that an error
// finds the id wherever it stands.
func parseObject(s *scanner, l Limits, c *Command) *Error {
	var f fields
	if e := f.read(s); e != nil {
		return e
	}
	if f.id != nil && !validID(f.id) {
		return badRequest(nil, "id must be a string of at most 64 bytes or an integer of at most 20 digits")
	}
	c.ID = f.id
	if e := c.setType(f.kind); e != nil {
		return e
	}
	switch c.Type {
	case Fibonacci:
		if e := c.setAlgorithm(f.algorithm); e != nil {
			return e
		}
		return c.setN(f.n, l)
	case Sequence:
		return c.setN(f.n, l)
	case Token:
		return c.setToken(f.token)
	case Who:
		return c.setWho(&f, l)
	case Watch:
		return c.setWatch(&f, l)
	case Ping, Unwatch:
	}
	return nil
}

// read takes the known fields of the object that s stands before, to the end of the
// message. Its error has the id if that was read, and read once.
func (f *fields) read(s *scanner) *Error {
	for first := true; ; first = false {
		quoted, more := s.member(first)
		if !more {
			s.space()
			if quoted == nil || s.i < len(s.p) {
				return s.invalid(f.id)
			}
			return nil
		}
		var buf [16]byte
		name := unquote(buf[:0], quoted)
		value := s.value(1)
		if value == nil {
			return s.invalid(f.id)
		}
		field := f.field(name)
		if field == nil {
			continue
		}
		if *field != nil {
			if field == &f.id {
				f.id = nil
			}
			return badRequest(f.id, "the field "+string(name)+" stands twice")
		}
		*field = value
	}
}

func (c *Command) setType(value []byte) *Error {
	if value == nil {
		return badRequest(c.ID, "type is missing: want one of "+commandNames)
	}
	if kind(value) != aString {
		return badRequest(c.ID, "type must be a string, not "+kind(value).String())
	}
	var buf [maxName]byte
	switch name := unquote(buf[:0], value); string(name) {
	case "fibonacci":
		c.Type = Fibonacci
	case "sequence":
		c.Type = Sequence
	case "ping":
		c.Type = Ping
	case "token":
		c.Type = Token
	case "who":
		c.Type = Who
	case "watch":
		c.Type = Watch
	case "unwatch":
		c.Type = Unwatch
	default:
		return unknownType(c.ID, name)
	}
	return nil
}

func (c *Command) setAlgorithm(value []byte) *Error {
	if value == nil {
		return nil
	}
	if kind(value) != aString {
		return badRequest(c.ID, "algorithm must be a string, not "+kind(value).String())
	}
	c.Algorithm = unquote(nil, value)
	return nil
}

func (c *Command) setToken(value []byte) *Error {
	switch {
	case value == nil:
		return badRequest(c.ID, "token is missing: it is a string")
	case kind(value) != aString:
		return badRequest(c.ID, "token must be a string, not "+kind(value).String())
	}
	c.Token = unquote(nil, value)
	return nil
}

func (c *Command) setN(value []byte, l Limits) *Error {
	limit := l.MaxFibonacci
	if c.Type == Sequence {
		limit = l.MaxSequence
	}
	switch {
	case value == nil:
		return badRequest(c.ID, "n is missing: "+between(limit))
	case kind(value) != aNumber:
		return badRequest(c.ID, between(limit)+", not "+kind(value).String())
	}
	n, negative, ok := integer(value)
	switch {
	case !ok:
		return badRequest(c.ID, between(limit)+", in digits, without fraction and exponent")
	case negative || n > limit:
		return &Error{ID: c.ID, Code: OutOfRange, Message: between(limit)}
	}
	c.N = n
	return nil
}
