package gateway

import (
	"bytes"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestServer_handshake_answers(t *testing.T) { overEach(t, serverHandshakeAnswers) }

func serverHandshakeAnswers(t *testing.T, start starter) {
	s := start(t, &host{upgrade: func(r *Request) *Refusal {
		if strings.HasPrefix(string(r.Target), "/no") {
			return &Refusal{Status: 403, Body: "not you", RetryAfter: time.Minute}
		}
		return nil
	}}, Config{})
	for _, c := range []struct {
		name, in, want string
		also           []string
	}{
		{"upgrade", upgradeRequest("/"), "101", nil},
		{"names in any case", upgradeRequest("/", "-Upgrade", "UPGRADE: WebSocket", "-Connection", "connection: keep-alive, Upgrade"), "101", nil},
		{"refused", upgradeRequest("/no"), "403", []string{"Retry-After: 60", "Content-Type: text/plain; charset=utf-8", "Connection: close", "\r\n\r\nnot you\n"}},
		{"other version", upgradeRequest("/", "-Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"), "426", []string{"Sec-WebSocket-Version: 13"}},
		{"no version", upgradeRequest("/", "-Sec-WebSocket-Version"), "426", []string{"Sec-WebSocket-Version: 13"}},
		{"no key", upgradeRequest("/", "-Sec-WebSocket-Key"), "400", nil},
		{"bad key", upgradeRequest("/", "-Sec-WebSocket-Key", "Sec-WebSocket-Key: x"), "400", nil},
		{"no host", upgradeRequest("/", "-Host"), "400", nil},
		{"no connection header", upgradeRequest("/", "-Connection"), "400", nil},
		{"method", strings.Replace(upgradeRequest("/"), "GET", "POST", 1), "405", []string{"Allow: GET"}},
		{"HTTP/1.0", strings.Replace(upgradeRequest("/"), "HTTP/1.1", "HTTP/1.0", 1), "505", nil},
		{"nonsense instead of a version", strings.Replace(upgradeRequest("/"), "HTTP/1.1", "HTP", 1), "400", nil},
		{"header too large", upgradeRequest("/", "X: "+repeat(9000)), "431", nil},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc", "400", []string{"TLS"}},
		{"no upgrade", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "426", []string{"Connection: close"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, pieces := range [][][]byte{{[]byte(c.in)}, singles([]byte(c.in))} {
				conn := dial(t, s)
				for _, p := range pieces {
					if _, err := conn.Write(p); err != nil {
						break // refused before the last byte
					}
				}
				head := conn.head()
				if c.want != "101" {
					body := new(strings.Builder)
					if _, err := conn.in.WriteTo(body); err != nil {
						t.Fatal(err)
					}
					head += body.String()
				}
				if !strings.HasPrefix(head, "HTTP/1.1 "+c.want+" ") {
					t.Errorf("answer %q, want status %s", head, c.want)
				}
				for _, a := range c.also {
					if !strings.Contains(head, a) {
						t.Errorf("answer %q has no %q", head, a)
					}
				}
				_ = conn.Close()
			}
		})
	}
}

func TestServer_handshake_gives_the_request(t *testing.T) {
	overEach(t, serverHandshakeGivesTheRequest)
}

func serverHandshakeGivesTheRequest(t *testing.T, start starter) {
	said := make(chan string, 1)
	h := &host{upgrade: func(r *Request) *Refusal {
		got := fmt.Sprintf("%s %s", r.Target, r.Host)
		for _, f := range r.Header {
			got += fmt.Sprintf(" %s=%s", f.Name, f.Value)
		}
		if !r.Remote.Addr().IsLoopback() || r.Remote.Addr() != netip.MustParseAddr("127.0.0.1") {
			return &Refusal{Status: http.StatusTeapot}
		}
		said <- got
		return nil
	}}
	s := start(t, h, Config{Loops: 1})
	c := dial(t, s)
	c.send([]byte(upgradeRequest("/ws?user=42", "User-Agent: a b", "origin: http://x")))
	c.wantUpgraded()
	c.leave()
	want := "/ws?user=42 localhost User-Agent=a b Origin=http://x"
	if got := <-said; got != want {
		t.Errorf("request %q, want %q", got, want)
	}
}

func TestServer_frames_right_behind_the_handshake(t *testing.T) {
	overEach(t, serverFramesRightBehindTheHandshake)
}

func serverFramesRightBehindTheHandshake(t *testing.T, start starter) {
	h := &host{open: func(g *guest) { g.conn.Send([]byte("hello")) }}
	s := start(t, h, Config{Loops: 1})
	for range 3 {
		c := dial(t, s)
		half := text("second")
		c.send(join([]byte(upgradeRequest("/")), text("first"), half[:3]))
		c.wantUpgraded()
		c.wantText("hello")
		c.wantText("first")
		c.send(half[3:])
		c.wantText("second")
		c.leave()
	}
}

func TestServer_handshake_too_late(t *testing.T) { overEach(t, serverHandshakeTooLate) }

func serverHandshakeTooLate(t *testing.T, start starter) {
	timeout := 30 * time.Millisecond
	if strings.HasSuffix(t.Name(), "TLS") {
		timeout = 2 * time.Second // it covers the handshake of TLS, which comes first
	}
	s := start(t, &host{}, Config{HandshakeTimeout: timeout})
	silent, slow := dial(t, s), dial(t, s)
	slow.send([]byte("GET / HTTP/1.1\r\n"))
	silent.wantCut()
	if head := slow.head(); !strings.HasPrefix(head, "HTTP/1.1 408 ") {
		t.Errorf("answer to a slow handshake: %q", head)
	}
	eventually(t, "no handshake is left", func() bool { return s.Stats().Handshakes == 0 })
}

func TestServer_half_a_handshake_or_frame_blocks_nobody(t *testing.T) {
	overEach(t, serverHalfAHandshakeOrFrameBlocksNobody)
}

func serverHalfAHandshakeOrFrameBlocksNobody(t *testing.T, start starter) {
	s := start(t, &host{}, Config{Loops: 1})
	halves := []*client{dial(t, s), connect(t, s), connect(t, s)}
	halves[0].send([]byte(upgradeRequest("/"))[:40])
	halves[1].send(text(repeat(5000))[:3000])
	halves[2].send(join(masked(false, 1, "frag"), text("x")[:1]))
	c := connect(t, s)
	for i := range 100 {
		c.send(text(fmt.Sprint(i)))
		c.wantText(fmt.Sprint(i))
	}
	c.leave()
	halves[0].send([]byte(upgradeRequest("/"))[40:])
	halves[0].wantUpgraded()
	halves[1].send(text(repeat(5000))[3000:])
	halves[1].wantText(repeat(5000))
}

func TestServer_oldest_handshake_is_dropped_first(t *testing.T) {
	overEach(t, serverOldestHandshakeIsDroppedFirst)
}

func serverOldestHandshakeIsDroppedFirst(t *testing.T, start starter) {
	s := start(t, &host{}, Config{Loops: 1, MaxHandshakes: 2, HandshakeTimeout: time.Hour})
	var waiting []*client
	for i := range 4 {
		waiting = append(waiting, dial(t, s))
		eventually(t, "accepted", func() bool { return s.loops[0].mailboxIsEmpty() && s.Stats().Handshakes == min(i+1, 2) })
	}
	waiting[0].wantCut()
	waiting[1].wantCut()
	for _, c := range waiting[2:] {
		c.send([]byte(upgradeRequest("/")))
		c.wantUpgraded()
		c.leave()
	}
}

func (l *loop) mailboxIsEmpty() bool {
	l.mail.mu.Lock()
	defer l.mail.mu.Unlock()
	return len(l.mail.letters) == 0
}

func TestServer_one_connection_too_many(t *testing.T) { overEach(t, serverOneConnectionTooMany) }

func serverOneConnectionTooMany(t *testing.T, start starter) {
	core, said := observer.New(zapcore.InfoLevel)
	s := start(t, &host{}, Config{MaxConns: 2, Log: zap.New(core)})
	a, b := connect(t, s), connect(t, s)
	for range 10 {
		if head := dial(t, s).head(); !strings.HasPrefix(head, "HTTP/1.1 503 ") || !strings.Contains(head, "Retry-After: 1\r\n") {
			t.Errorf("answer to the third connection: %q", head)
		}
	}
	if n := s.Totals().Refused[503]; n != 10 || said.Len() != 1 {
		t.Errorf("%d are counted, and %d lines logged", n, said.Len())
	}
	a.leave()
	eventually(t, "room again", func() bool { return s.sockets.Load() == 1 })
	connect(t, s).leave()
	b.leave()
}

func TestRefusals_are_all_answers(t *testing.T) {
	for _, r := range []Refusal{refusalNotHTTP, refusalMalformed, refusalHeader, refusalLate, refusalFull, refusalLeaving} {
		if b := appendRefusal(nil, r); r.Status < 400 || r.Body == "" || !bytes.HasPrefix(b, []byte("HTTP/1.1 ")) {
			t.Errorf("refusal %+v", r)
		}
	}
}
