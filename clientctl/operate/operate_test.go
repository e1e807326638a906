package operate_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/presenced/presence/clientctl/api"
	"github.com/presenced/presence/clientctl/operate"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server, and returns a client of it that has a token.
func serve(t *testing.T, handler http.HandlerFunc) *api.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := api.New(base, "0123456789abcdef")
	t.Cleanup(c.Close)
	return c
}

// An order goes as JSON, with the token, and says nothing that was not given.
func TestKick_Request(t *testing.T) {
	for want, o := range map[string]operate.Order{
		`{"user":"ana","wait":"5s"}`: {User: "ana", Wait: "5s"},
		`{"connection":"n1/00000001/0000000000000001","reason":"größer","wait":"0s"}`: {
			Connection: "n1/00000001/0000000000000001", Reason: "größer", Wait: "0s"},
	} {
		var got string
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got = fmt.Sprint(r.Method, " ", r.URL, " ", r.Header.Get("Content-Type"), " ", r.Header.Get("Authorization"), " ", string(body))
			_, _ = io.WriteString(w, `{"asked":1,"gone":1,"pending":[]}`)
		})
		k, err := operate.Kick(t.Context(), c, o)
		if want = "POST /kick application/json Bearer 0123456789abcdef " + want; got != want || err != nil || k.Asked != 1 {
			t.Errorf("asked %s, want %s; %+v, %v", got, want, k, err)
		}
	}
}

// All pages are read, whatever the name of the user.
func TestConnections_Pages(t *testing.T) {
	const user = `a/b?{"$gt":""}`
	n := 0
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; r.URL.Path != "/online/"+user || r.URL.Query().Get("limit") != "500" {
			t.Errorf("asked %s", r.URL)
		}
		next := ""
		if n < 3 {
			next = fmt.Sprint("id", n)
		}
		if after := r.URL.Query().Get("after"); n > 1 && after != fmt.Sprint("id", n-1) {
			t.Errorf("page %d begins after %q", n, after)
		}
		fmt.Fprintf(w, `{"user":"","connections":[{"id":"id%d"}],"next":%q}`, n, next)
	})
	all, err := operate.Connections(t.Context(), c, user)
	if err != nil || len(all) != 3 || all[2].ID != "id3" {
		t.Errorf("%v, %v", all, err)
	}
}

func TestConnections_Circle(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"connections":[],"next":"id1"}`)
	})
	if _, err := operate.Connections(t.Context(), c, "ana"); err == nil {
		t.Error("no error")
	}
}
