package protocol

import (
	"strconv"
	"unicode/utf8"
)

// commandNames are the types of commands, for people.
const commandNames = "fibonacci, sequence, ping, token, who, watch, unwatch"

// maxName is how many bytes of an unknown name an error repeats.
const maxName = 32

// Error is the answer to a command that was not carried out. It never ends the
// connection.
type Error struct {
	ID      []byte // the command's id as it came; nil: none
	Code    Code
	Message string // for people: what is wrong, and what is allowed
}

func badRequest(id []byte, message string) *Error {
	if id != nil && !validID(id) {
		id = nil
	}
	return &Error{ID: id, Code: BadRequest, Message: message}
}

// invalid says where the message stops being JSON.
func (s *scanner) invalid(id []byte) *Error {
	if s.i >= len(s.p) {
		return badRequest(id, "the message is not valid JSON: it ends too early")
	}
	return badRequest(id, "the message is not valid JSON: see byte "+strconv.Itoa(s.i+1))
}

func unknownType(id, name []byte) *Error {
	return &Error{ID: id, Code: UnknownType, Message: "unknown type " + quoteName(name) + ": want one of " + commandNames}
}

// between says what n may be.
func between(limit uint64) string {
	return "n must be between 0 and " + strconv.FormatUint(limit, 10)
}

// quoteName is a name that a client sent, fit to be shown: quoted, its unprintable
// characters escaped, and not much longer than maxName.
func quoteName(name []byte) string {
	if len(name) <= maxName {
		return strconv.Quote(string(name))
	}
	cut := maxName
	for cut > maxName-utf8.UTFMax && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return strconv.Quote(string(name[:cut])) + "…"
}
