package openapi

import (
	"net/http"
	"strings"
)

// at is a time of which the log tells.
const at = "2026-11-23T10:00:35Z"

// requests are those whose answers are held to the description.
func (w world) requests() []check {
	all := []check{
		{w.api, ask{path: "/online"}, 200},
		{w.api, ask{path: "/online", query: "limit=1&after=ana&user=bob&user=zoe"}, 200},
		{w.api, ask{path: "/online", query: "at=" + at}, 200},
		{w.api, ask{path: "/online", query: "limit=1&at=" + at}, 200},
		{w.api, ask{path: "/online", query: "limit=0"}, 400},
		{w.forgotten, ask{path: "/online", query: "at=" + at}, 410},

		{w.api, ask{path: "/online/ana"}, 200},
		{w.api, ask{path: "/online/ana", query: "limit=1"}, 200},
		{w.api, ask{path: "/online/zoe"}, 200},
		{w.api, ask{path: "/online/ana", query: "after=x"}, 400},

		{w.api, ask{path: "/history/ana"}, 200},
		{w.api, ask{path: "/history/ana", query: "limit=1&from=2026-11-23T10:00:00Z&to=2026-11-23T11:00:00Z"}, 200},
		{w.api, ask{path: "/history/ana", query: "from=now"}, 400},
		{w.forgotten, ask{path: "/history/ana"}, 410},

		{w.api, ask{path: "/last-seen", query: "user=ana&user=bob&user=zoe"}, 200},
		{w.api, ask{path: "/last-seen"}, 400},

		{w.api, ask{path: "/timeline"}, 200},
		{w.api, ask{path: "/timeline", query: "points=1000&from=2026-11-23T10:00:00Z&to=2026-11-23T11:00:00Z"}, 200},
		{w.api, ask{path: "/timeline", query: "last=24h&points=2"}, 200},
		{w.api, ask{path: "/timeline", query: "points=1"}, 400},
		{w.forgotten, ask{path: "/timeline"}, 410},

		{w.broken, ask{path: "/online", query: "at=" + at}, 200},
		{w.broken, ask{path: "/history/ana", query: "from=" + at}, 200},
		{w.broken, ask{path: "/last-seen", query: "user=ana"}, 200},
		{w.broken, ask{path: "/timeline", query: "from=2026-11-23T10:00:00Z&to=2026-11-23T11:00:00Z"}, 200},

		{w.api, ask{path: "/events"}, 200},
		{w.api, ask{path: "/events", query: "limit=2&after=n9/00000001/0000000000000001"}, 200},
		{w.api, ask{path: "/events", query: "after=now"}, 200},
		{w.api, ask{path: "/events", query: "follow=true", gone: true}, 200},
		{w.api, ask{path: "/events", query: "follow=maybe"}, 400},

		{w.api, ask{path: "/nodes"}, 200},
		{w.api, ask{path: "/nodes", query: "limit=1"}, 400},
		{w.api, ask{path: "/stats"}, 200},
		{w.api, ask{path: "/stats", query: "users=true"}, 200},
		{w.api, ask{path: "/stats", query: "users=1"}, 400},

		{w.api, ask{path: "/healthz"}, 200},
		{w.api, ask{path: "/readyz"}, 200},
		{w.unready, ask{path: "/readyz"}, 503},
		{w.api, ask{path: "/metrics"}, 200},
		{w.api, ask{path: "/openapi.yaml"}, 200},
		{w.api, ask{path: "/debug/pprof/goroutine", query: "debug=1"}, 200},
		{w.api, ask{path: "/debug/pprof/heap"}, 200},
		{w.api, ask{path: "/debug/pprof/heap", query: "gc=1"}, 200},
		{w.api, ask{path: "/debug/pprof/profile", query: "seconds=300", gone: true}, 200},
		{w.api, ask{path: "/debug/pprof/cmdline"}, 200},
		{w.api, ask{path: "/debug/pprof/profile", query: "seconds=301"}, 400},
		{w.api, ask{path: "/debug/pprof/nothing"}, 404},
		{w.profiled, ask{path: "/debug/pprof/profile"}, 409},
		{w.locked, ask{path: "/online", token: token}, 200},
	}
	return append(append(all, w.posts()...), w.everywhere()...)
}

// posts are the requests that do something.
func (w world) posts() []check {
	const post = http.MethodPost
	return []check{
		{w.api, ask{method: post, path: "/kick", body: `{"user":"zoe"}`}, 200},
		{w.api, ask{method: post, path: "/kick", body: `{"user":"ana","reason":"bye","wait":"1m"}`}, 200},
		{w.api, ask{method: post, path: "/kick", body: `{"connection":"n1/00000001/0000000000000003"}`}, 200},
		{w.api, ask{method: post, path: "/kick", body: `{"user":"bob","wait":"0s"}`}, 200}, // the ghost is pending
		{w.api, ask{method: post, path: "/kick", body: `{}`}, 400},
		{w.api, ask{method: post, path: "/kick", body: `{"user":"` + strings.Repeat("x", 5000) + `"}`}, 413},
		{w.api, ask{method: post, path: "/kick", body: `{"user":"ana"}`, kind: "text/plain"}, 415},

		{w.api, ask{method: post, path: "/verify", body: `{}`}, 200},
		{w.away, ask{method: post, path: "/verify", body: `{}`}, 200}, // its last line is an error
		{w.api, ask{method: post, path: "/verify", body: `{"repair":true}`}, 400},
		{w.busy, ask{method: post, path: "/verify", body: `{}`}, 409},
		{w.api, ask{method: post, path: "/verify", body: strings.Repeat(" ", 5000)}, 413},
		{w.api, ask{method: post, path: "/verify", body: `{}`, kind: "text/plain"}, 415},
	}
}

// everywhere are the failures that all endpoints have in common.
func (w world) everywhere() (all []check) {
	const post = http.MethodPost
	asks := []ask{
		{path: "/online"}, {path: "/online/ana"}, {path: "/history/ana"}, {path: "/last-seen", query: "user=ana"}, {path: "/timeline"}, {path: "/events"},
		{path: "/nodes"}, {path: "/stats"}, {method: post, path: "/kick", body: `{"user":"ana"}`},
		{method: post, path: "/verify", body: `{}`}, {path: "/metrics"}, {path: "/openapi.yaml"}, {path: "/debug/pprof/heap"},
	}
	for i, a := range asks {
		elsewhere, wrong, other := a, a, a
		other.instead = http.MethodPut
		elsewhere.host = "evil.example"
		wrong.token = token + "x"
		all = append(all, check{w.api, other, 405}, check{w.api, elsewhere, 403}, check{w.locked, a, 401}, check{w.locked, wrong, 401})
		if i < 9 { // those that ask the store, and say with the status that it fails
			all = append(all, check{w.away, a, 503}, check{w.refusing, a, 500})
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/openapi.yaml"} {
		all = append(all, check{w.api, ask{path: path, query: "verbose=1"}, 400})
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		all = append(all, check{w.api, ask{path: path, instead: post}, 405})
	}
	return all
}
