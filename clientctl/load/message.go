package load

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/presenced/presence/services/protocol"
)

// kind says what a text from the server is. The set is closed.
type kind uint8

const (
	other   kind = iota // what a load does not care for
	welcome             // the connection is recorded
	tick                // the time
	answer              // to a command
	refusal             // an error: of a command, not of the connection
)

// news is what a text says.
type news struct {
	kind   kind
	unixMs int64         // of a tick
	id     int           // of an answer or a refusal: the command's number; -1: no command of ours
	code   protocol.Code // of a refusal
}

// How the messages begin that come often, as the server writes them. Whatever looks
// otherwise is read as JSON.
var (
	tickHead    = []byte(`{"type":"time","time":"`)
	tickField   = []byte(`","unixMs":`)
	welcomeHead = []byte(`{"type":"welcome",`)
	answerHead  = []byte(`{"type":"fibonacci","id":"`)
)

// understand says what a text is. It does not allocate for what comes often.
func understand(text []byte) (news, error) {
	if rest, ok := bytes.CutPrefix(text, tickHead); ok {
		if _, digits, ok := bytes.Cut(rest, tickField); ok {
			if ms, after := number(digits); len(after) == 1 && len(digits) > 1 {
				return news{kind: tick, unixMs: ms}, nil
			}
		}
	}
	if bytes.HasPrefix(text, welcomeHead) {
		return news{kind: welcome}, nil
	}
	if rest, ok := bytes.CutPrefix(text, answerHead); ok {
		if id, after := number(rest); len(after) > 0 && after[0] == '"' {
			return news{kind: answer, id: int(id)}, nil
		}
	}
	return decode(text)
}

// number reads the digits that p begins with; more than fit give a number that nothing has.
func number(p []byte) (n int64, rest []byte) {
	i := 0
	for ; i < len(p) && i < 18 && p[i] >= '0' && p[i] <= '9'; i++ {
		n = n*10 + int64(p[i]-'0')
	}
	return n, p[i:]
}

// decode reads a text as JSON.
func decode(text []byte) (news, error) {
	m, err := protocol.Decode(text)
	if err != nil {
		return news{}, err
	}
	id, err := strconv.Atoi(fmt.Sprint(m.ID))
	if err != nil {
		id = -1
	}
	switch m.Type {
	case protocol.TypeWelcome:
		return news{kind: welcome}, nil
	case protocol.TypeTime:
		return news{kind: tick, unixMs: m.UnixMs}, nil
	case protocol.TypeFibonacci:
		return news{kind: answer, id: id}, nil
	case protocol.TypeError:
		return news{kind: refusal, id: id, code: m.Code}, nil
	}
	return news{kind: other}, nil
}
