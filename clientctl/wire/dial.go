package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/gobwas/ws"
)

// The defaults of Options.
const (
	DefaultTimeout = 10 * time.Second
	DefaultSilence = 15 * time.Second
)

// maxRefusal is the most bytes that are shown of a refusal's text.
const maxRefusal = 4 << 10

// Options are how to connect. The zero value of a field means its default.
type Options struct {
	Timeout time.Duration // of the connect and the upgrade together; default 10 s
	Silence time.Duration // how long no byte may come; default 15 s, the time comes every second
	Agent   string        // the User-Agent; default: none
	Token   string        // shown in Authorization: Bearer; letters, digits, "-", "_" and "." only; default: none

	// Roots are whom to trust with wss://; default: those of the system.
	Roots *x509.CertPool

	// NetDial makes the socket; default: that of package net.
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Dial connects to the address, ws:// or wss:// with its path and query, and
// upgrades. It returns a *RefusedError when the server answered, but not with 101.
func Dial(ctx context.Context, address string, o Options) (*Conn, error) {
	var refused *RefusedError
	var timed *timedConn
	d := ws.Dialer{
		Timeout:       orDefault(o.Timeout, DefaultTimeout),
		NetDial:       o.NetDial,
		OnStatusError: func(status int, _ []byte, r io.Reader) { refused = readRefusal(status, r) },
		WrapConn: func(c net.Conn) net.Conn {
			timed = &timedConn{Conn: c}
			return timed
		},
	}
	if o.Roots != nil {
		d.TLSConfig = &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12}
	}
	header := make(http.Header)
	if o.Agent != "" {
		header.Set("User-Agent", o.Agent)
	}
	if o.Token != "" {
		header.Set("Authorization", "Bearer "+o.Token)
	}
	d.Header = ws.HandshakeHeaderHTTP(header)
	_, r, _, err := d.Dial(ctx, address)
	switch {
	case refused != nil:
		return nil, refused
	case err != nil:
		return nil, err
	}
	if r == nil { // nothing followed the server's header yet
		r = bufio.NewReader(timed)
	}
	timed.silence = orDefault(o.Silence, DefaultSilence)
	return &Conn{net: timed, r: r, state: ws.StateClientSide}, nil
}

// readRefusal reads the server's answer as far as it comes: the status is known, and
// a text that is cut off is better than none.
func readRefusal(status int, r io.Reader) *RefusedError {
	refused := &RefusedError{Status: status}
	response, err := http.ReadResponse(bufio.NewReader(r), nil)
	if err != nil {
		return refused
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusal))
	refused.Text = string(text)
	refused.RetryAfter = retryAfter(response.Header.Get("Retry-After"))
	return refused
}

// retryAfter reads the form in seconds. The other one, a date, depends on two clocks.
func retryAfter(s string) time.Duration {
	seconds, err := strconv.Atoi(s)
	if err != nil || seconds < 0 || seconds > int(time.Hour/time.Second) {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}
