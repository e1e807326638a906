package events

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The limits of the texts in an event, in bytes. They are stricter than any
// store's, so a store never refuses an event for what is in it.
const (
	MaxUser  = 128
	MaxAgent = 256

	maxRemote  = 64 // an IPv6 address with a zone
	maxProcess = 64
	maxAddr    = 256
	maxVersion = 64
)

// ErrInvalidUser is returned when a text is no user id.
var ErrInvalidUser = errors.New("invalid user id")

// ValidateUser returns an error that wraps ErrInvalidUser, and says what is wrong,
// unless user is a user id: 1 to 128 bytes of valid UTF-8 without control
// characters, bidirectional overrides, or white space at either end. User ids are
// compared as bytes; nothing is normalised.
func ValidateUser(user string) error {
	switch {
	case user == "":
		return fmt.Errorf("%w: it is empty", ErrInvalidUser)
	case len(user) > MaxUser:
		return fmt.Errorf("%w: it is %d bytes long, and %d are allowed", ErrInvalidUser, len(user), MaxUser)
	case !utf8.ValidString(user):
		return fmt.Errorf("%w: it is not valid UTF-8", ErrInvalidUser)
	case strings.TrimSpace(user) != user:
		return fmt.Errorf("%w: it begins or ends with white space", ErrInvalidUser)
	}
	if i := strings.IndexFunc(user, hidden); i >= 0 {
		return fmt.Errorf("%w: it has a control or bidirectional character at byte %d", ErrInvalidUser, i)
	}
	return nil
}

// CleanAgent makes any text fit for Event.Agent: invalid UTF-8 and control
// characters become "?", and what is over MaxAgent bytes is cut off at a character.
func CleanAgent(agent string) string {
	if len(agent) <= MaxAgent && validateText("agent", agent, MaxAgent) == nil {
		return agent
	}
	clean := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || hidden(r) {
			return '?'
		}
		return r
	}, agent)
	if len(clean) <= MaxAgent {
		return clean
	}
	cut := MaxAgent
	for !utf8.RuneStart(clean[cut]) {
		cut--
	}
	return clean[:cut]
}

func validateText(field, text string, limit int) error {
	switch {
	case len(text) > limit:
		return fmt.Errorf("%s: %d bytes, and %d are allowed", field, len(text), limit)
	case !utf8.ValidString(text):
		return fmt.Errorf("%s: not valid UTF-8", field)
	case strings.ContainsFunc(text, hidden):
		return fmt.Errorf("%s: a control or bidirectional character", field)
	}
	return nil
}

// hidden reports whether r changes how text is shown without being shown itself:
// control characters, and the bidirectional controls of Unicode (UAX #9), with
// which one name can be made to look like another.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// validateTime holds that a store gives back the time that it was given.
func validateTime(field string, t time.Time) error {
	if y := t.Year(); t.IsZero() || y < 1970 || y > 9999 || t != Milliseconds(t) {
		return fmt.Errorf("%s: want whole milliseconds, UTC, of the years 1970 to 9999", field)
	}
	return nil
}
