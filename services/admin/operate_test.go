package admin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/admin"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// some is a store in which ana is online with three connections and bob with one.
func some(t *testing.T) presence.Store {
	t.Helper()
	store := storetest.NewMemory().Store()
	n2 := events.Stream{Node: "n2", Epoch: 1}
	for _, c := range []presence.Connection{
		{ID: n1.At(1), User: "ana", Since: at(1), Remote: "203.0.113.0", Agent: "test/1"}, {ID: n1.At(2), User: "bob", Since: at(2)},
		{ID: n2.At(1), User: "ana", Since: at(3)}, {ID: n2.At(7), User: "ana", Since: at(4)},
	} {
		if err := store.Online.Apply(t.Context(), []presence.Connection{c}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range []events.Stream{n1, n2} {
		if err := store.Nodes.Join(t.Context(), presence.Node{Stream: s, Beat: 1, StartedAt: at(i), Version: "v1"}); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

func TestHandler_OnlineUser(t *testing.T) {
	for target, want := range map[string]string{
		"/online/ana": `{"user":"ana","connections":[` +
			`{"id":"n1/00000001/0000000000000001","node":"n1","since":"2026-11-23T10:00:01Z","remote":"203.0.113.0","agent":"test/1"},` +
			`{"id":"n2/00000001/0000000000000001","node":"n2","since":"2026-11-23T10:00:03Z"},` +
			`{"id":"n2/00000001/0000000000000007","node":"n2","since":"2026-11-23T10:00:04Z"}]}`,
		"/online/ana?limit=1&after=n1/00000001/0000000000000001": `{"user":"ana","connections":[` +
			`{"id":"n2/00000001/0000000000000001","node":"n2","since":"2026-11-23T10:00:03Z"}],"next":"n2/00000001/0000000000000001"}`,
		"/online/ana?limit=1&after=n2/00000001/0000000000000001": `{"user":"ana","connections":[` +
			`{"id":"n2/00000001/0000000000000007","node":"n2","since":"2026-11-23T10:00:04Z"}]}`,
		"/online/zoe":                    `{"user":"zoe","connections":[]}`,
		"/online/%7B%22$gt%22:%22%22%7D": `{"user":"{\"$gt\":\"\"}","connections":[]}`,
		"/online/a%2Fb":                  `{"user":"a/b","connections":[]}`,
	} {
		w := get(t, some(t), target)
		if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != want {
			t.Errorf("%s: %d\n%s\nwant\n%s", target, w.Code, got, want)
		}
	}
	for target, says := range map[string]string{
		"/online/%00": "control", "/online/%ff": "UTF-8", "/online/" + strings.Repeat("x", 129): "129 bytes", "/online/%20ana": "white space",
		"/online/ana?limit=0": "between 1 and 1000", "/online/ana?limit=1001": "between 1 and 1000", "/online/ana?after=n1": "the next of the page before",
		"/online/ana?after=a&after=b": "given 2 times", "/online/ana?user=bob": "unknown parameter", "/online/ana?after[$gt]=": "unknown parameter",
	} {
		w := get(t, some(t), target)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s: %d %s, want %q", target, w.Code, w.Body, says)
		}
	}
}

func TestHandler_Stats(t *testing.T) {
	store := some(t)
	h := admin.Handler(admin.Config{Users: store.Online, Store: store, Stats: func() admin.NodeStats {
		return admin.NodeStats{Node: "n1", Epoch: 1, Version: "v1", Go: "go1", StartedAt: at(0), Uptime: 9, Ready: true, Connections: 2, Users: 2}
	}})
	for target, want := range map[string]string{
		"/stats":             `"cluster":{"nodes":2,"connections":4,"versions":{"v1":2}}}`,
		"/stats?users=false": `"cluster":{"nodes":2,"connections":4,"versions":{"v1":2}}}`,
		"/stats?users=true":  `"cluster":{"nodes":2,"connections":4,"users":2,"versions":{"v1":2}}}`,
		"/stats?users=yes":   `must be true or false`,
		"/stats?limit=1":     `unknown parameter`,
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request(http.MethodGet, target, ""))
		if got := w.Body.String(); !strings.Contains(got, want) || (w.Code == 200) != strings.HasPrefix(got, `{"node":{"node":"n1","epoch":1,`) {
			t.Errorf("%s: %d %s, want %s", target, w.Code, got, want)
		}
	}
}

// verifier is a handler whose report is made by make.
func verifier(verify admin.Verify) http.Handler { return admin.Handler(admin.Config{Verify: verify}) }

func TestHandler_Verify(t *testing.T) {
	ghost := presence.Problem{Kind: presence.Ghost, Stream: n1, ID: n1.At(3), Detail: "it is closed"}
	lost := presence.Problem{Kind: presence.NotSealed, Stream: n1, Detail: "n1 has a later one"}
	for name, tt := range map[string]struct {
		report presence.Report
		err    error
		want   string
	}{
		"holds": {presence.Report{Streams: 2, Events: 9, Open: 1}, nil, `{"report":{"holds":true,"streams":2,"events":9,"open":1,"problems":0}}`},
		"does not": {presence.Report{Streams: 2, Events: 9, Open: 1, Problems: []presence.Problem{ghost, lost}}, nil,
			`{"problem":{"kind":"ghost","stream":"n1/00000001","id":"n1/00000001/0000000000000003","detail":"it is closed"}}
{"problem":{"kind":"not_sealed","stream":"n1/00000001","detail":"n1 has a later one"}}
{"report":{"holds":false,"streams":2,"events":9,"open":1,"problems":2}}`},
		"fails": {presence.Report{}, errors.New("db1: odd"),
			`{"error":{"type":"error","code":"internal","message":"the store could not be read; the server's log says why","retryable":true}}`},
	} {
		w := httptest.NewRecorder()
		verifier(func(context.Context) (presence.Report, error) { return tt.report, tt.err }).
			ServeHTTP(w, request(http.MethodPost, "/verify", "{}"))
		running, rest, _ := strings.Cut(w.Body.String(), "\n")
		if w.Code != 200 || !strings.HasPrefix(running, `{"runningSeconds":0`) || strings.TrimSpace(rest) != tt.want {
			t.Errorf("%s: %d %s\nwant %s", name, w.Code, w.Body, tt.want)
		}
	}
}

// Who has to wait long is told so; a second one is refused; who goes away ends it.
func TestHandler_Verify_OneAtATime(t *testing.T) {
	began, ended := make(chan struct{}), make(chan struct{})
	h := verifier(func(ctx context.Context) (presence.Report, error) {
		close(began)
		<-ctx.Done()
		close(ended)
		return presence.Report{}, context.Cause(ctx)
	})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan struct{})
	go func() {
		defer close(first)
		h.ServeHTTP(httptest.NewRecorder(), request(http.MethodPost, "/verify", "{}").WithContext(ctx))
	}()
	<-began
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(http.MethodPost, "/verify", "{}"))
	if w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), `"code":"busy"`) || !strings.Contains(w.Body.String(), "verified already") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	cancel()
	<-ended
	<-first
}

func TestHandler_Verify_HostileInput(t *testing.T) {
	for body, want := range map[string]struct {
		status int
		says   string
	}{
		"":                         {415, "send JSON, with Content-Type: application/json"},
		`{"repair":"true"}`:        {400, `unknown field \"repair\"; the object is to be empty`},
		`[]`:                       {400, "the body is not a JSON object"},
		"\xff":                     {400, "the body is not valid UTF-8"},
		strings.Repeat("{", 1000):  {400, "the body is not a JSON object"},
		strings.Repeat(" ", 1<<20): {413, "the body has more than 4096 bytes"},
		`{"$where":{"$gt":""}}`:    {400, `unknown field \"$where\"; the object is to be empty`},
		`{} {}`:                    {400, "something follows the JSON object in the body"},
	} {
		w := httptest.NewRecorder()
		verifier(func(context.Context) (presence.Report, error) {
			t.Errorf("%.40s: the log is verified", body)
			return presence.Report{}, nil
		}).ServeHTTP(w, request(http.MethodPost, "/verify", body))
		if w.Code != want.status || !strings.Contains(w.Body.String(), want.says) {
			t.Errorf("%.40s: %d %s, want %q", body, w.Code, w.Body, want.says)
		}
	}
}

// A profile is what `go tool pprof` asks for. Who goes away ends what takes a while.
func TestHandler_Pprof(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for target, ctx := range map[string]context.Context{
		"/debug/pprof/": t.Context(), "/debug/pprof/heap": t.Context(), "/debug/pprof/goroutine?debug=1": t.Context(),
		"/debug/pprof/heap?gc=1": t.Context(), "/debug/pprof/heap?seconds=1&debug=0": t.Context(),
		"/debug/pprof/symbol": t.Context(), "/debug/pprof/symbol?0x45f2a0+0x1": t.Context(),
		"/debug/pprof/profile": gone, "/debug/pprof/profile?seconds=300": gone, "/debug/pprof/trace": gone, "/debug/pprof/trace?seconds=300": gone,
	} {
		w := httptest.NewRecorder()
		admin.Handler(admin.Config{}).ServeHTTP(w, request(http.MethodGet, target, "").WithContext(ctx))
		if w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

// The flags of the program may be secrets: who may ask for a profile is not told them.
func TestHandler_Pprof_CommandLine(t *testing.T) {
	w := httptest.NewRecorder()
	admin.Handler(admin.Config{}).ServeHTTP(w, request(http.MethodGet, "/debug/pprof/cmdline", ""))
	if w.Code != http.StatusOK || w.Body.String() != "presenced" {
		t.Errorf("%d %q, want the name of the program alone", w.Code, w.Body)
	}
}

// Who asks for what the runtime gives to one at a time is told that it is taken.
func TestHandler_Pprof_OneAtATime(t *testing.T) {
	if err := pprof.StartCPUProfile(io.Discard); err == nil { // else the whole test is being profiled
		defer pprof.StopCPUProfile()
	}
	w := httptest.NewRecorder()
	admin.Handler(admin.Config{}).ServeHTTP(w, request(http.MethodGet, "/debug/pprof/profile", ""))
	const want = `{"type":"error","code":"busy","message":"such a profile is being taken already; try again when that is done","retryable":true}`
	if w.Code != http.StatusConflict || w.Body.String() != want || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}
