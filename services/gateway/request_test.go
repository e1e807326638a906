package gateway

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const goodKey = "dGhlIHNhbXBsZSBub25jZQ=="

// upgradeRequest returns a request whose header has extra lines; "-Name" leaves a
// usual one out.
func upgradeRequest(target string, extra ...string) string {
	lines := []string{"Host: localhost", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + goodKey}
	for _, e := range extra {
		if name, ok := strings.CutPrefix(e, "-"); ok {
			kept := lines[:0]
			for _, l := range lines {
				if !strings.HasPrefix(l, name+":") {
					kept = append(kept, l)
				}
			}
			lines = kept
			continue
		}
		lines = append(lines, e)
	}
	return "GET " + target + " HTTP/1.1\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func TestReadIntent(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     intent
	}{
		{"upgrade", upgradeRequest("/"), wantsUpgrade},
		{"names and tokens in any case", upgradeRequest("/", "-Upgrade", "uPGRADE: h2c , WebSocket"), wantsUpgrade},
		{"page", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", wantsHTTP},
		{"no header at all", "GET / HTTP/1.1\r\n\r\n", wantsHTTP},
		{"other upgrade", "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n", wantsHTTP},
		{"websocket-like upgrade", "GET / HTTP/1.1\r\nUpgrade: websocket2\r\n\r\n", wantsHTTP},
		{"page with a body", "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n", wantsHTTP},
		{"key twice", upgradeRequest("/", "Sec-WebSocket-Key: "+goodKey), malformed},
		{"host twice", upgradeRequest("/", "Host: other"), malformed},
		{"key too short", upgradeRequest("/", "-Sec-WebSocket-Key", "Sec-WebSocket-Key: abc"), malformed},
		{"key not base64", upgradeRequest("/", "-Sec-WebSocket-Key", "Sec-WebSocket-Key: !!!!IHNhbXBsZSBub25jZQ=="), malformed},
		{"key of 17 bytes", upgradeRequest("/", "-Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQA="), malformed},
		{"body", upgradeRequest("/", "Content-Length: 5"), malformed},
		{"empty body", upgradeRequest("/", "Content-Length: 0"), wantsUpgrade},
		{"chunked body", upgradeRequest("/", "Transfer-Encoding: chunked"), malformed},
		{"space before the colon", upgradeRequest("/", "X : y"), malformed},
		{"folded line", upgradeRequest("/", "X: y\r\n z: folded"), malformed},
		{"bare line feed", upgradeRequest("/", "X: y\n\nZ: w"), malformed},
		{"line feed in the request line", upgradeRequest("/\n"), malformed},
		{"line without a colon", upgradeRequest("/", "nonsense"), malformed},
	} {
		if got := readIntent([]byte(c.in)); got != c.want {
			t.Errorf("%s: intent %d, want %d", c.name, got, c.want)
		}
	}
}

func TestHeaderEnd(t *testing.T) {
	in := []byte(upgradeRequest("/") + "rest")
	want := len(in) - len("rest")
	for n := range len(in) + 1 {
		expect := 0
		if n >= want {
			expect = want
		}
		for searched := max(0, n-6); searched < n; searched++ {
			if searched >= want {
				continue
			}
			if got := headerEnd(in[:n], searched); got != expect {
				t.Fatalf("%d bytes, %d searched: end %d, want %d", n, searched, got, expect)
			}
		}
	}
}

func FuzzReadIntent(f *testing.F) {
	f.Add([]byte(upgradeRequest("/")))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte("\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if end := headerEnd(b, 0); end > 0 {
			readIntent(b[:end])
		}
	})
}

func TestAppendRefusal(t *testing.T) {
	for _, c := range []struct {
		name    string
		refusal Refusal
		header  http.Header
		body    string
	}{
		{"full", Refusal{Status: 503, Body: "too many", RetryAfter: 1500 * time.Millisecond}, http.Header{"Retry-After": {"2"}}, "too many\n"},
		{"no text", Refusal{Status: 403}, http.Header{}, "Forbidden\n"},
		{"method", Refusal{Status: 405, Body: "x"}, http.Header{"Allow": {"GET"}}, "x\n"},
		{"no token", Refusal{Status: 401, Body: "x", Challenge: `Bearer realm="a"`}, http.Header{"Www-Authenticate": {`Bearer realm="a"`}}, "x\n"},
		{"version", Refusal{Status: 426, Body: "x"}, http.Header{"Sec-Websocket-Version": {"13"}, "Upgrade": {"websocket"}}, "x\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := appendRefusal(nil, c.refusal)
			in := bufio.NewReader(bytes.NewReader(raw))
			r, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil || string(body) != c.body || r.StatusCode != c.refusal.Status || !r.Close || in.Buffered() != 0 {
				t.Errorf("status %d, close %v, body %q, %v", r.StatusCode, r.Close, body, err)
			}
			if got := r.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
				t.Errorf("content type %q", got)
			}
			for name := range c.header {
				if got := r.Header.Get(name); got != c.header.Get(name) {
					t.Errorf("%s: %q, want %q", name, got, c.header.Get(name))
				}
			}
		})
	}
}
