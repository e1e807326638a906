package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/admin"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

// users answers with a page, and keeps what it was asked.
type users struct {
	page  presence.UserPage
	err   error
	asked *presence.UserQuery
}

func (u *users) Users(_ context.Context, q presence.UserQuery) (presence.UserPage, error) {
	u.asked = &q
	return u.page, u.err
}

// request is one as a program of this machine makes it.
func request(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "localhost:8081"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func ask(t *testing.T, u *users, ready error, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h := admin.Handler(admin.Config{Users: u, Ready: func() error { return ready }})
	h.ServeHTTP(w, request(method, target, ""))
	if !json.Valid(w.Body.Bytes()) && method != http.MethodHead {
		t.Errorf("%s %s: not JSON: %s", method, target, w.Body)
	}
	return w
}

func TestHandler_Online(t *testing.T) {
	u := &users{page: presence.UserPage{
		Users: []presence.User{{User: "42", Since: time.UnixMilli(1795428000123).UTC(), Connections: 2, Nodes: []string{"n1"}}},
		Next:  "42", Total: 123,
	}}
	w := ask(t, u, nil, "GET", "/online?limit=1&after=4&user=41&user=42")
	const want = `{"users":[{"user":"42","since":"2026-11-23T10:00:00.123Z","connections":2,"nodes":["n1"]}],"next":"42","total":123}`
	if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != want {
		t.Errorf("%d %s, want %s", w.Code, got, want)
	}
	if got := fmt.Sprintf("%+v", *u.asked); got != "{Users:[41 42] After:4 Limit:1}" {
		t.Errorf("asked %s", got)
	}
	if w := ask(t, new(users), nil, "GET", "/online"); strings.TrimSpace(w.Body.String()) != `{"users":[],"total":0}` {
		t.Errorf("nobody: %s", w.Body)
	}
}

// Bad input gets a clear error in the shape of the socket's, and asks nothing of the
// store.
func TestHandler_Online_BadInput(t *testing.T) {
	many := strings.Repeat("user=a&", presence.MaxUserPage+1)
	for query, says := range map[string]string{
		"limit=0":                          "between 1 and 1000",
		"limit=1001":                       "between 1 and 1000",
		"limit=ten":                        "between 1 and 1000",
		"limit=1&limit=2":                  "given 2 times",
		"limt=1":                           "unknown parameter",
		"user=":                            "empty",
		"user=%00":                         "control",
		"user=%ff":                         "UTF-8",
		"after=%0a":                        "after",
		"user=" + strings.Repeat("x", 129): "129 bytes",
		"a;b":                              "query",
		many:                               "at most 1000",
		"user[$gt]=":                       "unknown parameter",
	} {
		u := new(users)
		w := ask(t, u, nil, "GET", "/online?"+query)
		var e protocol.Message
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != http.StatusBadRequest ||
			e.Type != protocol.TypeError || e.Code != protocol.BadRequest || !strings.Contains(e.Text, says) {
			t.Errorf("%.40s: %d %s, want %q", query, w.Code, w.Body, says)
		}
		if u.asked != nil {
			t.Errorf("%.40s: the store was asked %+v", query, *u.asked)
		}
	}
}

// A user's name that looks like an operator of the database is a name.
func TestHandler_Online_HostileName(t *testing.T) {
	u := new(users)
	name := `{"$gt":""}`
	if w := ask(t, u, nil, "GET", "/online?user="+url.QueryEscape(name)); w.Code != http.StatusOK || u.asked.Users[0] != name {
		t.Errorf("%d, asked %+v", w.Code, u.asked)
	}
}

// What is wrong with the store is for the log: an answer names no host.
func TestHandler_Online_StoreFails(t *testing.T) {
	for err, want := range map[error]int{
		fmt.Errorf("db1:27017: %w", events.ErrUnavailable): http.StatusServiceUnavailable,
		errors.New("db1:27017: odd"):                       http.StatusInternalServerError,
	} {
		w := ask(t, &users{err: err}, nil, "GET", "/online")
		if w.Code != want || strings.Contains(w.Body.String(), "db1") {
			t.Errorf("%v: %d %s", err, w.Code, w.Body)
		}
	}
}

func TestHandler_Health(t *testing.T) {
	notReady := errors.New("this node is leaving")
	for _, tt := range []struct {
		method, path string
		ready        error
		status       int
		says         string
	}{
		{"GET", "/healthz", nil, 200, "ok"},
		{"GET", "/healthz", notReady, 200, "ok"},
		{"GET", "/readyz", nil, 200, "ready"},
		{"GET", "/readyz", notReady, 503, "leaving"},
		{"GET", "/", nil, 404, "/online"},
		{"GET", "/onlin", nil, 404, "/online"},
	} {
		w := ask(t, new(users), tt.ready, tt.method, tt.path)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, w.Code, w.Body)
		}
	}
}
