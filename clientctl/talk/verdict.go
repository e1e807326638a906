package talk

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/terminal"
	"github.com/presenced/presence/clientctl/wire"
	"github.com/presenced/presence/services/protocol"
)

// closedError says that the server closed the connection.
type closedError struct {
	code   protocol.CloseCode // 0: it gave none
	reason string
}

// Error implements error. The reason is escaped.
func (e *closedError) Error() string {
	s := "the server closed the connection"
	if e.code != 0 {
		s += fmt.Sprintf(" (%d)", e.code)
	}
	if e.reason != "" {
		s += ": " + terminal.Escape(e.reason)
	}
	return s
}

// dialError says that there never was a connection.
type dialError struct{ error }

func (e *dialError) Unwrap() error { return e.error }

// verdict decides what follows the end of a connection, or of an attempt at one:
// either how long to wait before the next attempt, which it announces, or the error
// that ends the talk.
func (t *Talk) verdict(end error) (time.Duration, error) {
	if stopped, ok := errors.AsType[*stopError](end); ok {
		return 0, stopped.error
	}
	if final := t.final(end); final != nil {
		return 0, final
	}
	hint := t.hint
	if refused, ok := errors.AsType[*wire.RefusedError](end); ok {
		hint = max(hint, refused.RetryAfter)
	}
	wait := reconnectBackoff.Delay(t.vain, hint, t.c.Random())
	t.vain++
	t.hint = 0
	return wait, t.c.Show.Notice(fmt.Sprintf("%s; connecting again in %s", t.news(t.describe(end)), wait.Round(10*time.Millisecond)))
}

// news is what there is to say of why there is no connection: a server may be away for
// long, and each try fails like the one before.
func (t *Talk) news(why string) string {
	if t.why == why {
		return "still so"
	}
	t.why = why
	return why
}

// final returns the error that ends the talk, or nil if it is worth to try again.
func (t *Talk) final(end error) error {
	if refused, ok := errors.AsType[*wire.RefusedError](end); ok {
		if refused.Temporary() && (t.connected || t.c.Retry) {
			return nil
		}
		if refused.Status == http.StatusUnauthorized && t.c.Dial.Token == "" {
			return fault.Errorf(fault.Refused, "%s wants a token: give it with --token, TOKEN or TOKEN_FILE", t.place())
		}
		return t.refused(refused)
	}
	if closed, ok := errors.AsType[*closedError](end); ok {
		if closed.code.Reconnect() {
			return nil
		}
		return fault.Errorf(fault.Refused, "%w", closed)
	}
	if broken, ok := errors.AsType[*wire.BrokenError](end); ok {
		return fault.Errorf(fault.Failed, "%w", broken)
	}
	if _, dial := errors.AsType[*dialError](end); dial && !t.connected && !t.c.Retry {
		return t.unreachable(end)
	}
	return nil
}

// describe says in one line how a connection, or an attempt at one, ended.
func (t *Talk) describe(end error) string {
	if refused, ok := errors.AsType[*wire.RefusedError](end); ok {
		return t.place() + " refused the connection: " + refused.Error()
	}
	if closed, ok := errors.AsType[*closedError](end); ok {
		return closed.Error()
	}
	if _, ok := errors.AsType[*dialError](end); ok {
		return t.unreachable(end).Error()
	}
	return "the connection is lost: " + wire.Describe(end)
}

func (t *Talk) unreachable(end error) error {
	return fault.CannotReach(t.place(), "--ws or WS", errors.Unwrap(end))
}

// place is the address without its query, which repeats the user.
func (t *Talk) place() string {
	place, _, _ := strings.Cut(t.c.Address, "?")
	return place
}
