package admin_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/presenced/presence/services/admin"
	"github.com/presenced/presence/services/protocol"
)

// Who may ask: with a token who has it, without one who names loopback, and never a web
// page of another origin. Health and readiness are open.
func TestHandler_Guard(t *testing.T) {
	const token = "0123456789abcdef"
	for _, tt := range []struct {
		name, token, path, host, header string
		status                          int
	}{
		{"loopback", "", "/online", "127.0.0.1:8081", "", 200},
		{"loopback by name", "", "/online", "LOCALHOST:8081", "", 200},
		{"loopback, IPv6", "", "/online", "[::1]:8081", "", 200},
		{"loopback without a port", "", "/online", "localhost", "", 200},
		{"another address of loopback", "", "/online", "127.9.9.9:1", "", 200},
		{"a name that was made to point here", "", "/online", "evil.example:8081", "", 403},
		{"a name that looks like loopback", "", "/online", "127.0.0.1.evil.example", "", 403},
		{"another address", "", "/metrics", "192.0.2.1:8081", "", 403},
		{"no host", "", "/online", "", "", 403},
		{"a page of another origin", "", "/online", "localhost:8081", "Origin: http://evil.example", 403},
		{"a page of another port", "", "/online", "localhost:8081", "Origin: http://localhost:3000", 403},
		{"a page without origin", "", "/online", "localhost:8081", "Origin: null", 403},
		{"its own page", "", "/online", "localhost:8081", "Origin: http://localhost:8081", 200},
		{"a token that nobody asked for", "", "/online", "localhost:8081", "Authorization: Bearer x", 200},
		{"open", "", "/healthz", "evil.example", "", 200},

		{"the token", token, "/online", "presence.example", "Authorization: Bearer " + token, 200},
		{"the token, in other words", token, "/online", "presence.example", "Authorization: bearer  " + token, 200},
		{"no token", token, "/online", "localhost:8081", "", 401},
		{"another token", token, "/online", "localhost:8081", "Authorization: Bearer 0123456789abcdeF", 401},
		{"half a token", token, "/online", "localhost:8081", "Authorization: Bearer 01234567", 401},
		{"more than the token", token, "/online", "localhost:8081", "Authorization: Bearer " + token + "0", 401},
		{"another scheme", token, "/online", "localhost:8081", "Authorization: Basic " + token, 401},
		{"the token alone", token, "/online", "localhost:8081", "Authorization: " + token, 401},
		{"an empty token", token, "/online", "localhost:8081", "Authorization: Bearer ", 401},
		{"no token for metrics", token, "/metrics", "localhost:8081", "", 401},
		{"no token for a profile", token, "/debug/pprof/heap", "localhost:8081", "", 401},
		{"no token for nothing", token, "/nothing", "localhost:8081", "", 401},
		{"no token in the query", token, "/online?token=" + token, "localhost:8081", "", 401},
		{"a page with the token", token, "/online", "presence.example", "Origin: https://evil.example", 403},
		{"the page", "", "/", "localhost:8081", "", 200},
		{"the page by a name that was made to point here", "", "/", "evil.example:8081", "", 403},
		{"a part of the page by another name", "", "/operator/main.js", "evil.example", "", 403},
		{"the page in a page of another origin", "", "/", "localhost:8081", "Origin: http://evil.example", 403},
		{"the page without the token", token, "/", "presence.example", "", 200},
		{"a part of it without the token", token, "/operator/main.js", "presence.example", "", 200},
		{"a shared part of it without the token", token, "/assets/style.css", "presence.example", "", 200},
		{"the page with another token", token, "/", "presence.example", "Authorization: Bearer x", 200},
		{"the page and a query", token, "/?token=" + token, "presence.example", "", 200},
		{"the page for another origin", token, "/", "presence.example", "Origin: https://evil.example", 403},
		{"what is no part of the page", token, "/operator", "presence.example", "", 401},
		{"what is called like a part", token, "/operators/x", "presence.example", "", 401},
		{"a part that leads elsewhere", token, "/assets/../online", "presence.example", "", 401},
		{"and in other letters", token, "/assets/%2e%2e/online", "presence.example", "", 401},
		{"and with a slash that is none", token, "/assets/..%2f..%2fonline", "presence.example", "", 401},
		{"a part below nothing", token, "//assets/x", "presence.example", "", 401},
		{"open with a token", token, "/readyz", "presence.example", "", 200},
		{"what looks open", token, "/healthz/", "presence.example", "", 401},
	} {
		r := request(http.MethodGet, tt.path, "")
		r.Host = tt.host
		if name, value, given := strings.Cut(tt.header, ": "); given {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		h := admin.Handler(admin.Config{Users: new(users), Ready: func() error { return nil }, Token: tt.token, Page: page})
		h.ServeHTTP(w, r)
		if w.Code != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.name, w.Code, w.Body, tt.status)
		}
		if says := w.Header().Get("WWW-Authenticate"); (w.Code == 401) != (says == `Bearer realm="presence"`) {
			t.Errorf("%s: WWW-Authenticate %q", tt.name, says)
		}
		if strings.Contains(w.Body.String(), token) {
			t.Errorf("%s: the answer has the token", tt.name)
		}
	}
}

// page is a page of which each part says that it is one.
var page = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("page")) })

// Without the token nothing but the page's own files is given out, and these are only got.
func TestHandler_Guard_Page(t *testing.T) {
	const token = "0123456789abcdef"
	for _, tt := range []struct {
		method, path string
		page         http.Handler
		status       int
	}{
		{"GET", "/", page, 200}, {"HEAD", "/", page, 200}, {"GET", "/assets/style.css", page, 200}, {"GET", "/operator/a/b", page, 401}, {"GET", "/operator/", page, 401},
		{"POST", "/", page, 401}, {"OPTIONS", "/", page, 401}, {"DELETE", "/assets/style.css", page, 401}, {"get", "/", page, 401},
		{"GET", "/online", page, 401}, {"GET", "/metrics", page, 401}, {"GET", "/openapi.yaml", page, 401}, {"GET", "/debug/pprof/", page, 401},
		{"GET", "/timeline", page, 401}, {"GET", "/nothing", page, 401}, {"POST", "/verify", page, 401}, {"GET", "*", page, 401},
		{"GET", "/", nil, 401}, {"GET", "/assets/style.css", nil, 401}, {"GET", "/operator/main.js", nil, 401},
	} {
		r := request(http.MethodGet, "/", "")
		r.Method, r.URL.Path, r.Host = tt.method, tt.path, "presence.example"
		w := httptest.NewRecorder()
		admin.Handler(admin.Config{Token: token, Page: tt.page}).ServeHTTP(w, r)
		if w.Code != tt.status || (w.Body.String() == "page") != (tt.status == 200) {
			t.Errorf("%s %s: %d %s, want %d", tt.method, tt.path, w.Code, w.Body, tt.status)
		}
	}
}

// The page does not stand in the way of the API: what is no part of it is answered as
// without it.
func TestHandler_Page(t *testing.T) {
	h := admin.Handler(admin.Config{Users: new(users), Ready: func() error { return nil }, Page: page})
	for target, want := range map[string]string{
		"GET /": "page", "GET /?x": "page", "GET /assets/x": "page", "GET /operator/x": "page", "GET /operator/": `{"type":"error"`,
		"GET /operator": `{"type":"error","code":"bad_request","message":"there is `, "GET /nothing": `{"type":"error"`, "POST /": `{"type":"error"`,
		"POST /assets/x": `{"type":"error"`, "GET /healthz": `{"status":"ok"}`, "GET /online": `{"users":`,
	} {
		method, path, _ := strings.Cut(target, " ")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request(method, path, ""))
		if got := w.Body.String(); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %d %.200s, want %s", target, w.Code, got, want)
		}
	}
}

// Two headers are no token, though one of them has it.
func TestHandler_Guard_TwoTokens(t *testing.T) {
	r := request(http.MethodGet, "/online", "")
	r.Header["Authorization"] = []string{"Bearer 0123456789abcdef", "Bearer x"}
	w := httptest.NewRecorder()
	admin.Handler(admin.Config{Users: new(users), Token: "0123456789abcdef"}).ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Another method than the endpoint's is refused, and says which one it is.
func TestHandler_Method(t *testing.T) {
	for _, tt := range [][3]string{
		{"POST", "/online", "GET"}, {"DELETE", "/online/ana", "GET"}, {"PUT", "/events", "GET"}, {"POST", "/healthz", "GET"},
		{"GET", "/kick", "POST"}, {"GET", "/verify", "POST"}, {"HEAD", "/kick", "POST"}, {"OPTIONS", "/kick", "POST"},
	} {
		w := httptest.NewRecorder()
		admin.Handler(admin.Config{Ready: func() error { return nil }}).ServeHTTP(w, request(tt[0], tt[1], ""))
		var e protocol.Message
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != tt[2] ||
			e.Text != "this is asked with "+tt[2] {
			t.Errorf("%s %s: %d %s, Allow %q", tt[0], tt[1], w.Code, w.Body, w.Header().Get("Allow"))
		}
	}
}
