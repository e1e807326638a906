package admin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/admin"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
	"github.com/presenced/presence/services/protocol"
)

var n1 = events.Stream{Node: "n1", Epoch: 1}

// at is a time of the log of these tests, so many seconds after ten o'clock.
func at(seconds int) time.Time {
	return time.Date(2026, 11, 23, 10, 0, seconds, 0, time.UTC)
}

// lost is a store whose one node died at 10:00:30, which was found out at 10:00:42: bob
// had left at 10:00:20, ana was there.
func lost(t *testing.T) presence.Store {
	t.Helper()
	store := storetest.NewMemory().Store()
	_, err := store.Log.Append(t.Context(), []events.Event{
		{ID: n1.At(0), At: at(0), Type: events.Opened, Process: "x"},
		{ID: n1.At(1), At: at(1), Type: events.Connected, User: "ana", Remote: "203.0.113.0", Agent: "test/1"},
		{ID: n1.At(2), At: at(2), Type: events.Connected, User: "bob"},
		{ID: n1.At(3), At: at(20), Type: events.Disconnected, User: "bob", Conn: n1.At(2), Reason: events.Client},
		{ID: n1.At(4), At: at(42), Type: events.Sealed, By: "n2", Reason: events.NodeLost, LastSeen: at(30)},
		{ID: n1.At(5), At: at(42), Type: events.Disconnected, User: "ana", Conn: n1.At(1), Reason: events.NodeLost, LastSeen: at(30)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func handler(store presence.Store) http.Handler {
	return admin.Handler(admin.Config{
		Users: store.Online, History: presence.NewHistory(store), Store: store, Ready: func() error { return nil },
		Metrics: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
	})
}

func get(t *testing.T, store presence.Store, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	handler(store).ServeHTTP(w, request(http.MethodGet, target, ""))
	return w
}

// What is asked about the past is answered with the interval that is known, in UTC.
func TestHandler_History(t *testing.T) {
	const (
		ana = `{"connection":"n1/00000001/0000000000000001","since":"2026-11-23T10:00:01Z","until":"2026-11-23T10:00:42Z","lastSeen":"2026-11-23T10:00:30Z","reason":"node_lost","state":"offline","remote":"203.0.113.0","agent":"test/1"}`
		bob = `{"connection":"n1/00000001/0000000000000002","since":"2026-11-23T10:00:02Z","until":"2026-11-23T10:00:20Z","reason":"client","state":"offline"}`
	)
	for target, want := range map[string]string{
		"/online?at=2026-11-23T10:00:10Z": `{"at":"2026-11-23T10:00:10Z","users":[{"user":"ana","since":"2026-11-23T10:00:01Z","connections":1,"state":"online"},` +
			`{"user":"bob","since":"2026-11-23T10:00:02Z","connections":1,"state":"online"}],"total":2,"unknown":0}`,
		"/online?at=2026-11-23T11:00:10%2B01:00&limit=1":                 `{"at":"2026-11-23T10:00:10Z","users":[{"user":"ana","since":"2026-11-23T10:00:01Z","connections":1,"state":"online"}],"next":"ana","total":2,"unknown":0}`,
		"/online?at=2026-11-23T10:00:35Z&user=ana":                       `{"at":"2026-11-23T10:00:35Z","users":[{"user":"ana","since":"2026-11-23T10:00:01Z","connections":1,"state":"unknown"}],"total":0,"unknown":1}`,
		"/online?at=2026-11-23T10:00:42Z":                                `{"at":"2026-11-23T10:00:42Z","users":[],"total":0,"unknown":0}`,
		"/history/ana":                                                   `{"user":"ana","sessions":[` + ana + `]}`,
		"/history/bob?from=2026-11-23T10:00:10Z&to=2026-11-23T10:00:11Z": `{"user":"bob","from":"2026-11-23T10:00:10Z","sessions":[` + bob + `]}`,
		"/history/bob?from=2026-11-23T10:00:20Z":                         `{"user":"bob","from":"2026-11-23T10:00:20Z","sessions":[]}`,
		"/last-seen?user=bob&user=zoe&user=ana": `{"users":[{"user":"bob","state":"offline","last":"2026-11-23T10:00:20Z"},` +
			`{"user":"ana","state":"offline","last":"2026-11-23T10:00:30Z","declared":"2026-11-23T10:00:42Z"}]}`,
		"/events?after=n1/00000001/0000000000000003&limit=1": `{"events":[{"_id":"n1/00000001/0000000000000004","type":"sealed","at":"2026-11-23T10:00:42Z","by":"n2","reason":"node_lost","lastSeen":"2026-11-23T10:00:30Z","v":1}],"next":"n1/00000001/0000000000000004"}`,
		"/timeline?from=2026-11-23T10:00:00Z&to=2026-11-23T10:01:00Z&points=3": `{"from":"2026-11-23T10:00:00Z","to":"2026-11-23T10:01:00Z","points":[` +
			`{"at":"2026-11-23T10:00:00Z","connections":{"online":0,"unknown":0,"least":0,"most":2},"users":{"online":0,"unknown":0,"least":0,"most":2}},` +
			`{"at":"2026-11-23T10:00:30Z","connections":{"online":1,"unknown":0,"least":0,"most":1},"users":{"online":1,"unknown":0,"least":0,"most":1}},` +
			`{"at":"2026-11-23T10:01:00Z","connections":{"online":0,"unknown":0,"least":0,"most":0},"users":{"online":0,"unknown":0,"least":0,"most":0}}],` +
			`"marks":[{"at":"2026-11-23T10:00:00Z","kind":"started","node":"n1","epoch":1},` +
			`{"at":"2026-11-23T10:00:42Z","kind":"lost","node":"n1","epoch":1,"lastSeen":"2026-11-23T10:00:30Z","connections":1}]}`,
		"/events?after=now": `{"events":[],"next":"n1/00000001/0000000000000005"}`,
		"/nodes":            `{"nodes":[]}`,
	} {
		w := get(t, lost(t), target)
		if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != want {
			t.Errorf("%s: %d\n%s\nwant\n%s", target, w.Code, got, want)
		}
	}
}

// A stream that makes no sense keeps no answer from being given, and is named in it.
func TestHandler_History_Broken(t *testing.T) {
	store, n2 := lost(t), events.Stream{Node: "n2", Epoch: 7}
	if _, err := store.Log.Append(t.Context(), []events.Event{
		{ID: n2.At(0), At: at(0), Type: events.Opened, Process: "x"},
		{ID: n2.At(1), At: at(1), Type: events.Connected, User: "cleo"},
		{ID: n2.At(2), At: at(2), Type: events.Disconnected, User: "cleo", Conn: n2.At(1), Reason: events.Client},
		{ID: n2.At(3), At: at(2), Type: events.Disconnected, User: "cleo", Conn: n2.At(1), Reason: events.Client},
	}); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{
		"/online?at=2026-11-23T10:00:10Z", "/history/ana?from=2026-11-23T10:00:10Z", "/last-seen?user=ana",
		"/timeline?from=2026-11-23T10:00:10Z&to=2026-11-23T10:00:20Z",
	} {
		w := get(t, store, target)
		if got := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(got, `"broken":["n2/00000007"]`) || !strings.Contains(got, `2026-11-23T10:00:`) {
			t.Errorf("%s: %d %s", target, w.Code, got)
		}
	}
	if w := get(t, store, "/online?at=2026-11-23T09:00:00Z"); strings.Contains(w.Body.String(), "broken") {
		t.Errorf("before the stream began: %s", w.Body)
	}
}

// A page's next is the after of the following one, until nothing is left.
func TestHandler_Events_Pages(t *testing.T) {
	store, after, n := lost(t), "", 0
	for range 10 {
		var page struct {
			Events []events.Event
			Next   string
		}
		w := get(t, store, "/events?limit=4&after="+after)
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
			t.Fatalf("%s: %v", w.Body, err)
		}
		for _, e := range page.Events {
			if e.ID != n1.At(uint64(n)) {
				t.Errorf("%s is event %d", e.ID, n)
			}
			n++
		}
		after = page.Next
	}
	if n != 6 {
		t.Errorf("%d events, want 6", n)
	}
}

func TestHandler_History_BadInput(t *testing.T) {
	for target, says := range map[string]string{
		"/online?at=yesterday":                 "at \\\"yesterday\\\" is no time",
		"/online?at=2026-11-23T10:00:00":       "no time",
		"/online?at=2026-11-23T10:00:00+01:00": "%2B",
		"/online?at=1969-12-31T23:59:59Z":      "no time",
		"/online?at=":                          "no time",
		"/online?when=2026-11-23T10:00:00Z":    "unknown parameter",
		"/history/ana?limit=1001":              "between 1 and 1000",
		"/history/ana?user=bob":                "unknown parameter",
		"/history/%00":                         "control",
		"/history/ana?after=nonsense":          "the next of the page before",
		"/history/ana?from=2026-11-23T10:00:00Z&to=2026-11-23T10:00:00Z": "from is not before to",
		"/last-seen":                  "no user",
		"/last-seen?user=":            "empty",
		"/last-seen?user=a&limit=1":   "unknown parameter",
		"/events?after=n1":            "the next of the page before, or now",
		"/events?after=a&after=b":     "given 2 times",
		"/events?limit=0":             "between 1 and 1000",
		"/events?follow=yes":          "true or false",
		"/events?follow=true&limit=5": "give one of them",
		"/nodes?limit=1":              "unknown parameter",
	} {
		w := get(t, lost(t), target)
		var e protocol.Message
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != http.StatusBadRequest ||
			e.Code != protocol.BadRequest || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s: %d %s, want %q", target, w.Code, w.Body, says)
		}
	}
}

// broken is a past that cannot be told.
type broken struct {
	admin.History
	err error
}

func (b broken) OnlineAt(context.Context, time.Time, presence.UserQuery) (presence.AtPage, error) {
	return presence.AtPage{}, b.err
}

func (b broken) Timeline(context.Context, presence.TimelineQuery) (presence.Timeline, error) {
	return presence.Timeline{}, b.err
}

func TestHandler_History_Fails(t *testing.T) {
	for err, want := range map[error]int{
		presence.ErrForgotten: http.StatusGone,
		events.ErrInvalid:     http.StatusBadRequest,
		events.ErrUnavailable: http.StatusServiceUnavailable,
		errors.New("odd"):     http.StatusInternalServerError,
	} {
		for _, target := range []string{"/online?at=2026-11-23T10:00:00Z", "/timeline"} {
			w := httptest.NewRecorder()
			h := admin.Handler(admin.Config{History: broken{err: err}})
			h.ServeHTTP(w, request(http.MethodGet, target, ""))
			if w.Code != want {
				t.Errorf("%s, %v: %d %s, want %d", target, err, w.Code, w.Body, want)
			}
		}
	}
}

// slow is a past that takes for ever to tell.
type slow struct{ admin.History }

func (slow) Timeline(ctx context.Context, _ presence.TimelineQuery) (presence.Timeline, error) {
	<-ctx.Done()
	return presence.Timeline{}, fmt.Errorf("%w: read: %w", events.ErrUnavailable, ctx.Err())
}

// What takes too long is answered with what to do.
func TestHandler_Timeline_TooMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := httptest.NewRecorder()
		h := admin.Handler(admin.Config{History: slow{}})
		h.ServeHTTP(w, request(http.MethodGet, "/timeline?last=8760h", ""))
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "so much of the log could not be read within 30s: ask for less time") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// An hour before now, or before another time, unless it is said.
func TestHandler_Timeline_Defaults(t *testing.T) {
	for query, want := range map[string]struct {
		span   time.Duration
		points int
	}{
		"": {time.Hour, 61}, "?last=24h&points=1000": {24 * time.Hour, 1000}, "?last=1s": {time.Second, 61},
		"?to=2026-11-23T11:00:00Z": {time.Hour, 61}, "?last=87600h": {87600 * time.Hour, 61},
		"?from=2026-11-23T10:00:00Z&to=2026-11-23T10:00:00.003Z": {3 * time.Millisecond, 4},
	} {
		w := get(t, lost(t), "/timeline"+query)
		var line struct {
			From, To time.Time
			Points   []struct{ At time.Time }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &line); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", query, w.Code, w.Body)
		}
		if n := len(line.Points); n != want.points || line.To.Sub(line.From) != want.span || line.Points[0].At != line.From || line.Points[n-1].At != line.To {
			t.Errorf("%s: %v to %v, %d points", query, line.From, line.To, n)
		}
	}
}

// Who follows from where retention has deleted is told so, and not only cut off, again and
// again.
func TestHandler_Events_FollowForgotten(t *testing.T) {
	store := lost(t)
	if err := store.Retention.DeleteEvents(t.Context(), n1.At(4)); err != nil {
		t.Fatal(err)
	}
	w := get(t, store, "/events?follow=true&after=n1/00000001/0000000000000002")
	if w.Code != http.StatusGone || !strings.Contains(w.Body.String(),
		"before what is kept of the log: the log has n1/00000001/0000000000000004, and not n1/00000001/0000000000000003, which comes before it") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// A follower gets what is there, the cursor, and then what is appended, as it comes.
func TestHandler_Events_Follow(t *testing.T) {
	store := lost(t)
	server := httptest.NewServer(handler(store))
	defer server.Close()
	response, err := server.Client().Get(server.URL + "/events?follow=true&after=n1/00000001/0000000000000004")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	next := func() string {
		if !lines.Scan() {
			t.Fatalf("the stream ended: %v", lines.Err())
		}
		return lines.Text()
	}
	for _, want := range []string{
		`{"cursor":"n1/00000001/0000000000000004"}`, `"_id":"n1/00000001/0000000000000005"`, `{"cursor":"n1/00000001/0000000000000005"}`,
	} {
		if got := next(); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	n2 := events.Stream{Node: "n2", Epoch: 1}
	if err := store.Nodes.Join(t.Context(), presence.Node{Stream: n2, Beat: 1, BeatAt: at(50), StartedAt: at(50)}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Log.Append(t.Context(), []events.Event{{ID: n2.At(0), At: at(50), Type: events.Opened, Process: "y"}}); err != nil {
		t.Fatal(err)
	}
	if got := next(); !strings.Contains(got, `"_id":"n2/00000001/0000000000000000"`) {
		t.Errorf("got %s", got)
	}
}
