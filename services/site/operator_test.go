package site_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/presenced/presence/services/site"
)

func TestOperator(t *testing.T) {
	const html, css, js, text = "text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8", "text/plain; charset=utf-8"
	tests := []struct {
		method, path string
		status       int
		kind, body   string
	}{
		{"GET", "/", http.StatusOK, html, "operations"},
		{"HEAD", "/", http.StatusOK, html, ""},
		{"GET", "/operator/main.js", http.StatusOK, js, "import"},
		{"GET", "/operator/operator.css", http.StatusOK, css, ".chart"},
		{"GET", "/assets/style.css", http.StatusOK, css, "--accent"},
		{"GET", "/operator/operator.html", http.StatusNotFound, text, ""},
		{"GET", "/operator/style.css", http.StatusNotFound, text, ""},
		{"GET", "/operator/", http.StatusNotFound, text, ""},
		{"GET", "/operator/a/b.js", http.StatusNotFound, text, ""},
		{"GET", "/ws", http.StatusNotFound, text, ""},
		{"POST", "/", http.StatusMethodNotAllowed, text, ""},
	}
	for _, tt := range tests {
		w := httptest.NewRecorder()
		site.Operator().ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.body) || w.Header().Get("Content-Type") != tt.kind {
			t.Errorf("%s %s: %d %s %.80q", tt.method, tt.path, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
		policy := w.Header().Get("Content-Security-Policy")
		if tt.status == http.StatusOK && (!strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe")) {
			t.Errorf("%s %s: policy %q", tt.method, tt.path, policy)
		}
	}
}

// The public page gives out nothing of the operators'.
func TestHandler_HasNoOperator(t *testing.T) {
	for _, path := range []string{"/operator/main.js", "/assets/operator.html", "/operator"} {
		if w := get("GET", path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// Every file that a file of the operators' page names is there.
func TestOperator_Complete(t *testing.T) {
	names := regexp.MustCompile(`(?:from |href=|src=)"((?:\./|\.\./assets/|assets/|operator/)[^"]+)"`)
	entries, err := os.ReadDir("operator")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range entries {
		text, err := os.ReadFile("operator/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range names.FindAllStringSubmatch(string(text), -1) {
			found++
			at := "/" + match[1]
			if strings.HasPrefix(match[1], ".") {
				at = path.Join("/operator", match[1])
			}
			w := httptest.NewRecorder()
			site.Operator().ServeHTTP(w, httptest.NewRequest(http.MethodGet, at, nil))
			if w.Code != http.StatusOK {
				t.Errorf("%s names %s: %d", e.Name(), match[1], w.Code)
			}
		}
	}
	if found < 20 {
		t.Errorf("found %d names only", found)
	}
}
