package api_test

import (
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/clientctl/api"
	"github.com/presenced/presence/clientctl/fault"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// get asks a server at an address.
func get(t *testing.T, address string) error {
	t.Helper()
	return getTrusting(t, address, nil)
}

func getTrusting(t *testing.T, address string, roots *x509.CertPool) error {
	t.Helper()
	base, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	c := api.New(base, "0123456789abcdef")
	c.Trust(roots)
	defer c.Close()
	var answer struct{}
	return c.Get(t.Context(), nil, &answer, "nodes")
}

func TestClient_Get_says_what_to_do(t *testing.T) {
	const ours = `{"type":"error","code":"internal","message":"the store does not answer; try again","retryable":true}`
	for _, tt := range []struct {
		name       string
		status     int
		retryAfter string
		body       string
		temporary  bool
		want       string
	}{
		{"busy", 503, "7", "", true, "refused: 503 Service Unavailable: try again in 7s"},
		{"busy until a date", 429, "Mon, 23 Nov 2026 10:00:00 GMT", "", true, "refused: 429 Too Many Requests: try again in a moment"},
		{"busy for ever", 503, "99999999", "", true, "try again in 1h0m0s"},
		{"the store is away", 503, "", ours, true, "refused: the store does not answer; try again (internal)"},
		{"another token", 401, "", `{"type":"error","code":"unauthorized","message":"no","retryable":false}`, false, "refused: no (unauthorized): the token that was given is another one"},
		{"another server", 404, "", "<h1>no\x1b</h1>", false, `refused: 404 Not Found: <h1>no\x1b</h1>: this is not the operator's API`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", tt.retryAfter)
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			}))
			defer server.Close()
			err := get(t, server.URL)
			if fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s in it", err, tt.want)
			}
			if api.Temporary(err) != tt.temporary {
				t.Errorf("temporary is %v", !tt.temporary)
			}
		})
	}
}

// With TLS on one side only, each side says so in its own way.
func TestClient_Get_TLS_on_one_side(t *testing.T) {
	nothing := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) })
	secure, plain := httptest.NewTLSServer(nothing), httptest.NewServer(nothing)
	defer secure.Close()
	defer plain.Close()
	own := x509.NewCertPool()
	own.AddCert(secure.Certificate())
	if err := getTrusting(t, secure.URL, own); err != nil {
		t.Errorf("with the own authority: %v", err)
	}
	for address, want := range map[string]string{
		strings.Replace(secure.URL, "https", "http", 1): "this port speaks TLS: write https:// in place of http://",
		strings.Replace(plain.URL, "http", "https", 1):  "does not speak TLS: check the address, or try it without: " + plain.URL,
		secure.URL: "is signed by an authority that this system does not know",
	} {
		if err := get(t, address); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s in it", address, err, want)
		}
	}
}

// An answer that begins and does not end: Ctrl-C, a server that hangs, and one that ends.
func TestClient_Get_an_answer_that_is_broken_off(t *testing.T) {
	for name, tt := range map[string]struct {
		after func(cancel func(), r *http.Request)
		kind  fault.Kind
		says  string
	}{
		"Ctrl-C":              {func(cancel func(), r *http.Request) { cancel(); <-r.Context().Done() }, fault.Interrupted, "interrupted"},
		"the server hangs":    {func(_ func(), r *http.Request) { <-r.Context().Done() }, fault.Unreachable, "no answer from http://"},
		"the server is ended": {func(func(), *http.Request) { panic(http.ErrAbortHandler) }, fault.Unreachable, "broke its answer off: unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			patience := time.Minute
			if name == "the server hangs" {
				patience = 300 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, `{"nodes":[`)
				for range 7 { // so much that the client reads
					_, _ = io.WriteString(w, strings.Repeat(" ", 1<<20))
				}
				_ = http.NewResponseController(w).Flush()
				tt.after(cancel, r)
			}))
			defer server.Close()
			base, err := url.Parse(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			c := api.New(base, "")
			defer c.Close()
			var answer struct{}
			if err := c.Get(ctx, nil, &answer, "nodes"); fault.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v (kind %d), want %s", err, fault.KindOf(err), tt.says)
			}
		})
	}
}

// What a server says is shown to a person: escaped, and not over and over again.
func TestClient_Warn(t *testing.T) {
	c := api.New(&url.URL{}, "")
	c.Warn("nobody listens")
	var said []string
	c.OnWarning(func(text string) { said = append(said, text) })
	c.Warn("n1\x1b[2J is broken")
	c.Warn("n1\x1b[2J is broken")
	if want := []string{`n1\x1b[2J is broken`}; !slices.Equal(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
}
