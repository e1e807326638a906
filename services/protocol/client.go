package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// AppendFibonacciCommand appends the command for F(n). An empty id or algorithm is
// left out.
func AppendFibonacciCommand(b []byte, id string, n uint64, algorithm string) []byte {
	b = appendCommand(b, "fibonacci", id)
	b = strconv.AppendUint(append(b, `,"n":`...), n, 10)
	if algorithm != "" {
		b = appendString(append(b, `,"algorithm":`...), algorithm)
	}
	return append(b, '}')
}

// AppendSequenceCommand appends the command for the first n numbers. An empty id is
// left out.
func AppendSequenceCommand(b []byte, id string, n uint64) []byte {
	b = appendCommand(b, "sequence", id)
	b = strconv.AppendUint(append(b, `,"n":`...), n, 10)
	return append(b, '}')
}

// AppendPingCommand appends a ping command. An empty id is left out.
func AppendPingCommand(b []byte, id string) []byte {
	return append(appendCommand(b, "ping", id), '}')
}

func appendCommand(b []byte, command, id string) []byte {
	b = appendString(append(b, `{"type":`...), command)
	if id != "" {
		b = appendString(append(b, `,"id":`...), id)
	}
	return b
}

// ErrNoMessage is returned by Decode for bytes that are no message from the server.
var ErrNoMessage = errors.New("not a message of the protocol")

// Decode reads one message from the server. A type that this program does not know
// is no error, nor are fields: clients ignore what they do not know. It keeps
// nothing of p.
func Decode(p []byte) (Message, error) {
	var m Message
	d := json.NewDecoder(bytes.NewReader(p))
	d.UseNumber() // an id that is a large integer must come back as it went
	if err := d.Decode(&m); err != nil {
		return Message{}, fmt.Errorf("%w: %w", ErrNoMessage, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Message{}, fmt.Errorf("%w: something follows it", ErrNoMessage)
	}
	if m.Type == "" {
		return Message{}, fmt.Errorf("%w: it has no type", ErrNoMessage)
	}
	switch m.ID.(type) {
	case nil, string, json.Number:
		return m, nil
	}
	return Message{}, fmt.Errorf("%w: its id is neither a string nor a number", ErrNoMessage)
}
