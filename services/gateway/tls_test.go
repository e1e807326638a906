package gateway

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// Who speaks without TLS to a port with TLS is told so, without TLS.
func TestTLS_request_without_it(t *testing.T) {
	h := &host{}
	s := start(t, h, Config{TLS: testTLS(t)})
	for name, in := range map[string]string{
		"page":          "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"upgrade":       upgradeRequest("/"),
		"a large form":  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + repeat(100_000),
		"in two writes": "GET / \x00HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := dialTo(t, s.Addrs()[0], net.Dialer{})
			for part := range strings.SplitSeq(in, "\x00") {
				c.send([]byte(part))
			}
			head := c.head()
			body, err := io.ReadAll(c.in)
			if err != nil || !strings.HasPrefix(head, "HTTP/1.1 400 ") || !strings.Contains(string(body), "wss://") {
				t.Errorf("answer %q %q, %v", head, body, err)
			}
			_ = c.Close()
		})
	}
	if n := len(h.all()); n != 0 {
		t.Errorf("%d sessions were opened", n)
	}
}

// What is neither TLS nor a request ends without an answer, and costs nothing.
func TestTLS_nonsense(t *testing.T) {
	s := start(t, &host{}, Config{TLS: testTLS(t)})
	for _, in := range []string{"\x00\x00\x00\x00\x00\x00", "\x16\x03\x01\x00\x05hello", "SSH", "\x16"} {
		c := dialTo(t, s.Addrs()[0], net.Dialer{})
		c.send([]byte(in))
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		rest, _ := io.ReadAll(c.in)
		if bytes.HasPrefix(rest, []byte("HTTP")) && in != "SSH" {
			t.Errorf("%q is answered %q", in, rest)
		}
	}
	eventually(t, "all have left", func() bool { return s.sockets.Load() == 0 && s.Stats() == Stats{} })
}

// No HTTP/2 is negotiated: there is none here.
func TestTLS_protocol(t *testing.T) {
	s := start(t, &host{}, Config{TLS: testTLS(t)})
	for _, c := range []struct {
		offers []string
		want   string
		fails  bool
	}{
		{nil, "", false},
		{[]string{"h2", "http/1.1"}, "http/1.1", false},
		{[]string{"h2"}, "", true},
	} {
		config := trusting(t)
		config.NextProtos = c.offers
		end := tls.Client(dialTo(t, s.Addrs()[0], net.Dialer{}), config)
		err := end.HandshakeContext(t.Context())
		if got := end.ConnectionState().NegotiatedProtocol; got != c.want || (err != nil) != c.fails {
			t.Errorf("offered %q: %q, %v", c.offers, got, err)
		}
		_ = end.Close()
	}
}

// Who does not finish the handshake of TLS is dropped like who does not finish its
// request, and is counted meanwhile.
func TestTLS_handshake_that_never_ends(t *testing.T) {
	s := start(t, &host{}, Config{TLS: testTLS(t), HandshakeTimeout: 200 * time.Millisecond, MaxHandshakes: 2, Loops: 1})
	var all []*client
	for range 5 {
		c := dialTo(t, s.Addrs()[0], net.Dialer{})
		c.send([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc"))
		all = append(all, c)
	}
	for _, c := range all {
		c.wantGone()
	}
	eventually(t, "all are dropped", func() bool { return s.sockets.Load() == 0 })
}

// With TLS the last bytes of the server are its farewell: a client can tell an end from
// a cut.
func TestTLS_proper_end(t *testing.T) {
	s := start(t, &host{}, Config{TLS: testTLS(t)})
	c := connect(t, s)
	c.send(goodbye(1000, ""))
	c.wantClose(1000)
	if rest, err := io.ReadAll(c.in); err != nil || len(rest) != 0 {
		t.Errorf("%q, %v; want the end of TLS", rest, err)
	}
}
