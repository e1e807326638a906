package wire

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/presenced/presence/clientctl/terminal"
	"github.com/presenced/presence/services/protocol"
)

// BrokenError says that the server broke the protocol. Code is what to close with.
type BrokenError struct {
	Code protocol.CloseCode
	What string
}

// Error implements error.
func (e *BrokenError) Error() string {
	return "the server broke the protocol: it sent " + e.What
}

func broken(code protocol.CloseCode, what string) error {
	return &BrokenError{Code: code, What: what}
}

// RefusedError is an answer to the upgrade other than 101: the server is there, and
// says no.
type RefusedError struct {
	Status     int
	Text       string        // what the server says, as it came
	RetryAfter time.Duration // 0: it gave none
}

// Error implements error. The server's text is escaped.
func (e *RefusedError) Error() string {
	s := fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	if text := strings.Join(strings.Fields(e.Text), " "); text != "" {
		s += ": " + terminal.Escape(text)
	}
	return s
}

// Temporary reports whether the same request may be let in later.
func (e *RefusedError) Temporary() bool {
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Describe says in a few words why a connection ended, for an error of
// Read or of a write.
func Describe(err error) string {
	for _, ended := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, ended) {
			return "it ended without a word"
		}
	}
	return err.Error()
}
