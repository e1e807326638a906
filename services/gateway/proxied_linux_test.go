package gateway

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// proxyAddr is the address of a test's proxy, from which preambles come.
var proxyAddr = netip.MustParseAddr("127.0.0.2")

// dialFrom dials from an address.
func dialFrom(t testing.TB, s Server, from netip.Addr) *client {
	t.Helper()
	return dialWith(t, s, net.Dialer{LocalAddr: &net.TCPAddr{IP: from.AsSlice()}})
}

// behindProxy is a server whose sessions say first where they come from.
func behindProxy(t *testing.T, start starter, log *zap.Logger) *server {
	var mu sync.Mutex
	remotes := make(map[string]netip.AddrPort)
	h := &host{
		upgrade: func(r *Request) *Refusal {
			mu.Lock()
			defer mu.Unlock()
			remotes[string(r.Target)] = r.Remote
			return nil
		},
		open: func(g *guest) {
			mu.Lock()
			defer mu.Unlock()
			g.conn.Send([]byte(remotes[g.user].Addr().String()))
		},
	}
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page "+r.URL.Path) })
	return start(t, h, Config{
		Loops: 1, HTTP: pages, Log: log,
		Preamble: func(peer netip.Addr) bool { return peer == proxyAddr },
	})
}

// A preamble says whose a connection is, however it is cut, and what stands right
// behind it is the request and the first frames.
func TestPreamble_server(t *testing.T) { overPlain(t, preambleServer) }

func preambleServer(t *testing.T, start starter) {
	s := behindProxy(t, start, nil)
	for i, c := range []struct {
		name   string
		in     []byte
		remote string
	}{
		{"IPv4", preamble(0x21, 0x11, tcp4), "203.0.113.7"},
		{"IPv6", preamble(0x21, 0x21, tcp6), "2001:db8::7"},
		{"TLVs", preamble(0x21, 0x11, tcp4, tlvs), "203.0.113.7"},
		{"the longest", preamble(0x21, 0x11, tcp4, make([]byte, maxPreamble-16-12)), "203.0.113.7"},
		{"health check", preamble(0x20, 0x00), "127.0.0.2"},
		{"no address", preamble(0x21, 0x00, tcp4), "127.0.0.2"},
	} {
		all := join(c.in, []byte(upgradeRequest(fmt.Sprint("/", i))), text("first"))
		cut := append([][]byte{c.in}, join([]byte(upgradeRequest(fmt.Sprint("/", i))), text("first")))
		for how, pieces := range map[string][][]byte{"at once": {all}, "apart": cut, "byte by byte": singles(all)} {
			t.Run(c.name+"/"+how, func(t *testing.T) {
				end := dialFrom(t, s, proxyAddr)
				for _, p := range pieces {
					end.send(p)
				}
				end.wantUpgraded()
				end.wantText(c.remote)
				end.wantText("first")
				end.leave()
			})
		}
	}
	t.Run("a page", func(t *testing.T) {
		end := dialFrom(t, s, proxyAddr)
		end.send(join(preamble(0x21, 0x11, tcp4), []byte("GET /help HTTP/1.1\r\nHost: x\r\n\r\n")))
		r, err := http.ReadResponse(end.in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(r.Body); string(body) != "page /help" {
			t.Errorf("got %q, %v", body, err)
		}
	})
	t.Run("a client of its own", func(t *testing.T) {
		end := dial(t, s)
		end.send([]byte(upgradeRequest("/direct")))
		end.wantUpgraded()
		end.wantText("127.0.0.1")
		end.leave()
	})
}

// What is no preamble is refused with a text that says what is, and logged once; and a
// preamble from an address that is no proxy's is not believed.
func TestPreamble_server_refuses(t *testing.T) { overPlain(t, preambleServerRefuses) }

func preambleServerRefuses(t *testing.T, start starter) {
	core, logs := observer.New(zapcore.WarnLevel)
	s := behindProxy(t, start, zap.New(core))
	request := []byte(upgradeRequest("/"))
	for _, c := range []struct {
		name string
		from netip.Addr
		in   []byte
		says string
	}{
		{"none", proxyAddr, request, "version 2: there is none"},
		{"version 1", proxyAddr, join([]byte("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), request), "send-proxy-v2"},
		{"too long", proxyAddr, preamble(0x21, 0x11, tcp4, make([]byte, 5000)), "too long"},
		{"unknown command", proxyAddr, join(preamble(0x2f, 0x11, tcp4), request), "command"},
		{"two", proxyAddr, join(preamble(0x21, 0x11, tcp4), preamble(0x21, 0x11, tcp4), request), "speaks HTTP"},
		{"from elsewhere", netip.MustParseAddr("127.0.0.1"), join(preamble(0x21, 0x11, tcp4), request), "speaks HTTP"},
		{"version 1 from elsewhere", netip.MustParseAddr("127.0.0.1"), join([]byte("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), request), ""},
	} {
		for how, pieces := range map[string][][]byte{"at once": {c.in}, "byte by byte": singles(c.in[:min(len(c.in), 300)])} {
			t.Run(c.name+"/"+how, func(t *testing.T) {
				end := dialFrom(t, s, c.from)
				for _, p := range pieces {
					if _, err := end.Write(p); err != nil {
						break // refused before the last byte
					}
				}
				answer, err := io.ReadAll(end.in)
				if !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") || !strings.Contains(string(answer), c.says) {
					t.Errorf("got %q, %v; want a 400 that says %q", answer, err, c.says)
				}
			})
		}
	}
	if all := logs.FilterField(zap.Stringer("proxy", proxyAddr)).All(); len(all) != 1 || logs.Len() != 1 {
		t.Errorf("%d lines about the proxy in %d, want 1 of 1", len(all), logs.Len())
	}
	eventually(t, "all have left", func() bool { return s.sockets.Load() == 0 })
}

// With TLS the preamble comes before it, however it is cut; what is none is refused
// without TLS.
func TestPreamble_TLS(t *testing.T) {
	s := behindProxy(t, func(t testing.TB, h *host, cfg Config) *server {
		cfg.TLS = testTLS(t)
		return start(t, h, cfg)
	}, nil)
	for name, in := range map[string][]byte{
		"203.0.113.7": preamble(0x21, 0x11, tcp4, make([]byte, maxPreamble-16-12)),
		"2001:db8::7": preamble(0x21, 0x21, tcp6, tlvs),
		"127.0.0.2":   preamble(0x20, 0x00),
	} {
		for how, pieces := range pieces(in) {
			t.Run(name+"/"+how, func(t *testing.T) {
				end := dialFrom(t, s, proxyAddr)
				for _, p := range pieces {
					if _, err := end.Conn.(*tls.Conn).NetConn().Write(p); err != nil {
						t.Fatal(err)
					}
				}
				end.send(join([]byte(upgradeRequest("/")), text("first")))
				end.wantUpgraded()
				end.wantText(name)
				end.wantText("first")
				end.leave()
			})
		}
	}
	t.Run("none", func(t *testing.T) {
		end := dialTo(t, s.Addrs()[0], net.Dialer{LocalAddr: &net.TCPAddr{IP: proxyAddr.AsSlice()}})
		end.send([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + repeat(300)))
		answer, err := io.ReadAll(end.in)
		if !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") || !strings.Contains(string(answer), "there is none") {
			t.Errorf("got %q, %v", answer, err)
		}
	})
	t.Run("half", func(t *testing.T) {
		end := dialTo(t, s.Addrs()[0], net.Dialer{LocalAddr: &net.TCPAddr{IP: proxyAddr.AsSlice()}})
		end.send(preamble(0x21, 0x11, tcp4)[:20])
		_ = end.Close()
	})
	eventually(t, "all have left", func() bool { return s.sockets.Load() == 0 })
}

// A proxy that sends half a preamble, or nothing, is let go like a slow handshake.
func TestPreamble_server_too_late(t *testing.T) { overPlain(t, preambleServerTooLate) }

func preambleServerTooLate(t *testing.T, start starter) {
	s := start(t, &host{}, Config{HandshakeTimeout: 30 * time.Millisecond, Preamble: func(netip.Addr) bool { return true }})
	silent, half, behind := dial(t, s), dial(t, s), dial(t, s)
	half.send(preamble(0x21, 0x11, tcp4)[:15])
	behind.send(preamble(0x21, 0x11, tcp4))
	silent.wantEnd()
	if head := half.head(); !strings.HasPrefix(head, "HTTP/1.1 408 ") {
		t.Errorf("answer to half a preamble: %q", head)
	}
	behind.wantEnd()
	eventually(t, "no handshake is left", func() bool { return s.Stats().Handshakes == 0 })
}

// holdingProxy is a proxy in front of a server that does not tell it when a client is
// gone: its own connection to the server stays, and is read.
func holdingProxy(t *testing.T, s Server) (addr netip.AddrPort) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	done := make(chan struct{})
	t.Cleanup(func() {
		close(done)
		_ = l.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { hold(near, s.Addrs()[0].String(), done) })
		}
	})
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// hold carries bytes both ways until the test ends, whatever becomes of near.
func hold(near net.Conn, to string, done <-chan struct{}) {
	far, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(far, near) })
	both.Go(func() {
		_, _ = io.Copy(near, far)
		_, _ = io.Copy(io.Discard, far) // nobody is left to tell
	})
	<-done
	_ = near.Close()
	_ = far.Close()
	both.Wait()
}

// A client that is dead behind a proxy which keeps its connection to the server, and
// acknowledges all that is sent there, goes offline by the ping. One that lives stays.
func TestHostile_dead_client_behind_a_proxy(t *testing.T) {
	overPlain(t, hostileDeadClientBehindAProxy)
}

func hostileDeadClientBehindAProxy(t *testing.T, start starter) {
	h := &host{}
	s := start(t, h, Config{Loops: 1, PingAfter: 50 * time.Millisecond, PingTimeout: 3 * time.Second})
	addr := holdingProxy(t, s)
	through := func(i int) *client {
		c := dialTo(t, addr, net.Dialer{})
		c.send([]byte(upgradeRequest("/")))
		c.wantUpgraded()
		eventually(t, "it is open", func() bool { return len(h.all()) > i })
		return c
	}
	dead, lives := through(0), through(1)
	answer := make(chan struct{})
	go func() {
		defer close(answer)
		for {
			if _, _, err := lives.frame(); err != nil {
				return
			}
			if _, err := lives.Write(masked(true, 10, "")); err != nil {
				return
			}
		}
	}()
	dead.reset()
	h.wantClosed(t, 0, ByTimeout)
	if n := len(h.all()[1].closed); n != 0 {
		t.Error("a client that answers is given up with the dead one")
	}
	_ = lives.Close()
	<-answer
	h.wantClosed(t, 1, ByTimeout)
}
