package talk

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/presenced/presence/services/protocol"
)

// whoPage is how many users a page of who has, if nothing else was asked for.
const whoPage = 100

// Command is one question to the server.
type Command struct {
	Type      protocol.CommandType
	N         string // fibonacci, sequence: a whole number in JSON's form, of any size and sign: the limits are the server's to tell
	Algorithm string // fibonacci; "": the server's choice

	Users []string       // who, watch: only these; nil: everyone
	Limit int            // who, of everyone: the most users of the page; 0: 100
	After string         // who, of everyone: the page begins after this user
	Level protocol.Level // watch

	Raw string // the message as it was typed; then the fields above only say what is in it
	id  string // that it came with, as key makes it; "": it gets one
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
	case protocol.Token:
		return protocol.TypeToken
	case protocol.Ping:
	}
	return "ping"
}

// encode returns the command's message.
func (c Command) encode(id string) []byte {
	if c.Raw != "" {
		return c.encodeRaw(id)
	}
	switch c.Type {
	case protocol.Fibonacci:
		return c.encodeNumber(protocol.TypeFibonacci, id)
	case protocol.Sequence:
		return c.encodeNumber(protocol.TypeSequence, id)
	case protocol.Who:
		if c.Users != nil {
			return protocol.AppendWhoCommand(nil, id, c.Users)
		}
		return protocol.AppendWhoPageCommand(nil, id, cmp.Or(c.Limit, whoPage), c.After)
	case protocol.Watch:
		return protocol.AppendWatchCommand(nil, id, c.Level, c.Users)
	case protocol.Unwatch:
		return protocol.AppendUnwatchCommand(nil, id)
	case protocol.Ping, protocol.Token: // a token is only asked as it was typed
	}
	return protocol.AppendPingCommand(nil, id)
}

// encodeNumber returns a message about n. The builders of package protocol are for
// numbers in range; here n goes out as it was typed.
func (c Command) encodeNumber(name, id string) []byte {
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
