package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/admin"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

// kicker keeps what it is asked, and how long it was given.
type kicker struct {
	orders  []presence.KickOrder
	asked   []events.Position
	pending []events.Position
	err     error
	waited  time.Duration
}

func (k *kicker) Kick(_ context.Context, o presence.KickOrder) ([]events.Position, error) {
	k.orders = append(k.orders, o)
	return k.asked, k.err
}

func (k *kicker) Kicked(ctx context.Context, _ []events.Position) []events.Position {
	until, _ := ctx.Deadline()
	k.waited = time.Until(until)
	return k.pending
}

func (k *kicker) post(body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	admin.Handler(admin.Config{Kicker: k}).ServeHTTP(w, request(http.MethodPost, "/kick", body))
	return w
}

func TestHandler_Kick(t *testing.T) {
	ids := []events.Position{n1.At(1), n1.At(2), n1.At(3)}
	for body, want := range map[string]struct {
		order  presence.KickOrder
		waited time.Duration
	}{
		`{"user":"ana"}`: {presence.KickOrder{User: "ana"}, 5 * time.Second},
		`{ "reason" : "größer" , "user" : "{\"$gt\":\"\"}" }`:       {presence.KickOrder{User: `{"$gt":""}`, Reason: "größer"}, 5 * time.Second},
		`{"connection":"n1/00000001/0000000000000001","wait":"1m"}`: {presence.KickOrder{Conn: n1.At(1)}, time.Minute},
		`{"user":"\ufffd\uD83D\uDE00"}`:                             {presence.KickOrder{User: "\ufffd\U0001F600"}, 5 * time.Second},
		`{"user":"ana","wait":"0s"}`:                                {presence.KickOrder{User: "ana"}, 0},
	} {
		k := &kicker{asked: ids, pending: ids[1:2]}
		w := k.post(body)
		const answer = `{"asked":3,"gone":2,"pending":["n1/00000001/0000000000000002"]}`
		if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != answer {
			t.Errorf("%s: %d %s, want %s", body, w.Code, got, answer)
		}
		if len(k.orders) != 1 || k.orders[0] != want.order || k.waited > want.waited || k.waited < want.waited-5*time.Second {
			t.Errorf("%s: asked for %+v, waited %s", body, k.orders, k.waited)
		}
	}
	if w := new(kicker).post(`{"user":"zoe"}`); strings.TrimSpace(w.Body.String()) != `{"asked":0,"gone":0,"pending":[]}` {
		t.Errorf("nobody: %s", w.Body)
	}
}

// The answer has room for a thousand ids, and for the number of all.
func TestHandler_Kick_ManyPending(t *testing.T) {
	k := &kicker{}
	for seq := range uint64(2500) {
		k.asked = append(k.asked, n1.At(seq+1))
	}
	k.pending = k.asked[:2000]
	var answer struct {
		Asked, Gone int
		Pending     []string
	}
	if err := json.Unmarshal(k.post(`{"user":"ana"}`).Body.Bytes(), &answer); err != nil || answer.Asked != 2500 || answer.Gone != 500 || len(answer.Pending) != 1000 {
		t.Errorf("%d asked, %d gone, %d pending, %v", answer.Asked, answer.Gone, len(answer.Pending), err)
	}
}

// hostileKicks are bodies of POST /kick that ask for nothing, and the whole of what is
// said about them.
var hostileKicks = []struct {
	body   string
	status int
	says   string
}{
	{``, 415, `send JSON, with Content-Type: application/json`},
	{` `, 400, `the body is not a JSON object`},
	{`null`, 400, `the body is not a JSON object`},
	{`[]`, 400, `the body is not a JSON object`},
	{`"ana"`, 400, `the body is not a JSON object`},
	{`42`, 400, `the body is not a JSON object`},
	{`{`, 400, `the body is not a JSON object`},
	{`{"user"`, 400, `the body is not a JSON object`},
	{`{"user":`, 400, `the body is not a JSON object`},
	{`{"user":"ana"`, 400, `the body is not a JSON object`},
	{`{"user":"ana",}`, 400, `the body is not a JSON object`},
	{`{user:"ana"}`, 400, `the body is not a JSON object`},
	{`{"user":"ana"}}`, 400, `something follows the JSON object in the body`},
	{`{"user":"ana"}{"user":"bob"}`, 400, `something follows the JSON object in the body`},
	{`{}`, 400, `whom? Give a user or a connection`},
	{`{"user":""}`, 400, `whom? Give a user or a connection`},
	{`{"reason":"all"}`, 400, `whom? Give a user or a connection`},
	{`{"user":"ana","connection":"n1/00000001/0000000000000001"}`, 400, `give a user or a connection, not both`},
	{`{"user":null}`, 400, `user is not a string`},
	{`{"user":42}`, 400, `user is not a string`},
	{`{"user":true}`, 400, `user is not a string`},
	{`{"user":["ana"]}`, 400, `user is not a string`},
	{`{"user":{"$gt":""}}`, 400, `user is not a string`},
	{`{"connection":{"$ne":null}}`, 400, `connection is not a string`},
	{`{"user":{"$where":"sleep(1000)"}}`, 400, `user is not a string`},
	{`{"user":"ana","user":"bob"}`, 400, `user stands twice`},
	{`{"user":"ana","wait":"1s","wait":"2s"}`, 400, `wait stands twice`},
	{`{"User":"ana"}`, 400, `unknown field "User"; there is connection, reason, user, wait`},
	{`{"user":"ana","$where":"1"}`, 400, `unknown field "$where"; there is connection, reason, user, wait`},
	{`{"user":" ana"}`, 400, `invalid user id: it begins or ends with white space`},
	{`{"user":"a\u0000"}`, 400, `invalid user id: it has a control or bidirectional character at byte 1`},
	{`{"user":"a\u202eb"}`, 400, `invalid user id: it has a control or bidirectional character at byte 1`},
	{`{"user":"` + strings.Repeat("x", 129) + `"}`, 400, `invalid user id: it is 129 bytes long, and 128 are allowed`},
	{"{\"user\":\"\xff\"}", 400, `the body is not valid UTF-8`},
	{"{\"user\":\"ana\xc3\"}", 400, `the body is not valid UTF-8`},
	{`{"user":"\ud800"}`, 400, `user has half of a surrogate pair`},
	{`{"connection":"n1"}`, 400, `invalid id: position "n1"`},
	{`{"connection":"n1/1/1"}`, 400, `invalid id: position "n1/1/1"`},
	{`{"connection":"n1/00000001/000000000000000A"}`, 400, `invalid id: position "n1/00000001/000000000000000A"`},
	{`{"connection":"n1/00000001/ffffffffffffffff"}`, 400, `invalid id: position "n1/00000001/ffffffffffffffff"`},
	{`{"connection":"n1/"}`, 400, `invalid id: position "n1/"`},
	{`{"user":"ana","wait":5}`, 400, `wait is not a string`},
	{`{"user":"ana","wait":"5"}`, 400, `wait must be a time between 0s and 1m, such as 5s`},
	{`{"user":"ana","wait":"-1s"}`, 400, `wait must be a time between 0s and 1m, such as 5s`},
	{`{"user":"ana","wait":"61s"}`, 400, `wait must be a time between 0s and 1m, such as 5s`},
	{`{"user":"ana","reason":"` + strings.Repeat("x", 124) + `"}`, 400, `the reason has 124 bytes, and a close frame has room for 123`},
	{`{"user":"ana","reason":"a\u001bb"}`, 400, `the reason has the control character U+001B`},
	{strings.Repeat(`{"user":`, 400) + `1` + strings.Repeat(`}`, 400), 400, `user is not a string`},
	{strings.Repeat(`[`, 4000), 400, `the body is not a JSON object`},
	{`{"user":"` + strings.Repeat("x", 5000) + `"}`, 413, `the body has more than 4096 bytes`},
	{`{"reason":` + strings.Repeat(" ", 5000) + `"x"}`, 413, `the body has more than 4096 bytes`},
}

// Hostile input gets its exact error, in the shape of the socket's, and asks for nothing.
func TestHandler_Kick_HostileInput(t *testing.T) {
	for _, tt := range hostileKicks {
		k := new(kicker)
		w := k.post(tt.body)
		var e protocol.Message
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != tt.status || e.Type != protocol.TypeError || e.Text != tt.says {
			t.Errorf("%.60s: %d %s, want %d %q", tt.body, w.Code, w.Body, tt.status, tt.says)
		}
		if len(k.orders) != 0 {
			t.Errorf("%.60s: asked for %+v", tt.body, k.orders)
		}
	}
}

// A form of a web page, and anything else that a browser sends without asking first, is
// no order.
func TestHandler_Kick_NotJSON(t *testing.T) {
	for _, kind := range []string{
		"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain; application/json", "application/jsonp", ";",
	} {
		k, w := new(kicker), httptest.NewRecorder()
		r := request(http.MethodPost, "/kick", `{"user":"ana"}`)
		r.Header.Set("Content-Type", kind)
		admin.Handler(admin.Config{Kicker: k}).ServeHTTP(w, r)
		if w.Code != http.StatusUnsupportedMediaType || len(k.orders) != 0 {
			t.Errorf("%q: %d %s", kind, w.Code, w.Body)
		}
	}
	k := new(kicker)
	w := httptest.NewRecorder()
	r := request(http.MethodPost, "/kick?user=ana", `{"user":"ana"}`)
	admin.Handler(admin.Config{Kicker: k}).ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "there is none") || len(k.orders) != 0 {
		t.Errorf("a parameter: %d %s", w.Code, w.Body)
	}
}

func TestHandler_Kick_StoreFails(t *testing.T) {
	for err, want := range map[error]int{
		fmt.Errorf("db1: %w", events.ErrUnavailable): 503, fmt.Errorf("db1: %w", events.ErrRefused): 500,
	} {
		if w := (&kicker{err: err}).post(`{"user":"ana"}`); w.Code != want || strings.Contains(w.Body.String(), "db1") {
			t.Errorf("%v: %d %s", err, w.Code, w.Body)
		}
	}
}
