package online_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/clientctl/api"
	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/online"
	"github.com/presenced/presence/clientctl/table"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// asked runs a query against handler, and returns the users and the queries that
// came.
func asked(t *testing.T, q online.Query, handler func(w http.ResponseWriter, r *http.Request)) (names, queries []string, more bool, err error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.Method+" "+r.URL.String())
		handler(w, r)
	}))
	defer server.Close()
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	through := api.New(base, "")
	defer through.Close()
	c := online.NewClient(through)
	more, err = c.Each(t.Context(), q, func(users []online.User) error {
		for _, u := range users {
			names = append(names, u.User)
		}
		return nil
	})
	return names, queries, more, err
}

// pages answers with users 1, 2, 3, …, last, as many as the limit says.
func pages(last int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		var limit, after int
		fmt.Sscan(r.URL.Query().Get("limit"), &limit)
		fmt.Sscan(r.URL.Query().Get("after"), &after)
		var users []string
		for n := after + 1; n <= last && len(users) < limit; n++ {
			users = append(users, fmt.Sprintf(`{"user":"%d","since":"2026-11-23T10:00:00Z","connections":1,"nodes":["n1"]}`, n))
		}
		next := ""
		if end := after + len(users); end < last {
			next = fmt.Sprintf(`,"next":"%d"`, end)
		}
		fmt.Fprintf(w, `{"users":[%s]%s,"total":%d}`, strings.Join(users, ","), next, last)
	}
}

func TestClient_Each_follows_pages(t *testing.T) {
	names, queries, more, err := asked(t, online.Query{}, pages(1200))
	if err != nil || len(names) != 1200 || more {
		t.Fatal(len(names), more, err)
	}
	want := "[GET /online?limit=500 GET /online?after=500&limit=500 GET /online?after=1000&limit=500]"
	if fmt.Sprint(queries) != want {
		t.Errorf("got  %v\nwant %s", queries, want)
	}
}

func TestClient_Each_limit(t *testing.T) {
	tests := []struct {
		limit, last, want int
		more              bool
	}{{3, 10, 3, true}, {10, 10, 10, false}, {11, 10, 10, false}, {700, 1200, 700, true}, {1, 0, 0, false}}
	for _, tt := range tests {
		names, _, more, err := asked(t, online.Query{Limit: tt.limit}, pages(tt.last))
		if err != nil || len(names) != tt.want || more != tt.more {
			t.Errorf("limit %d of %d: %d users, more %v, %v", tt.limit, tt.last, len(names), more, err)
		}
	}
}

func TestClient_Each_limit_holds_whatever_the_server_does(t *testing.T) {
	names, _, more, err := asked(t, online.Query{Limit: 2}, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"users":[{"user":"1"},{"user":"2"},{"user":"3"}]}`)
	})
	if err != nil || len(names) != 2 || !more {
		t.Errorf("%v, more %v, %v", names, more, err)
	}
}

func TestClient_Each_asks_for_users(t *testing.T) {
	_, queries, _, err := asked(t, online.Query{Users: []string{"a&b", "ü"}}, pages(0))
	if want := "[GET /online?limit=500&user=a%26b&user=%C3%BC]"; err != nil || fmt.Sprint(queries) != want {
		t.Errorf("got %v, %v", queries, err)
	}
}

func TestClient_Each_errors(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		kind   fault.Kind
		want   string
	}{
		{"in the server's words", 400, `{"type":"error","code":"bad_request","message":"limit: \u001b want 1 to 1000","retryable":false}`, fault.Refused, `refused: limit: \x1b want 1 to 1000 (bad_request)`},
		{"in other words", 502, "<h1>Bad\n gateway</h1>", fault.Refused, "refused: 502 Bad Gateway: <h1>Bad gateway</h1>"},
		{"a redirect", 302, "", fault.Refused, "refused: 302 Found"},
		{"another server", 200, "<html>", fault.Failed, "not that of an admin API"},
		{"a circle", 200, `{"users":[],"next":"1"}`, fault.Failed, "again and again"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, _, err := asked(t, online.Query{}, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
				fmt.Fprint(w, tt.body)
			})
			if fault.KindOf(err) != tt.kind || !strings.Contains(fmt.Sprint(err), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestClient_Each_unreachable_and_interrupted(t *testing.T) {
	c := online.NewClient(api.New(&url.URL{Scheme: "http", Host: "127.0.0.1:1"}, "")) // nobody listens at port 1
	_, err := c.Each(t.Context(), online.Query{}, nil)
	if fault.KindOf(err) != fault.Unreachable || !strings.Contains(err.Error(), "nothing listens at http://127.0.0.1:1: start the server") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Each(ctx, online.Query{}, nil); !errors.Is(err, fault.ErrInterrupted) {
		t.Errorf("got %v", err)
	}
}

var users = []online.User{
	{User: "42", Since: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), Connections: 2, Nodes: []string{"n1", "n2"}},
	{User: "\x1b]0;a\u202e", Since: time.Date(2026, 11, 20, 6, 30, 0, 0, time.UTC), Connections: 1, Nodes: []string{"n1"}},
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	now := time.Date(2026, 11, 23, 12, 0, 3, 0, time.FixedZone("", 3600))
	if err := online.Table(table.Screen{Writer: &b}, users, now); err != nil {
		t.Fatal(err)
	}
	want := `USER            SINCE                FOR   CONNECTIONS  NODES
42              2026-11-23 11:00:00  1h0m            2  n1 n2
\x1b]0;a\u202e  2026-11-20 07:30:00  3d4h            1  n1
`
	if b.String() != want {
		t.Errorf("got:\n%swant:\n%s", b.String(), want)
	}
	b.Reset()
	if err := online.Table(table.Screen{Writer: &b}, nil, now); err != nil || b.String() != "nobody is online\n" {
		t.Errorf("got %q, %v", b.String(), err)
	}
}

func TestJSON(t *testing.T) {
	for _, tt := range []struct {
		escape bool
		user   string
	}{{true, `\u001b]0;a\u202e`}, {false, "\\u001b]0;a\u202e"}} {
		var b bytes.Buffer
		if err := online.JSON(&b, users, tt.escape); err != nil {
			t.Fatal(err)
		}
		want := `{"user":"42","since":"2026-11-23T10:00:00Z","connections":2,"nodes":["n1","n2"]}
{"user":"` + tt.user + `","since":"2026-11-20T06:30:00Z","connections":1,"nodes":["n1"]}
`
		if b.String() != want {
			t.Errorf("got:\n%swant:\n%s", b.String(), want)
		}
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour:                     "0s",
		0:                              "0s",
		59*time.Second + 999e6:         "59s",
		12*time.Minute + 7*time.Second: "12m7s",
		5 * time.Hour:                  "5h0m",
		76*time.Hour + 59*time.Minute:  "3d4h",
	} {
		if got := online.Age(d); got != want {
			t.Errorf("Age(%s) = %s, want %s", d, got, want)
		}
	}
}

func TestMoment(t *testing.T) {
	now := time.Date(2026, 11, 23, 0, 30, 0, 0, time.FixedZone("CET", 3600))
	for at, want := range map[time.Time]string{
		now.Add(-20 * time.Minute):     "00:10:00",
		now.Add(-40 * time.Minute):     "11-22 23:50",
		now.Add(-400 * 24 * time.Hour): "2025-10-19",
		{}:                             "-",
	} {
		var b bytes.Buffer
		tab := table.New(table.Column{Kind: table.Fixed})
		tab.Add(online.Moment(at, now, time.RFC3339))
		if err := tab.Write(table.Screen{Writer: &b, Width: 11}); err != nil || strings.TrimSpace(b.String()) != want {
			t.Errorf("%s: %q, want %s, %v", at, b.String(), want, err)
		}
	}
}

func TestChanges(t *testing.T) {
	var c online.Changes
	for i, look := range []struct {
		users string
		cut   bool
		want  string
	}{
		{"ana bob", false, "ana bob"},
		{"bob zoe", false, "-ana bob +zoe"},
		{"aaa bob eve zoe", false, "+aaa bob +eve zoe"},
		{"aaa", false, "aaa -bob -eve -zoe"},
		{"", false, "-aaa"},
		{"", false, ""},
		{"ana bob", true, "ana bob"},
		{"bob eve", false, "bob eve"},
		{"bob", false, "bob -eve"},
		{"ana", true, "ana"},
	} {
		var users []online.User
		for name := range strings.FieldsSeq(look.users) {
			users = append(users, online.User{User: name})
		}
		var got []string
		for _, u := range c.Next(users, look.cut) {
			got = append(got, string(u.Change)+u.User.User)
		}
		if strings.Join(got, " ") != look.want {
			t.Errorf("look %d: %q, want %q", i, got, look.want)
		}
	}
}

func TestChangeTable(t *testing.T) {
	var b bytes.Buffer
	now := time.Date(2026, 11, 23, 12, 0, 3, 0, time.UTC)
	err := online.ChangeTable(table.Screen{Writer: &b}, []online.Changed{{User: users[0]}, {Change: online.Went, User: users[1]}}, now)
	want := `   USER            SINCE                FOR   CONNECTIONS  NODES
   42              2026-11-23 10:00:00  2h0m            2  n1 n2
-  \x1b]0;a\u202e  2026-11-20 06:30:00  3d5h            1  n1
`
	if err != nil || b.String() != want {
		t.Errorf("%v, got:\n%swant:\n%s", err, b.String(), want)
	}
}
