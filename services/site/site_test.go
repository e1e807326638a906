package site_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/presenced/presence/services/site"
)

func TestHandler(t *testing.T) {
	tests := []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/", http.StatusOK, "clientctl connect"},
		{"GET", "/ws", http.StatusOK, "clientctl connect"},
		{"HEAD", "/", http.StatusOK, ""},
		{"GET", "/nothing", http.StatusNotFound, ""},
		{"POST", "/", http.StatusMethodNotAllowed, ""},
	}
	for _, tt := range tests {
		w := httptest.NewRecorder()
		site.Handler().ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.body) {
			t.Errorf("%s %s: %d %q; want %d with %q", tt.method, tt.path, w.Code, w.Body, tt.status, tt.body)
		}
		if w.Code == http.StatusOK && w.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("%s %s: no Content-Security-Policy", tt.method, tt.path)
		}
	}
}
