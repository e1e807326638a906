package load

import "bytes"

// Kind says what a message from the server is. The set is closed.
type Kind uint8

// The kinds of messages.
const (
	Other   Kind = iota // a message that a load does not care for
	Welcome             // the connection is recorded
	Tick                // the time
	Pong                // the answer to a ping command
	Answer              // the answer to a fibonacci or sequence command
	Refusal             // an error: of the command, not of the connection
)

// Message is a message from the server. Text is its beginning, and only valid until
// the next message.
type Message struct {
	Kind   Kind
	Text   []byte
	UnixMs int64 // of a Tick
}

var typePrefix = []byte(`{"type":"`)

// read says what a text is, by its first bytes.
func read(text []byte) Message {
	m := Message{Text: text}
	rest, ok := bytes.CutPrefix(text, typePrefix)
	if !ok {
		return m
	}
	name, _, _ := bytes.Cut(rest, []byte{'"'})
	switch string(name) {
	case "welcome":
		m.Kind = Welcome
	case "time":
		if m.UnixMs, ok = unixMs(rest); ok {
			m.Kind = Tick
		}
	case "pong":
		m.Kind = Pong
	case "fibonacci", "sequence":
		m.Kind = Answer
	case "error":
		m.Kind = Refusal
	}
	return m
}

var unixField = []byte(`"unixMs":`)

// unixMs finds the time in a time message.
func unixMs(text []byte) (ms int64, ok bool) {
	_, digits, ok := bytes.Cut(text, unixField)
	if !ok {
		return 0, false
	}
	n := 0
	for n < len(digits) && digits[n] >= '0' && digits[n] <= '9' {
		ms = ms*10 + int64(digits[n]-'0')
		n++
	}
	return ms, n > 0
}
