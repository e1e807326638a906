package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/terminal"
	"github.com/presenced/presence/services/protocol"
)

// RefusedError is an answer other than 200: something is there, and says no.
type RefusedError struct {
	Status int
	what   string // for people, escaped
}

// Error implements error.
func (e *RefusedError) Error() string { return e.what }

// Temporary reports whether err is a refusal that may not last: the same may be asked
// again later.
func Temporary(err error) bool {
	refused, ok := errors.AsType[*RefusedError](err)
	if !ok {
		return false
	}
	switch refused.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// refused is the error for an answer that is none: the server's own words if it is an
// error message of the protocol, else the status; and what to do.
func (c *Client) refused(r *http.Response, body []byte) error {
	what := fmt.Sprintf("%d %s", r.StatusCode, http.StatusText(r.StatusCode))
	m, err := protocol.Decode(body)
	ours := err == nil && m.Type == protocol.TypeError
	if ours {
		what = fmt.Sprintf("%s (%s)", m.Text, m.Code)
	} else if text := strings.Join(strings.Fields(string(body)), " "); text != "" {
		what += ": " + fmt.Sprintf("%.300s", text)
	}
	what = terminal.Escape(what)
	if advice := c.advice(r, body, ours); advice != "" {
		what += ": " + advice
	}
	return fault.Errorf(fault.Refused, "%s refused: %w", c.base, &RefusedError{r.StatusCode, what})
}

// advice is what to do about an answer.
func (c *Client) advice(r *http.Response, body []byte, ours bool) string {
	seconds, _ := strconv.Atoi(r.Header.Get("Retry-After")) // the other form, a date, depends on two clocks
	return fault.Advice(fault.Operators, fault.Answer{
		Status: r.StatusCode, Text: string(body), Location: r.Header.Get("Location"),
		RetryAfter: time.Duration(min(max(seconds, 0), 3600)) * time.Second, Ours: ours, Token: c.token != "",
	})
}
