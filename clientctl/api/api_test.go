package api_test

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

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
