package fault

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"syscall"
)

// startServer is the command that starts a server on this machine.
const startServer = "go run ./services/presenced"

// CannotReach returns the error of kind Unreachable for an attempt to reach address,
// a URL, that failed with err. It says what to do; setting is where the address was
// given, such as "--ws or WS".
func CannotReach(address, setting string, err error) error {
	var unknown x509.UnknownAuthorityError
	switch dns, _ := errors.AsType[*net.DNSError](err); {
	case errors.Is(err, syscall.ECONNREFUSED) && onThisMachine(address):
		return Errorf(Unreachable, "nothing listens at %s: start the server with `%s`, or give its address with %s", address, startServer, setting)
	case errors.Is(err, syscall.ECONNREFUSED):
		return Errorf(Unreachable, "nothing listens at %s: check that the server runs there, and the address (%s)", address, setting)
	case dns != nil && dns.IsNotFound:
		return Errorf(Unreachable, "no host is called %q: check the address %s (%s)", dns.Name, address, setting)
	case timedOut(err):
		return Errorf(Unreachable, "no answer from %s in time: check that the server runs there, and the address (%s)", address, setting)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return Errorf(Unreachable, "%s hung up before it answered: check that this is the right port (%s)", address, setting)
	case errors.As(err, &unknown):
		return Errorf(Unreachable, "the certificate of %s is signed by an authority that this system does not know", address)
	}
	return Errorf(Unreachable, "cannot reach %s (%s): %w", address, setting, err)
}

func timedOut(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

func onThisMachine(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
