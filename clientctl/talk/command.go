package talk

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/presenced/presence/services/protocol"
)

// Command is one question to the server.
type Command struct {
	Type      protocol.CommandType
	N         string // fibonacci, sequence: a whole number in JSON's form, of any size and sign: the limits are the server's to tell
	Algorithm string // fibonacci; "": the server's choice

	Users []string       // watch: only these; nil: everyone
	Level protocol.Level // watch
}

// String returns the command as people write it.
func (c Command) String() string {
	switch c.Type {
	case protocol.Fibonacci:
		return "F(" + c.N + ")"
	case protocol.Sequence:
		return "seq " + c.N
	case protocol.Who:
		return protocol.TypeWho
	case protocol.Watch:
		return protocol.TypeWatch
	case protocol.Unwatch:
		return protocol.TypeUnwatch
	case protocol.Ping, protocol.Token: // the latter is not asked by people
	}
	return "ping"
}

// encode returns the command's message. The builders of package protocol are for
// numbers in range; here n goes out as it was typed.
func (c Command) encode(id string) []byte {
	if c.Type == protocol.Watch {
		return protocol.AppendWatchCommand(nil, id, c.Level, c.Users)
	}
	name := map[protocol.CommandType]string{
		protocol.Fibonacci: protocol.TypeFibonacci,
		protocol.Sequence:  protocol.TypeSequence,
	}[c.Type]
	if name == "" {
		return protocol.AppendPingCommand(nil, id)
	}
	message, err := json.Marshal(struct {
		Type      string      `json:"type"`
		ID        string      `json:"id"`
		N         json.Number `json:"n"`
		Algorithm string      `json:"algorithm,omitempty"`
	}{name, id, json.Number(c.N), c.Algorithm})
	if err != nil {
		panic("talk: " + err.Error()) // N is no number: ParseNumber was not asked
	}
	return message
}

// ErrNotANumber is returned by ParseNumber.
var ErrNotANumber = errors.New("not a whole number")

// ParseNumber returns s, a whole number in decimal with or without a minus, in the
// form that JSON has for it. No size is too large.
func ParseNumber(s string) (string, error) {
	digits, negative := strings.CutPrefix(s, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return "", fmt.Errorf("%.40q is %w", s, ErrNotANumber)
	}
	digits = strings.TrimLeft(digits, "0")
	switch {
	case digits == "":
		return "0", nil
	case negative:
		return "-" + digits, nil
	}
	return digits, nil
}

// Line is what one line of the input asks for.
type Line struct {
	Command Command // with Type 0: nothing is asked
	Quit    bool    // the input is at its end
	Err     error   // the line is not understood: says what can be typed
}

const help = `type a whole number for its Fibonacci number, "seq N" for the first N of them, "ping", or "quit"`

// ParseLine reads one line of the input. A blank line asks for nothing.
func ParseLine(line string) Line {
	words := strings.Fields(line)
	switch {
	case len(words) == 0:
		return Line{}
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
