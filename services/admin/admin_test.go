package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

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

// A dashboard that asks on while the store is away fills no log: what fails is said once, and
// once that it works again.
func TestHandler_StoreFails_IsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, lines := observer.New(zap.InfoLevel)
		u := new(users)
		var unverified error
		h := admin.Handler(admin.Config{Users: u, Log: zap.New(core), Verify: func(context.Context) (presence.Report, error) {
			return presence.Report{}, unverified
		}})
		do := func(r *http.Request) { h.ServeHTTP(httptest.NewRecorder(), r) }
		want := func(when string, want ...string) {
			t.Helper()
			var got []string
			for _, l := range lines.TakeAll() {
				got = append(got, l.Message)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: said %q, want %q", when, got, want)
			}
		}
		for range 10 {
			u.err = events.ErrUnavailable
			do(request(http.MethodGet, "/online", ""))
			u.err = nil
			do(request(http.MethodGet, "/online", ""))
		}
		want("10 failures, by turns", "the store does not answer the operator's API")
		for range 10 {
			u.err, unverified = errors.New("odd"), errors.New("odd")
			do(request(http.MethodGet, "/online", ""))
			do(request(http.MethodPost, "/verify", "{}"))
		}
		want("10 others", "the store could not be read", "the log could not be verified")
		u.err, unverified = nil, nil
		<-time.After(time.Minute)
		for range 2 {
			do(request(http.MethodGet, "/online", ""))
			do(request(http.MethodPost, "/verify", "{}"))
		}
		want("a minute later", "the store answers the operator's API again", "the store can be read again", "the log can be verified again")
	})
}

// Who goes away before the answer is no failure of the store.
func TestHandler_StoreFails_NobodyWaits(t *testing.T) {
	core, lines := observer.New(zap.InfoLevel)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range []error{context.Canceled, fmt.Errorf("%w: %w", events.ErrUnavailable, context.Canceled)} {
		h := admin.Handler(admin.Config{Users: &users{err: err}, Log: zap.New(core), Verify: func(context.Context) (presence.Report, error) {
			return presence.Report{}, err
		}})
		h.ServeHTTP(httptest.NewRecorder(), request(http.MethodGet, "/online", "").WithContext(gone))
		h.ServeHTTP(httptest.NewRecorder(), request(http.MethodPost, "/verify", "{}").WithContext(gone))
	}
	if got := lines.TakeAll(); len(got) != 0 {
		t.Errorf("said %v", got)
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
