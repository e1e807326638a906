package openapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/admin"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// ask is a request to be made.
type ask struct {
	method, path, query, body string // method: default GET
	host, token, kind         string // kind: of the body; default application/json
	instead                   string // another method that it is sent with
	gone                      bool   // who asks has gone: an answer without end ends
}

func (a ask) String() string { return a.method + " " + a.path + "?" + a.query + " " + a.body }

// request is the request as it is sent.
func (a ask) request() *http.Request {
	r := a.described()
	if a.host != "" {
		r.Host = a.host
	}
	if a.gone {
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		r = r.WithContext(ctx)
	}
	if a.instead != "" {
		r.Method = a.instead
	}
	return r
}

// described is the request as the description has it: to the server that it names.
func (a ask) described() *http.Request {
	if a.method == "" {
		a.method = http.MethodGet
	}
	target := "http://127.0.0.1:8081" + a.path
	if a.query != "" {
		target += "?" + a.query
	}
	var body *strings.Reader
	if body = strings.NewReader(a.body); a.kind == "" {
		a.kind = "application/json"
	}
	r := httptest.NewRequest(a.method, target, body)
	if a.body != "" {
		r.Header.Set("Content-Type", a.kind)
	}
	if a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	return r
}

// check is a request to one of the handlers, and the status that it gets.
type check struct {
	of     http.Handler
	ask    ask
	status int
}

const token = "0123456789abcdef"

// world is the API over a store in which something has happened, and the same over stores
// that fail.
type world struct {
	api, away, refusing, forgotten, unready, locked http.Handler
	busy                                            http.Handler // while a verification runs
	profiled                                        http.Handler // while a profile of the CPU is taken
	broken                                          http.Handler // over a log of which a part makes no sense
}

// client is a connection of a member, which goes when it is told to.
type client struct {
	presence.Conn
	member   *presence.Member
	recorded chan struct{}
}

func (c *client) Recorded(events.Position) { close(c.recorded) }
func (c *client) Kicked(string)            { c.member.Disconnect(&c.Conn, events.Kicked) }

func newWorld(t *testing.T) world {
	t.Helper()
	store := storetest.NewMemory().Store()
	past(t, store)
	m, err := presence.New(store, presence.Config{Node: "n1", Addr: "localhost:8080", Version: "v1"})
	if err == nil {
		err = m.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Shutdown(context.Background()) })
	for _, user := range []string{"ana", "ana", "bob", `{"$gt":""}`} {
		if err := m.Admit(); err != nil {
			t.Fatal(err)
		}
		c := &client{member: m, recorded: make(chan struct{})}
		c.Init(c, user, "203.0.113.0", "test/1")
		m.Connect(&c.Conn)
		<-c.recorded
	}
	ready := func() error { return nil }
	config := admin.Config{
		Users: store.Online, History: presence.NewHistory(store), Store: store, Kicker: m, Ready: ready,
		Verify: func(ctx context.Context) (presence.Report, error) { return presence.Verify(ctx, store) },
		Stats: func() admin.NodeStats {
			return admin.NodeStats{Node: "n1", Epoch: 1, Version: "v1", Go: "go1.26", StartedAt: time.Now().UTC(), Ready: true}
		},
	}
	if config.Metrics, err = admin.Metrics(nil); err != nil {
		t.Fatal(err)
	}
	w := world{api: admin.Handler(config), broken: admin.Handler(broken(t, config))}
	w.away = admin.Handler(failing(t, config, store, storetest.Before))
	w.refusing = admin.Handler(failing(t, config, store, storetest.Refused))
	unready := config
	unready.Ready = func() error { return errors.New("this node is leaving") }
	w.unready = admin.Handler(unready)
	forgotten := config
	forgotten.History = nothing{}
	w.forgotten = admin.Handler(forgotten)
	config.Token = token
	w.locked = admin.Handler(config)
	w.busy = verifying(t, config)
	w.profiled = profiling(w.api)
	return w
}

// past puts a stream of a lost node into the log.
func past(t *testing.T, store presence.Store) {
	t.Helper()
	n9 := events.Stream{Node: "n9", Epoch: 1}
	at := func(second int) time.Time { return time.Date(2026, 11, 23, 10, 0, second, 0, time.UTC) }
	if _, err := store.Log.Append(t.Context(), []events.Event{
		{ID: n9.At(0), At: at(0), Type: events.Opened, Process: "x"},
		{ID: n9.At(1), At: at(1), Type: events.Connected, User: "ana", Remote: "203.0.113.0", Agent: "test/1"},
		{ID: n9.At(2), At: at(2), Type: events.Connected, User: "bob"},
		{ID: n9.At(3), At: at(20), Type: events.Disconnected, User: "bob", Conn: n9.At(2), Reason: events.Client},
		{ID: n9.At(4), At: at(42), Type: events.Sealed, By: "n1", Reason: events.NodeLost, LastSeen: at(30)},
		{ID: n9.At(5), At: at(42), Type: events.Disconnected, User: "ana", Conn: n9.At(1), Reason: events.NodeLost, LastSeen: at(30)},
	}); err != nil {
		t.Fatal(err)
	}
	// A ghost, so that a verification has a problem to tell of.
	ghost := presence.Connection{ID: n9.At(2), User: "bob", Since: at(2)}
	if err := store.Online.Apply(t.Context(), []presence.Connection{ghost}, nil); err != nil {
		t.Fatal(err)
	}
}

// failing is the API over a store all of whose operations fail.
func failing(t *testing.T, config admin.Config, inner presence.Store, fault storetest.Fault) admin.Config {
	t.Helper()
	store := storetest.NewFaulty(inner, func(storetest.Call) storetest.Action { return storetest.Action{Fault: fault} }).Store()
	m, err := presence.New(store, presence.Config{Node: "n2"})
	if err != nil {
		t.Fatal(err)
	}
	config.Users, config.History, config.Store, config.Kicker = store.Online, presence.NewHistory(store), store, m
	config.Verify = func(ctx context.Context) (presence.Report, error) { return presence.Verify(ctx, store) }
	return config
}

// nothing is a history of which nothing is kept.
type nothing struct{ admin.History }

func (nothing) OnlineAt(context.Context, time.Time, presence.UserQuery) (presence.AtPage, error) {
	return presence.AtPage{}, presence.ErrForgotten
}

func (nothing) Sessions(context.Context, presence.SessionQuery) (presence.SessionPage, error) {
	return presence.SessionPage{}, presence.ErrForgotten
}

func (nothing) Timeline(context.Context, presence.TimelineQuery) (presence.Timeline, error) {
	return presence.Timeline{}, presence.ErrForgotten
}

// profiling is the API while somebody takes a profile of the CPU.
func profiling(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if pprof.StartCPUProfile(io.Discard) == nil { // else all of the test is being profiled
			defer pprof.StopCPUProfile()
		}
		api.ServeHTTP(w, r)
	})
}

// verifying is the API while somebody verifies the log.
func verifying(t *testing.T, config admin.Config) http.Handler {
	t.Helper()
	began, done := make(chan struct{}), make(chan struct{})
	config.Token = ""
	config.Verify = func(ctx context.Context) (presence.Report, error) {
		close(began)
		<-ctx.Done()
		return presence.Report{}, context.Cause(ctx)
	}
	h := admin.Handler(config)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(done)
		a := ask{method: http.MethodPost, path: "/verify", body: "{}"}
		h.ServeHTTP(httptest.NewRecorder(), a.request().WithContext(ctx))
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	<-began
	return h
}

// broken is config over a log with a connection that ends twice.
func broken(t *testing.T, config admin.Config) admin.Config {
	t.Helper()
	store, s := storetest.NewMemory().Store(), events.Stream{Node: "n7", Epoch: 1}
	ten := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	run := []events.Event{{ID: s.At(0), At: ten, Type: events.Opened, Process: "x"}, {ID: s.At(1), At: ten, Type: events.Connected, User: "ana"}}
	for seq := range uint64(2) {
		run = append(run, events.Event{ID: s.At(2 + seq), At: ten, Type: events.Disconnected, User: "ana", Conn: s.At(1), Reason: events.Client})
	}
	if _, err := store.Log.Append(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	config.History = presence.NewHistory(store)
	return config
}
