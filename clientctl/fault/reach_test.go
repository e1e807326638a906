package fault_test

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
	"testing"

	"github.com/presenced/presence/clientctl/fault"
)

func TestCannotReach_says_what_to_do(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	tests := []struct {
		name, address string
		err           error
		want          string
	}{
		{"refused here", "ws://localhost:8080", refused, "nothing listens at ws://localhost:8080: start the server with `go run ./services/presenced`"},
		{"refused here, by number", "ws://[::1]:8080", refused, "start the server"},
		{"refused elsewhere", "ws://example.com:8080", refused, "check that the server runs there"},
		{"no such host", "ws://nowhere:8080", fmt.Errorf("dial: %w", &net.DNSError{Name: "nowhere", IsNotFound: true}), `no host is called "nowhere"`},
		{"no answer", "ws://10.0.0.1", context.DeadlineExceeded, "no answer from ws://10.0.0.1 in time"},
		{"no answer in time from a socket", "ws://10.0.0.1", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, "no answer"},
		{"hung up", "ws://localhost:22", io.EOF, "hung up before it answered"},
		{"a certificate", "wss://localhost:1", fmt.Errorf("tls: %w", x509.UnknownAuthorityError{}), "authority that this system does not know: if it is your own, give its certificate with --ca or CA"},
		{"a certificate of another host", "wss://localhost:1", fmt.Errorf("tls: %w", x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"a.example"}}, Host: "localhost"}), "is not for this host: certificate is valid for a.example, not localhost"},
		{"a certificate that has expired", "wss://localhost:1", &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired, Detail: "long ago"}}, "has expired or is not yet valid: long ago"},
		{"no TLS", "wss://localhost:1", tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "wss://localhost:1 does not speak TLS: check the address, or try it without: ws://localhost:1"},
		{"no TLS, says net/http", "https://localhost:1", errors.New("http: server gave HTTP response to HTTPS client"), "https://localhost:1 does not speak TLS: check the address, or try it without: http://localhost:1"},
		{"name servers that do not answer", "ws://example.com", &net.DNSError{Name: "example.com", IsTemporary: true, IsTimeout: true}, `the address of the host "example.com" cannot be found at the moment`},
		{"no way", "ws://10.0.0.1", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}, "there is no way to ws://10.0.0.1 from here"},
		{"anything else", "ws://localhost:1", errors.New("no route"), "cannot reach ws://localhost:1 (--ws or WS): no route"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := fault.CannotReach(tt.address, "--ws or WS", tt.err)
			if fault.KindOf(err) != fault.Unreachable || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want %q in it", err, tt.want)
			}
		})
	}
}
