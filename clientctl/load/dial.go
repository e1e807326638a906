package load

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // RFC 6455 section 4.2.2 asks for it
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/wire"
	"github.com/presenced/presence/services/protocol"
)

// dialer makes upgraded connections to one server. It is static.
type dialer struct {
	cfg     *Config
	addr    string       // where the server was found
	sources []netip.Addr // in turn; none: the system chooses
	tls     *tls.Config  // nil: no TLS
	key     string       // the Sec-WebSocket-Key of all requests of this run
	accept  string       // what must come back
}

// newDialer finds the server, and sees that there is room for all connections to it.
func newDialer(ctx context.Context, c *Config, key string) (*dialer, error) {
	d := &dialer{cfg: c, addr: hostPort(c.URL), key: key, accept: acceptOf(key)}
	if c.URL.Scheme == "wss" {
		d.tls = &tls.Config{RootCAs: c.Roots, ServerName: c.URL.Hostname(), MinVersion: tls.VersionTLS12}
	}
	if c.NetDial != nil {
		return d, nil
	}
	if err := checkDescriptors(c.Connections, descriptors()); err != nil {
		return nil, err
	}
	server, err := find(ctx, c)
	if err != nil {
		return nil, fault.CannotReach(c.URL.String(), "--ws or WS", err)
	}
	d.addr = server.String()
	d.sources, err = sources(c.Connections, server.Addr(), c.Sources, ports(), wholeLoopback)
	return d, err
}

// find connects once, and closes: so a server that is not there is told of before
// thousands of connects fail, and a name is looked up once.
func find(ctx context.Context, c *Config) (netip.AddrPort, error) {
	networks := []string{"tcp"}
	if c.URL.Hostname() == "localhost" {
		networks = []string{"tcp4", "tcp"} // 127.0.0.0/8 has more source addresses than ::1
	}
	n := net.Dialer{Timeout: c.Timeout}
	var conn net.Conn
	var err error
	for _, network := range networks {
		if conn, err = n.DialContext(ctx, network, hostPort(c.URL)); err == nil {
			break
		}
	}
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer conn.Close()
	found, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}, errors.New("no TCP")
	}
	a := found.AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), nil
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"ws": "80", "wss": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func acceptOf(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // RFC 6455 section 4.2.2
	return base64.StdEncoding.EncodeToString(sum[:])
}

// dial connects connection i and upgrades it. early is what came right after the upgrade.
func (d *dialer) dial(ctx context.Context, i int) (c net.Conn, early []byte, err error) {
	if c, err = d.socket(ctx, i); err != nil {
		return nil, nil, err
	}
	hurry := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) }) // fails on a closed socket
	early, err = d.upgrade(c, i)
	if !hurry() && err == nil || ctx.Err() != nil {
		err = ctx.Err() // rather than that of a deadline
	}
	if err != nil {
		_ = c.Close() // it is of no use
		return nil, nil, err
	}
	return c, early, nil
}

func (d *dialer) socket(ctx context.Context, i int) (net.Conn, error) {
	dial := d.cfg.NetDial
	if dial == nil {
		n := net.Dialer{KeepAlive: -1}
		if len(d.sources) > 0 {
			n.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(d.sources[i%len(d.sources)], 0))
			n.Control = leavePort
		}
		dial = n.DialContext
	}
	c, err := dial(ctx, "tcp", d.addr)
	if err != nil || d.tls == nil {
		return c, err
	}
	secure := tls.Client(c, d.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = c.Close() // it is of no use
		return nil, err
	}
	return secure, nil
}

// maxAnswer bounds the header of the answer to an upgrade, and what came with it.
const maxAnswer = 64 << 10

// maxRefusal bounds what is kept of a refusal's text, in bytes.
const maxRefusal = 256

// readers are for answers to upgrades.
var readers = sync.Pool{New: func() any { return bufio.NewReader(nil) }}

func (d *dialer) upgrade(c net.Conn, i int) (early []byte, err error) {
	if _, err := c.Write(d.request(i)); err != nil {
		return nil, err
	}
	r, _ := readers.Get().(*bufio.Reader)
	defer readers.Put(r)
	r.Reset(io.LimitReader(c, maxAnswer))
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols {
		text, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusal)) // what comes of it is better than nothing
		return nil, &wire.RefusedError{Status: response.StatusCode, Text: string(text)}
	}
	if response.Header.Get("Sec-WebSocket-Accept") != d.accept {
		return nil, &wire.BrokenError{Code: protocol.CloseProtocol, What: "the wrong Sec-WebSocket-Accept"}
	}
	early, err = r.Peek(r.Buffered())
	return append([]byte(nil), early...), err
}

// request is the upgrade request of connection i.
func (d *dialer) request(i int) []byte {
	u := *d.cfg.URL
	if user := d.cfg.User(i); user != "" {
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&user="+url.QueryEscape(user), "&")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	var b []byte
	for _, line := range [...][2]string{
		{"GET ", u.RequestURI() + " HTTP/1.1"},
		{"Host: ", u.Host},
		{"Upgrade: ", "websocket"},
		{"Connection: ", "Upgrade"},
		{"Sec-WebSocket-Version: ", "13"},
		{"Sec-WebSocket-Key: ", d.key},
		{"User-Agent: ", d.cfg.Agent},
		{"Authorization: Bearer ", d.cfg.Token(i)},
	} {
		if line[1] != "" {
			b = append(append(append(b, line[0]...), line[1]...), "\r\n"...)
		}
	}
	return append(b, "\r\n"...)
}
