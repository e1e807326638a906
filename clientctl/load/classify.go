package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/presenced/presence/clientctl/wire"
	"github.com/presenced/presence/services/protocol"
)

// Kinds of errors that are no error of a socket.
const (
	kindNoWelcome  = "no_welcome"       // none came in time
	kindTimeout    = "timeout"          // no answer in time
	kindLost       = "connection_lost"  // a command's connection ended before its answer
	kindNobody     = "no_connection"    // a command was due and no connection there
	kindUnanswered = "close_unanswered" // the server did not answer the close frame
	kindNotReading = "not_reading"      // the server did not take what was sent
)

// kindOfCode is the kind of a command that was answered with an error. The server does not
// choose how many kinds there are.
func kindOfCode(c protocol.Code) string {
	switch c {
	case protocol.BadRequest, protocol.UnknownType, protocol.OutOfRange, protocol.TooLarge, protocol.Busy,
		protocol.RateLimited, protocol.Unauthorized, protocol.Forbidden, protocol.Internal:
		return string(c)
	default:
		return "other"
	}
}

// closedError says that the server closed the connection with a close frame.
type closedError struct {
	code   protocol.CloseCode // 0: it gave none
	reason string
}

// Error implements error. The reason is as it came.
func (e *closedError) Error() string { return e.reason }

// kindOf says of what kind an error of a connect or a connection is, and what it says
// beyond that.
func kindOf(err error) (kind, example string) {
	if refused, ok := errors.AsType[*wire.RefusedError](err); ok {
		return fmt.Sprintf("http_%d", refused.Status), strings.TrimSpace(refused.Text)
	}
	if closed, ok := errors.AsType[*closedError](err); ok {
		if closed.code == 0 {
			return "closed", closed.reason
		}
		return fmt.Sprintf("closed_%d", closed.code), closed.reason
	}
	if broken, ok := errors.AsType[*wire.BrokenError](err); ok {
		return "protocol", broken.What
	}
	for _, known := range [...]struct {
		err  error
		kind string
	}{
		{context.DeadlineExceeded, kindTimeout}, {os.ErrDeadlineExceeded, kindTimeout}, {syscall.ETIMEDOUT, kindTimeout},
		{syscall.ECONNREFUSED, "connection_refused"},
		{syscall.ECONNRESET, "reset"}, {syscall.EPIPE, "reset"},
		{io.EOF, "hung_up"}, {io.ErrUnexpectedEOF, "hung_up"}, {io.ErrClosedPipe, "hung_up"},
		{syscall.EADDRNOTAVAIL, "no_ports"},
		{syscall.EMFILE, "no_descriptors"}, {syscall.ENFILE, "no_descriptors"},
	} {
		if errors.Is(err, known.err) {
			return known.kind, ""
		}
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "certificate", err.Error()
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "certificate", err.Error()
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return kindTimeout, ""
	}
	return "other", err.Error()
}
