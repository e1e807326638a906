package site_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/presenced/presence/services/site"
)

// get asks the handler for a path.
func get(method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	site.Handler().ServeHTTP(w, r)
	return w
}

func TestHandler(t *testing.T) {
	const html, css, js, svg = "text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml"
	tests := []struct {
		method, path string
		status       int
		kind, body   string
	}{
		{"GET", "/", http.StatusOK, html, "clientctl connect"},
		{"GET", "/?user=ana", http.StatusOK, html, "clientctl connect"},
		{"GET", "/ws", http.StatusOK, html, "clientctl connect"},
		{"HEAD", "/", http.StatusOK, html, ""},
		{"GET", "/assets/main.js", http.StatusOK, js, "import"},
		{"GET", "/assets/style.css", http.StatusOK, css, "--accent"},
		{"GET", "/assets/icon.svg", http.StatusOK, svg, "<svg"},
		{"HEAD", "/assets/main.js", http.StatusOK, js, ""},
		{"GET", "/nothing", http.StatusNotFound, "text/plain; charset=utf-8", ""},
		{"GET", "/assets/", http.StatusNotFound, "text/plain; charset=utf-8", ""},
		{"GET", "/assets/nothing.js", http.StatusNotFound, "text/plain; charset=utf-8", ""},
		{"GET", "/assets/page.html", http.StatusNotFound, "text/plain; charset=utf-8", ""},
		{"GET", "/assets/..%2fsite.go", http.StatusNotFound, "text/plain; charset=utf-8", ""},
		{"POST", "/", http.StatusMethodNotAllowed, "text/plain; charset=utf-8", ""},
		{"POST", "/assets/main.js", http.StatusMethodNotAllowed, "text/plain; charset=utf-8", ""},
	}
	for _, tt := range tests {
		w := get(tt.method, tt.path)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.body) || w.Header().Get("Content-Type") != tt.kind {
			t.Errorf("%s %s: %d %s %.80q; want %d %s with %q", tt.method, tt.path, w.Code, w.Header().Get("Content-Type"), w.Body, tt.status, tt.kind, tt.body)
		}
		if tt.method == "HEAD" && (w.Body.Len() > 0 || w.Header().Get("Content-Length") == "") {
			t.Errorf("%s %s: a body of %d bytes, Content-Length %q", tt.method, tt.path, w.Body.Len(), w.Header().Get("Content-Length"))
		}
	}
}

func TestHandler_HeadersOfSafety(t *testing.T) {
	for _, path := range []string{"/", "/ws", "/assets/main.js", "/assets/icon.svg", "/assets/nothing.js"} {
		h := get("GET", path).Header()
		for name, want := range map[string]string{
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		policy := h.Get("Content-Security-Policy")
		for _, directive := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(policy, directive) {
				t.Errorf("%s: the policy %q has no %s", path, policy, directive)
			}
		}
		for _, loose := range []string{"unsafe", "*", "data:", "http:", "https:"} {
			if strings.Contains(policy, loose) {
				t.Errorf("%s: the policy %q has %s", path, policy, loose)
			}
		}
	}
}

// What a browser has is asked for again, and not sent again.
func TestHandler_unchanged(t *testing.T) {
	for _, path := range []string{"/", "/assets/main.js", "/assets/style.css"} {
		first := get("GET", path)
		tag := first.Header().Get("ETag")
		if tag == "" || first.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: ETag %q, Cache-Control %q", path, tag, first.Header().Get("Cache-Control"))
		}
		if again := get("GET", path, "If-None-Match", tag); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s: %d with %d bytes for the tag that it has", path, again.Code, again.Body.Len())
		}
		if other := get("GET", path, "If-None-Match", `"other"`); other.Code != http.StatusOK {
			t.Errorf("%s: %d for another tag", path, other.Code)
		}
	}
}
