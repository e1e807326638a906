package past_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/clientctl/api"
	"github.com/presenced/presence/clientctl/past"
	"github.com/presenced/presence/clientctl/table"
	"github.com/presenced/presence/events"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// now is noon in a zone an hour ahead of UTC.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("CET", 3600))

func TestParseTime(t *testing.T) {
	for text, want := range map[string]string{
		"10:00":                     "2026-11-23T10:00:00+01:00",
		"23:59:58":                  "2026-11-23T23:59:58+01:00",
		"2026-01-02":                "2026-01-02T00:00:00+01:00",
		"2026-01-02 15:04":          "2026-01-02T15:04:00+01:00",
		"2026-01-02 15:04:05":       "2026-01-02T15:04:05+01:00",
		"2026-11-23T10:00:00Z":      "2026-11-23T10:00:00Z",
		"2026-11-23T10:00:00-05:00": "2026-11-23T10:00:00-05:00",
		"-2h":                       "2026-11-23T10:00:00+01:00",
		"-90m":                      "2026-11-23T10:30:00+01:00",
		"-3d":                       "2026-11-20T12:00:00+01:00",
		"":                          "", "2h": "", "--2h": "", "-d": "", "-1e9d": "", "-99999d": "", "25:00": "", "yesterday": "",
		"2026-11-23T10:00:00": "", "-2": "", "10": "",
	} {
		got, err := past.ParseTime(text, now)
		if (err != nil) != (want == "") || err == nil && got.Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v, want %s", text, got, err, want)
		}
	}
}

func at(hour, minute, second int) time.Time {
	return time.Date(2026, 11, 23, hour, minute, second, 0, time.UTC)
}

func TestTables(t *testing.T) {
	tests := map[string]struct {
		write func(table.Screen) error
		want  string
	}{
		"at": {func(b table.Screen) error {
			return past.AtTable(b, []past.UserAt{
				{User: "ana", Since: at(8, 0, 0), Connections: 2, State: "online"},
				{User: "\x1b[2J", Since: at(8, 59, 0), Connections: 1, State: "unknown"},
			}, at(9, 0, 0), now)
		}, `at 2026-11-23 10:00:00 CET (2026-11-23T09:00:00Z)
USER     SINCE                    FOR   CONNECTIONS  STATE
ana      2026-11-23 09:00:00 CET  1h0m            2  online
\x1b[2J  2026-11-23 09:59:00 CET  1m0s            1  unknown
`},
		"nobody": {func(b table.Screen) error { return past.AtTable(b, nil, at(9, 0, 0), now) },
			"at 2026-11-23 10:00:00 CET (2026-11-23T09:00:00Z)\nnobody was online\n"},
		"sessions": {func(b table.Screen) error {
			return past.SessionTable(b, []past.Session{
				{Connection: "n1/1", Since: at(8, 0, 0), Until: at(8, 30, 0), Reason: "client", State: "offline"},
				{Connection: "n1/2", Since: at(8, 0, 0), LastSeen: at(9, 0, 30), Until: at(9, 0, 42), Reason: "node_lost", State: "offline"},
				{Connection: "n1/3", Since: at(10, 0, 0), LastSeen: at(10, 59, 59), State: "unknown"},
			}, now)
		}, `SINCE                    LAST CONFIRMED           ENDED                    STATE    REASON     CONNECTION
2026-11-23 09:00:00 CET  2026-11-23 09:30:00 CET  2026-11-23 09:30:00 CET  offline  client     n1/1
2026-11-23 09:00:00 CET  2026-11-23 10:00:30 CET  2026-11-23 10:00:42 CET  offline  node_lost  n1/2
2026-11-23 11:00:00 CET  2026-11-23 11:59:59 CET  -                        unknown  -          n1/3
`},
		"last seen": {func(b table.Screen) error {
			return past.LastSeenTable(b, []string{"zoe", "ana"}, []past.Sighting{
				{User: "ana", State: "offline", Last: at(9, 0, 30), Declared: at(9, 0, 42)},
			}, now)
		}, `USER  STATE       LAST CONFIRMED           AGO    DECLARED LOST
zoe   never seen  -                        -      -
ana   offline     2026-11-23 10:00:30 CET  1h59m  2026-11-23 10:00:42 CET
`},
		"nodes": {func(b table.Screen) error {
			return past.NodeTable(b, []past.Node{{Node: "n1", Epoch: 3, Connections: 7, BeatAt: at(10, 59, 59), StartedAt: at(10, 0, 0), Addr: "h:1", Version: "v1"}}, now)
		}, `NODE  EPOCH  CONNECTIONS  LAST BEAT                UP FOR  ADDRESS  VERSION
n1        3            7  2026-11-23 11:59:59 CET  1h0m    h:1      v1
`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := tt.write(table.Screen{Writer: &b}); err != nil || b.String() != tt.want {
				t.Errorf("%v\n%swant\n%s", err, b.String(), tt.want)
			}
		})
	}
}

var stream = events.Stream{Node: "n1", Epoch: 1}

func event(seq uint64) events.Event {
	return events.Event{ID: stream.At(seq), At: at(9, 0, int(seq)), Type: events.Connected, User: fmt.Sprint("u", seq)}
}

// serve starts a server, and returns a client of it.
func serve(t *testing.T, handler http.HandlerFunc) *api.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := api.New(base, "")
	t.Cleanup(c.Close)
	return c
}

// log is a log of four events, given out two at a time.
func log(w http.ResponseWriter, r *http.Request) {
	after := strings.TrimLeft(r.URL.Query().Get("after"), "0")
	n := uint64(1)
	fmt.Sscan(after, &n)
	page := struct {
		Events []events.Event `json:"events"`
		Next   string         `json:"next"`
	}{[]events.Event{}, ""}
	for ; n <= 4 && len(page.Events) < 2; n++ {
		page.Events = append(page.Events, event(n))
	}
	page.Next = fmt.Sprint(n)
	_ = json.NewEncoder(w).Encode(page)
}

func TestEvents_PagesToTheEnd(t *testing.T) {
	var seen []string
	cursor, err := past.Events(t.Context(), serve(t, log), "", func(e events.Event) error {
		seen = append(seen, e.User)
		return nil
	})
	if fmt.Sprint(seen) != "[u1 u2 u3 u4]" || cursor != "5" || err != nil {
		t.Errorf("%v, cursor %s, %v", seen, cursor, err)
	}
}

func TestEventTable(t *testing.T) {
	var b bytes.Buffer
	shown := past.NewEventTable(0)
	for _, e := range []events.Event{
		event(1),
		{ID: stream.At(5), At: at(9, 0, 42), Type: events.Disconnected, User: "ana", Conn: stream.At(1), Reason: events.NodeLost, LastSeen: at(9, 0, 30)},
		{ID: stream.At(6), At: at(9, 0, 43), Type: events.Connected, User: "ana", Resumes: stream.At(1)},
		{ID: stream.At(7), At: at(9, 0, 44), Type: events.Sealed, By: "n2", Reason: events.NodeLost},
		{ID: stream.At(0), At: at(9, 0, 45), Type: events.Opened, Addr: "host:8080"},
	} {
		if err := shown.Add(table.Screen{Writer: &b}, e, now); err != nil {
			t.Fatal(err)
		}
	}
	want := `AT                       EVENT         USER       ID                            WHAT
2026-11-23 10:00:01 CET  connected     u1         n1/00000001/0000000000000001  -
2026-11-23 10:00:42 CET  disconnected  ana        n1/00000001/0000000000000005  node_lost of n1/00000001/0000000000000001, last confirmed 2026-11-23 10:00:30 CET
2026-11-23 10:00:43 CET  connected     ana        n1/00000001/0000000000000006  resumes n1/00000001/0000000000000001
2026-11-23 10:00:44 CET  sealed        -          n1/00000001/0000000000000007  node_lost by n2
2026-11-23 10:00:45 CET  opened        -          n1/00000001/0000000000000000  host:8080
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
