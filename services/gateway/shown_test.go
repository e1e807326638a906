package gateway

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// What the log has of a client's address is what Config.Shown makes of it, wherever the
// line comes from: a handler of net/http that panics, a handshake of TLS that fails.
func TestServer_logs_no_more_of_an_address_than_it_may(t *testing.T) {
	const shown = "somewhere"
	panics := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a page that panics") })
	for name, c := range map[string]struct {
		cfg  Config
		send string
		line string // a part of what is logged
	}{
		"page":     {Config{HTTP: panics}, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "panic serving " + shown},
		"TLS":      {Config{TLS: testTLS(t)}, "\x16\x03\x01\x00\x05hello", "TLS handshake failed"},
		"TLS, cut": {Config{TLS: testTLS(t)}, "\x16", "TLS handshake failed"},
	} {
		t.Run(name, func(t *testing.T) {
			core, logs := observer.New(zap.DebugLevel)
			c.cfg.Log, c.cfg.Shown = zap.New(core), func(netip.Addr) string { return shown }
			s := start(t, &host{}, c.cfg)
			conn := dialTo(t, s.Addrs()[0], net.Dialer{})
			conn.send([]byte(c.send))
			if tcp, ok := conn.Conn.(*net.TCPConn); ok && c.cfg.TLS != nil {
				_ = tcp.SetLinger(0) // a reset, whose error names both ends
				_ = tcp.Close()
			}
			var all string
			eventually(t, "a line", func() bool {
				all = ""
				for _, e := range logs.All() {
					all += fmt.Sprintln(e.Message, e.ContextMap())
				}
				return strings.Contains(all, c.line)
			})
			if strings.Contains(all, "127.0.0.1") || !strings.Contains(all, shown) {
				t.Errorf("the log has %s", all)
			}
		})
	}
}
