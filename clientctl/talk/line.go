package talk

import (
	"fmt"
	"strings"

	"github.com/presenced/presence/services/protocol"
)

// Line is what one line of the input asks for.
type Line struct {
	Command Command // with Type 0: nothing is asked
	Quit    bool    // the input is at its end
	Help    bool    // what can be typed
	More    bool    // the page that follows the last one of who
	Err     error   // the line is not understood: says what can be typed
}

const help = `type a whole number for its Fibonacci number, "seq N" for the first N of them, or /help for all there is`

// ParseLine reads one line of the input: a number, words, a slash command, or a message of
// the protocol in JSON. A blank line asks for nothing.
func ParseLine(line string) Line {
	words := strings.Fields(line)
	switch {
	case len(words) == 0:
		return Line{}
	case words[0][0] == '/':
		return parseSlash(strings.TrimSpace(line))
	case words[0][0] == '{':
		return parseMessage(strings.TrimSpace(line))
	case len(words) == 1 && words[0] == "ping":
		return Line{Command: Command{Type: protocol.Ping}}
	case len(words) == 1 && words[0] == "quit":
		return Line{Quit: true}
	case len(words) == 2 && words[0] == "seq":
		return number(protocol.Sequence, line, words[1])
	case len(words) == 1:
		return number(protocol.Fibonacci, line, words[0])
	}
	return notUnderstood(line)
}

func number(t protocol.CommandType, line, word string) Line {
	n, err := ParseNumber(word)
	if err != nil {
		return notUnderstood(line)
	}
	return Line{Command: Command{Type: t, N: n}}
}

func notUnderstood(line string) Line {
	return Line{Err: fmt.Errorf("%.60q is not understood: %s", strings.TrimSpace(line), help)}
}
