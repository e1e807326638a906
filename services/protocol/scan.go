package protocol

// maxDepth is how deep objects and arrays may stand in one another. It bounds the
// scanner's recursion; a command needs 1.
const maxDepth = 32

// scanner reads JSON (RFC 8259) strictly, in place and without allocating. It takes
// exactly what encoding/json.Valid takes, nested to maxDepth. Like that function it
// does not look at the UTF-8 of strings: the gateway has.
//
// We have our own because a command is read for each message of each client: the
// reusable decoder that is as strict takes three times as long.
type scanner struct {
	p []byte
	i int // how far p was read; after a failure, the byte that does not fit
}

// peek is the next byte, and 0, which no token begins with, at the end.
func (s *scanner) peek() byte {
	if s.i < len(s.p) {
		return s.p[s.i]
	}
	return 0
}

// space goes on to the next byte that is no white space.
func (s *scanner) space() {
	for s.i < len(s.p) {
		switch s.p[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// take reads the byte c, which is not 0, if it is next.
func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	return true
}

// value reads one value of any kind, with depth objects and arrays around it, and
// returns its bytes, or nil if there is none.
func (s *scanner) value(depth int) []byte {
	start, ok := s.i, false
	switch c := s.peek(); {
	case c == '"':
		ok = s.text()
	case c == '-' || digit(c):
		ok = s.number()
	case c == '{':
		ok = depth < maxDepth && s.object(depth+1)
	case c == '[':
		ok = depth < maxDepth && s.array(depth+1)
	case c == 't':
		ok = s.word("true")
	case c == 'f':
		ok = s.word("false")
	case c == 'n':
		ok = s.word("null")
	}
	if !ok {
		return nil
	}
	return s.p[start:s.i]
}

func (s *scanner) word(w string) bool {
	for i := range len(w) {
		if !s.take(w[i]) {
			return false
		}
	}
	return true
}

// object reads an object that nobody looks into.
func (s *scanner) object(depth int) bool {
	for first := true; ; first = false {
		name, more := s.member(first)
		if !more {
			return name != nil
		}
		if s.value(depth) == nil {
			return false
		}
	}
}

// closed is what member returns for a name at the end of an object.
var closed = []byte("}")

// member reads up to the value of the next member of an object: its "{" if it is
// the first, or the "," before it, its name and the ":". It returns the name as it
// stands, with quotes. At the end of the object it returns closed and false, and
// nil and false if neither is there.
func (s *scanner) member(first bool) (name []byte, more bool) {
	if first {
		s.i++
	}
	s.space()
	if s.take('}') {
		return closed, false
	}
	if !first {
		if !s.take(',') {
			return nil, false
		}
		s.space()
	}
	start := s.i
	if !s.text() {
		return nil, false
	}
	name = s.p[start:s.i]
	s.space()
	if !s.take(':') {
		return nil, false
	}
	s.space()
	return name, true
}

func (s *scanner) array(depth int) bool {
	s.i++
	s.space()
	if s.take(']') {
		return true
	}
	for {
		s.space()
		if s.value(depth) == nil {
			return false
		}
		s.space()
		if s.take(']') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// text reads a string with its quotes.
func (s *scanner) text() bool {
	if !s.take('"') {
		return false
	}
	for s.i < len(s.p) {
		switch c := s.p[s.i]; {
		case c == '"':
			s.i++
			return true
		case c == '\\':
			if !s.escape() {
				return false
			}
		case c < ' ':
			return false
		default:
			s.i++
		}
	}
	return false
}

func (s *scanner) escape() bool {
	s.i++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.i++
		return true
	case 'u':
		s.i++
		for range 4 {
			if !hex(s.peek()) {
				return false
			}
			s.i++
		}
		return true
	}
	return false
}

func (s *scanner) number() bool {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return false
	}
	if s.take('.') && !s.digits() {
		return false
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.i++
		if !s.take('+') {
			s.take('-')
		}
		return s.digits()
	}
	return true
}

// digits reads one digit or more.
func (s *scanner) digits() bool {
	start := s.i
	for digit(s.peek()) {
		s.i++
	}
	return s.i > start
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func hex(c byte) bool { return digit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }
