package gateway

import (
	"errors"

	"github.com/gobwas/ws"
)

// failure is why a client's bytes cannot be accepted: the close code that it is
// answered with, and a reason for people. RFC 6455, section 7.1.7.
type failure struct {
	code   ws.StatusCode
	reason string
}

func (f *failure) Error() string { return f.reason }

// Failures that are not found by ws.CheckHeader.
var (
	errLengthMSB     = &failure{ws.StatusProtocolError, "length has its highest bit set"}
	errLengthForm    = &failure{ws.StatusProtocolError, "length is not in its shortest form"}
	errBinary        = &failure{ws.StatusUnsupportedData, "binary messages are not understood, send text"}
	errTooBig        = &failure{ws.StatusMessageTooBig, "message too big"}
	errTooFragmented = &failure{ws.StatusPolicyViolation, "message in too many fragments"}
	errCrowded       = &failure{codeTryLater, "too many unfinished messages at the moment, try again later"}
	errNotUTF8       = &failure{ws.StatusInvalidFramePayloadData, "text is not valid UTF-8"}
	errCloseLength   = &failure{ws.StatusProtocolError, "close frame with half a code"}
	errCloseCode     = &failure{ws.StatusProtocolError, "close code must not be sent"}
	errCloseReason   = &failure{ws.StatusInvalidFramePayloadData, "close reason is not valid UTF-8"}
)

// protocolFailure is the failure for an error of ws.CheckHeader.
func protocolFailure(err error) *failure {
	if p, ok := errors.AsType[ws.ProtocolError](err); ok {
		return &failure{ws.StatusProtocolError, string(p)}
	}
	return &failure{ws.StatusProtocolError, err.Error()}
}
