package fault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
)

// startServer is the command that starts a server on this machine.
const startServer = "go run ./services/presenced"

// CannotReach returns the error of kind Unreachable for an attempt to reach address,
// a URL, that failed with err. It says what to do; setting is where the address was
// given, such as "--ws or WS".
func CannotReach(address, setting string, err error) error {
	if words := certificate(address, err); words != "" {
		return Errorf(Unreachable, "%s", words)
	}
	switch dns, _ := errors.AsType[*net.DNSError](err); {
	case errors.Is(err, syscall.ECONNREFUSED) && onThisMachine(address):
		return Errorf(Unreachable, "nothing listens at %s: start the server with `%s`, or give its address with %s", address, startServer, setting)
	case errors.Is(err, syscall.ECONNREFUSED):
		return Errorf(Unreachable, "nothing listens at %s: check that the server runs there, and the address (%s)", address, setting)
	case dns != nil && dns.IsNotFound:
		return Errorf(Unreachable, "no host is called %q: check the address %s (%s)", dns.Name, address, setting)
	case dns != nil:
		return Errorf(Unreachable, "the address of the host %q cannot be found at the moment: check the network and its name servers, or give a number (%s)", dns.Name, setting)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return Errorf(Unreachable, "there is no way to %s from here: check the network, and the address (%s)", address, setting)
	case timedOut(err):
		return Errorf(Unreachable, "no answer from %s in time: check that the server runs there, and the address (%s)", address, setting)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return Errorf(Unreachable, "%s hung up before it answered: check that this is the right port (%s)", address, setting)
	}
	return Errorf(Unreachable, "cannot reach %s (%s): %w", address, setting, err)
}

// certificate says what is wrong with the server's certificate; "": nothing.
func certificate(address string, err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "the certificate of " + address + " is signed by an authority that this system does not know: " +
			"if it is your own, give its certificate with --ca or CA"
	}
	if other, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the certificate of " + address + " is not for this host: " + strings.TrimPrefix(other.Error(), "x509: ")
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return "the certificate of " + address + " is of no use: " + strings.TrimPrefix(invalid.Error(), "x509: ")
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || strings.Contains(err.Error(), plainAnswer) {
		return address + " does not speak TLS: check the address, or try it without: " + withoutTLS(address)
	}
	return ""
}

// plainAnswer is in the error of net/http for a server that answers without TLS; there is
// no type for it.
const plainAnswer = "server gave HTTP response to HTTPS client"

// withoutTLS is an address with the scheme that is without TLS.
func withoutTLS(address string) string {
	for secure, plain := range map[string]string{"wss://": "ws://", "https://": "http://"} {
		if rest, ok := strings.CutPrefix(address, secure); ok {
			return plain + rest
		}
	}
	return address
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
