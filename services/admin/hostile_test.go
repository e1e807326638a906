package admin_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/presenced/presence/services/admin"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
	"github.com/presenced/presence/services/protocol"
)

// hostile is a request that asks for nothing, and the whole of what is said about it.
type hostile struct {
	target string
	says   string
}

const (
	isRange     = "limit must be between 1 and 1000"
	isPoints    = "points must be between 2 and 1000"
	isLast      = "last must be a time between 1s and 87600h, such as 24h"
	isSeconds   = "seconds must be between 1 and 300"
	noAddress   = "the query must be addresses such as 0x45f2a0+0x45f2b8"
	noTime      = " is no time such as 2026-11-23T10:00:00Z or 2026-11-23T11:00:00+01:00 (in a query, + is %2B)"
	hidden      = "invalid user id: it has a control or bidirectional character at byte 1"
	tooLong     = "invalid user id: it is 129 bytes long, and 128 are allowed"
	notUTF8     = "invalid user id: it is not valid UTF-8"
	spaces      = "invalid user id: it begins or ends with white space"
	emptyUser   = "invalid user id: it is empty"
	anID        = "n1/00000001/0000000000000001"
	long        = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" // as much as an answer repeats
	noNext      = "after must be the next of the page before"
	noNextOrNow = noNext + ", or now"
	unreadable  = "the query cannot be read: "
)

var x129, x10000 = strings.Repeat("x", 129), strings.Repeat("x", 10_000)

// hostileQueries are those of every endpoint that has a query, or is to have none.
var hostileQueries = []hostile{
	{"/online?limit=0", isRange},
	{"/online?limit=-1", isRange},
	{"/online?limit=1001", isRange},
	{"/online?limit=", isRange},
	{"/online?limit=1.0", isRange},
	{"/online?limit=1e2", isRange},
	{"/online?limit=0x10", isRange},
	{"/online?limit=+1", isRange}, // a space
	{"/online?limit=99999999999999999999", isRange},
	{"/online?limit=%00", isRange},
	{"/online?limit=1&limit=1", "limit is given 2 times"},
	{"/online?limit[$gt]=1", `unknown parameter "limit[$gt]"; there is after, at, limit, user`},
	{"/online?Limit=1", `unknown parameter "Limit"; there is after, at, limit, user`},
	{"/online?=1", `unknown parameter ""; there is after, at, limit, user`},
	{"/online?%00=1", `unknown parameter "\x00"; there is after, at, limit, user`},
	{"/online?" + x10000 + "=1", `unknown parameter "` + long + `"; there is after, at, limit, user`},
	{"/online?limit=%zz", unreadable + `invalid URL escape "%zz"`},
	{"/online?a;b", unreadable + "invalid semicolon separator in query"},
	{"/online?user=", `user "": ` + emptyUser},
	{"/online?user", `user "": ` + emptyUser},
	{"/online?user=a%00", `user "a\x00": ` + hidden},
	{"/online?user=a%e2%80%ae", `user "a\u202e": ` + hidden},
	{"/online?user=a%ff", `user "a\xff": ` + notUTF8},
	{"/online?user=a%ed%a0%80", `user "a\xed\xa0\x80": ` + notUTF8},
	{"/online?user=a+", `user "a ": ` + spaces},
	{"/online?user=a&user=" + x129, `user "` + x129 + `": ` + tooLong},
	{"/online?after=a%1b", "after " + hidden},
	{"/online?after=" + x129, "after " + tooLong},
	{"/online?after=a&after=b", "after is given 2 times"},
	{"/online?at=2026-11-23T10:00:00Z&at=2026-11-23T10:00:00Z", "at is given 2 times"},
	{"/online?at=now", `at "now"` + noTime},
	{"/online?at=", `at ""` + noTime},
	{"/online?at=1795428000000", `at "1795428000000"` + noTime},
	{"/online?at=2026-02-30T10:00:00Z", `at "2026-02-30T10:00:00Z"` + noTime},
	{"/online?at=2026-11-23T10:00:00+01:00", `at "2026-11-23T10:00:00 01:00"` + noTime},
	{"/online?at=0001-01-01T00:00:00Z", `at "0001-01-01T00:00:00Z"` + noTime},
	{"/online?at=10000-01-01T00:00:00Z", `at "10000-01-01T00:00:00Z"` + noTime},
	{"/online?at=" + x10000, `at "` + long + `"` + noTime},

	{"/online/%00", `user "\x00": invalid user id: it has a control or bidirectional character at byte 0`},
	{"/online/a%00", `user "a\x00": ` + hidden},
	{"/online/a%0a", `user "a\n": ` + spaces},
	{"/online/a%ff", `user "a\xff": ` + notUTF8},
	{"/online/" + x129, `user "` + x129 + `": ` + tooLong},
	{"/online/" + x10000, `user "` + x10000[:130] + `": invalid user id: it is 10000 bytes long, and 128 are allowed`},
	{"/online/ana?limit=0", isRange},
	{"/online/ana?limit=1&limit=2", "limit is given 2 times"},
	{"/online/ana?after=n1", noNext},
	{"/online/ana?after=" + anID + "," + anID, noNext},
	{"/online/ana?after=n1/00000000/0000000000000001", noNext},
	{"/online/ana?after=n1/00000001/8000000000000000", noNext},
	{"/online/ana?after=N1/00000001/0000000000000001", noNext},
	{"/online/ana?after=%00", noNext},
	{"/online/ana?after=" + x10000, noNext},
	{"/online/ana?user=bob", `unknown parameter "user"; there is after, limit`},

	{"/history/a%00", `user "a\x00": ` + hidden},
	{"/history/a%ff", `user "a\xff": ` + notUTF8},
	{"/history/" + x129, `user "` + x129 + `": ` + tooLong},
	{"/history/ana?limit=1001", isRange},
	{"/history/ana?from=now", `from "now"` + noTime},
	{"/history/ana?to=", `to ""` + noTime},
	{"/history/ana?from=2026-11-23T10:00:00Z&to=2026-11-23T10:00:00Z", "from is not before to"},
	{"/history/ana?from=2026-11-23T10:00:01Z&to=2026-11-23T11:00:00%2B01:00", "from is not before to"},
	{"/history/ana?from=2026-11-23T10:00:00Z&from=2026-11-23T10:00:00Z", "from is given 2 times"},
	{"/history/ana?after=x", noNext},
	{"/history/ana?after=1795428000000", noNext},
	{"/history/ana?after=x." + anID, noNext},
	{"/history/ana?after=99999999999999999999." + anID, noNext},
	{"/history/ana?after=1&after=2", "after is given 2 times"},
	{"/history/ana?after[$ne]=", `unknown parameter "after[$ne]"; there is after, from, limit, to`},

	{"/last-seen", "no user is asked for: give user=NAME, as often as you like"},
	{"/last-seen?user=", `user "": ` + emptyUser},
	{"/last-seen?user=a&user=a%00", `user "a\x00": ` + hidden},
	{"/last-seen?user=a%ff", `user "a\xff": ` + notUTF8},
	{"/last-seen?user=a&limit=1", `unknown parameter "limit"; there is user`},
	{"/last-seen?" + strings.Repeat("user=a&", presence.MaxUserPage+1), "user is given 1001 times, and at most 1000 may be asked for"},

	{"/timeline?points=1", isPoints},
	{"/timeline?points=1001", isPoints},
	{"/timeline?points=", isPoints},
	{"/timeline?points=1e2", isPoints},
	{"/timeline?points=99999999999999999999", isPoints},
	{"/timeline?points=5&points=5", "points is given 2 times"},
	{"/timeline?from=now", `from "now"` + noTime},
	{"/timeline?to=", `to ""` + noTime},
	{"/timeline?to=10000-01-01T00:00:00Z", `to "10000-01-01T00:00:00Z"` + noTime},
	{"/timeline?from=2026-11-23T10:00:00Z&to=2026-11-23T10:00:00Z", "from is not before to"},
	{"/timeline?from=2026-11-23T10:00:00Z&to=2026-11-23T10:00:00.0009Z", "from is not before to"},
	{"/timeline?from=9999-11-23T10:00:00Z", "from is not before to"},
	{"/timeline?from=2026-11-23T10:00:00Z&last=1h", "last is how long before to: give it or from"},
	{"/timeline?last=", isLast},
	{"/timeline?last=1", isLast},
	{"/timeline?last=-1h", isLast},
	{"/timeline?last=0s", isLast},
	{"/timeline?last=87601h", isLast},
	{"/timeline?last=9999999999h", isLast},
	{"/timeline?last=7d", isLast},
	{"/timeline?last=1h&last=1h", "last is given 2 times"},
	{"/timeline?step=1m", `unknown parameter "step"; there is from, last, points, to`},
	{"/timeline?%zz", unreadable + `invalid URL escape "%zz"`},

	{"/events?after=n1", noNextOrNow},
	{"/events?after=%00", noNextOrNow},
	{"/events?after=,", noNextOrNow},
	{"/events?after=now,now", noNextOrNow},
	{"/events?after=" + anID + "," + anID, noNextOrNow},
	{"/events?after=n2/00000001/0000000000000001," + anID, noNextOrNow},
	{"/events?after=" + x10000, noNextOrNow},
	{"/events?after=a&after=b", "after is given 2 times"},
	{"/events?limit=0", isRange},
	{"/events?limit=1001", isRange},
	{"/events?follow=1", "follow must be true or false"},
	{"/events?follow=TRUE", "follow must be true or false"},
	{"/events?follow=true&follow=true", "follow is given 2 times"},
	{"/events?follow=true&limit=5", "limit is of a page, and follow has no end: give one of them"},
	{"/events?at=2026-11-23T10:00:00Z", `unknown parameter "at"; there is after, follow, limit`},

	{"/nodes?limit=1", `unknown parameter "limit"; there is none`},
	{"/nodes?%zz", unreadable + `invalid URL escape "%zz"`},
	{"/stats?users=1", "users must be true or false"},
	{"/stats?users=true&users=true", "users is given 2 times"},
	{"/stats?user=true", `unknown parameter "user"; there is users`},

	{"/healthz?verbose", `unknown parameter "verbose"; there is none`},
	{"/healthz?%zz", unreadable + `invalid URL escape "%zz"`},
	{"/readyz?node=n1", `unknown parameter "node"; there is none`},
	{"/openapi.yaml?" + x10000, `unknown parameter "` + long + `"; there is none`},
	{"/metrics?name[]=up", `unknown parameter "name[]"; there is none`},
	{"/metrics?a;b", unreadable + "invalid semicolon separator in query"},

	{"/debug/pprof/?debug=1", `unknown parameter "debug"; there is none`},
	{"/debug/pprof/cmdline?0", `unknown parameter "0"; there is none`},
	{"/debug/pprof/profile?seconds=1000000000", isSeconds},
	{"/debug/pprof/profile?seconds=301", isSeconds},
	{"/debug/pprof/profile?seconds=0", isSeconds},
	{"/debug/pprof/profile?seconds=-1", isSeconds},
	{"/debug/pprof/profile?seconds=", isSeconds},
	{"/debug/pprof/profile?seconds=x", isSeconds},
	{"/debug/pprof/profile?seconds=99999999999999999999", isSeconds},
	{"/debug/pprof/profile?seconds=1&seconds=1", "seconds is given 2 times"},
	{"/debug/pprof/profile?second=1", `unknown parameter "second"; there is seconds`},
	{"/debug/pprof/profile?debug=1", `unknown parameter "debug"; there is seconds`},
	{"/debug/pprof/trace?seconds=1e9", isSeconds},
	{"/debug/pprof/trace?seconds=NaN", isSeconds},
	{"/debug/pprof/trace?seconds=0.5", isSeconds},
	{"/debug/pprof/heap?seconds=301", isSeconds},
	{"/debug/pprof/heap?debug=3", "debug must be between 0 and 2"},
	{"/debug/pprof/heap?debug=true", "debug must be between 0 and 2"},
	{"/debug/pprof/heap?gc=2", "gc must be between 0 and 1"},
	{"/debug/pprof/heap?seconds=1&debug=1", "debug is of a profile of now, and seconds of one that takes a while: give one of them"},
	{"/debug/pprof/goroutine?limit=1", `unknown parameter "limit"; there is debug, gc, seconds`},
	{"/debug/pprof/symbol?main.main", noAddress},
	{"/debug/pprof/symbol?0x1+", noAddress},
	{"/debug/pprof/symbol?0x1%00", noAddress},
	{"/debug/pprof/symbol?0x00000000000000001", noAddress},
}

// touched is a store that complains when it is asked for anything.
func touched(t *testing.T, target *string) presence.Store {
	t.Helper()
	return storetest.NewFaulty(storetest.NewMemory().Store(), func(c storetest.Call) storetest.Action {
		if c.Op != storetest.PastHorizon { // the parser of a history's cursor stands behind it
			t.Errorf("%.80s: the store is asked for %s", *target, c.Op)
		}
		return storetest.Action{}
	}).Store()
}

// Hostile input gets its exact error, in the shape of the socket's, and asks nothing of
// the store.
func TestHandler_HostileQueries(t *testing.T) {
	var target string
	h := handler(touched(t, &target))
	for _, tt := range hostileQueries {
		target = tt.target
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request(http.MethodGet, tt.target, ""))
		wantHostile(t, tt, w, http.StatusBadRequest)
	}
}

func wantHostile(t *testing.T, tt hostile, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	var e protocol.Message
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != status || w.Header().Get("Content-Type") != "application/json" ||
		e.Type != protocol.TypeError || e.Code != protocol.BadRequest || e.Retryable || e.Text != tt.says {
		t.Errorf("%.80s: %d %s, want %d %q", tt.target, w.Code, w.Body, status, tt.says)
	}
}

// What looks hostile and is not gets its answer.
func TestHandler_OddQueries(t *testing.T) {
	for target, want := range map[string]string{
		"/online?":                                        `{"users":[],"total":0}`,
		"/online?&&":                                      `{"users":[],"total":0}`,
		"/online?limit=1000&after=":                       `{"users":[],"total":0}`,
		"/online?user=%7B%22$gt%22:%22%22%7D":             `{"users":[],"total":0}`,
		"/online?user=ana&user=ana":                       `{"users":[],"total":0}`,
		"/online/%7B%22$where%22:1%7D?after=":             `{"user":"{\"$where\":1}","connections":[]}`,
		"/online/%2e%2e":                                  `{"user":"..","connections":[]}`,
		"/online/a%2Fb%3Fc":                               `{"user":"a/b?c","connections":[]}`,
		"/online/ana?after=n9/ffffffff/7fffffffffffffff":  `{"user":"ana","connections":[]}`,
		"/history/%2e":                                    `{"user":".","sessions":[]}`,
		"/history/ana?after=9223372036854775807." + anID:  `{"user":"ana","sessions":[]}`,
		"/history/ana?after=-9223372036854775808." + anID: `"connection":"n1/00000001/0000000000000001"`,
		"/history/ana?to=9999-12-31T23:59:59.999Z":        `"connection":"n1/00000001/0000000000000001"`,
		"/online?at=9999-12-31T23:59:59Z":                 `{"at":"9999-12-31T23:59:59Z","users":[],"total":0,"unknown":0}`,
		"/last-seen?user=bob&user=bob":                    `{"users":[{"user":"bob","state":"offline","last":"2026-11-23T10:00:20Z"}]}`,
		"/events?after=n1/00000001/7fffffffffffffff":      `{"events":[],"next":"n1/00000001/7fffffffffffffff"}`,
		"/events?after=n1/ffffffff/0000000000000000":      `{"events":[],"next":"n1/ffffffff/0000000000000000"}`,
	} {
		w := get(t, lost(t), target)
		if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || !strings.Contains(got, want) {
			t.Errorf("%s: %d %s, want %s", target, w.Code, got, want)
		}
	}
}

// Who asks with HEAD for what has no end is answered, and does not hold on to the server.
func TestHandler_Events_HeadDoesNotFollow(t *testing.T) {
	w := httptest.NewRecorder()
	handler(lost(t)).ServeHTTP(w, request(http.MethodHead, "/events?follow=true", ""))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// Paths that no endpoint has, and methods that it has not, are refused in the same shape.
func TestHandler_HostilePaths(t *testing.T) {
	h := admin.Handler(admin.Config{Ready: func() error { return nil }})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(http.MethodGet, "/nothing", ""))
	var there protocol.Message
	if err := json.Unmarshal(w.Body.Bytes(), &there); err != nil || !strings.HasPrefix(there.Text, "there is GET /online, ") {
		t.Fatalf("%s: %v", w.Body, err)
	}
	for _, target := range []string{
		"/", "/Online", "/online/", "/online/ana/", "/online/ana/bob", "/history", "/history/", "/last-seen/ana", "/timeline/", "/kick/ana", "/%6fnline%00", "/..%2fonline",
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request(http.MethodGet, target, ""))
		wantHostile(t, hostile{target, there.Text}, w, http.StatusNotFound)
	}
	for _, target := range []string{"/debug/pprof/nothing", "/debug/pprof/%00", "/debug/pprof/Heap", "/debug/pprof/heap/", "/debug/pprof/" + x10000} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request(http.MethodGet, target, ""))
		wantHostile(t, hostile{target, "there is no such profile; GET /debug/pprof/ lists them"}, w, http.StatusNotFound)
	}
	for path, allowed := range map[string]string{
		"/online": "GET", "/online/ana": "GET", "/history/ana": "GET", "/last-seen": "GET", "/timeline": "GET", "/events": "GET", "/nodes": "GET", "/stats": "GET",
		"/openapi.yaml": "GET", "/healthz": "GET", "/readyz": "GET", "/debug/pprof/": "GET", "/debug/pprof/heap": "GET", "/kick": "POST", "/verify": "POST",
	} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "BREW"} {
			if method == allowed {
				continue
			}
			w := httptest.NewRecorder()
			r := request(http.MethodGet, path, "{}")
			r.Method = method
			h.ServeHTTP(w, r)
			wantHostile(t, hostile{method + " " + path, "this is asked with " + allowed}, w, http.StatusMethodNotAllowed)
			if w.Header().Get("Allow") != allowed {
				t.Errorf("%s %s: Allow %q", method, path, w.Header().Get("Allow"))
			}
		}
	}
}
