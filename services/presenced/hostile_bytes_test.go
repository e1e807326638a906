package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/protocol"
)

// hostileFrames are what breaks RFC 6455 or a limit, and the code that it is closed with.
func hostileFrames() map[string]struct {
	bytes []byte
	code  protocol.CloseCode
} {
	masked := func(f ws.Frame) []byte {
		var b bytes.Buffer
		if err := ws.WriteFrame(&b, ws.MaskFrame(f)); err != nil {
			panic(err)
		}
		return b.Bytes()
	}
	text := func(s string) []byte { return masked(ws.NewTextFrame([]byte(s))) }
	var fragments []byte
	for _, f := range fragmented(66) {
		fragments = append(fragments, masked(f)...)
	}
	type row = struct {
		bytes []byte
		code  protocol.CloseCode
	}
	return map[string]row{
		"not masked":                {ws.MustCompileFrame(ws.NewTextFrame([]byte("1"))), protocol.CloseProtocol},
		"a reserved bit":            {append([]byte{0xc1}, text("1")[1:]...), protocol.CloseProtocol},
		"a reserved opcode":         {append([]byte{0x83}, text("1")[1:]...), protocol.CloseProtocol},
		"a continuation of nothing": {append([]byte{0x80}, text("1")[1:]...), protocol.CloseProtocol},
		"a fragmented ping":         {append([]byte{0x09}, text("1")[1:]...), protocol.CloseProtocol},
		"a long ping":               {append([]byte{0x89}, text(strings.Repeat("x", 126))[1:]...), protocol.CloseProtocol},
		"a close code of 999":       {masked(ws.NewCloseFrame([]byte{3, 231})), protocol.CloseProtocol},
		"binary":                    {masked(ws.NewBinaryFrame([]byte(`{"type":"ping"}`))), protocol.CloseUnsupported},
		"not UTF-8":                 {text("{\"type\":\"who\",\"users\":[\"\xff\"]}"), protocol.CloseInvalidData},
		"a surrogate in UTF-8":      {text("{\"type\":\"who\",\"users\":[\"\xed\xa0\x80\"]}"), protocol.CloseInvalidData},
		"too many fragments":        {fragments, protocol.ClosePolicy},
		"64 KiB and a byte":         {text(padded(64<<10 + 1)), protocol.CloseTooBig},
		"said to be 2^62 bytes":     {[]byte{0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, protocol.CloseTooBig},
		"said to be 2^63 bytes":     {[]byte{0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, protocol.CloseProtocol},
	}
}

// Hostile frames end their connection with exactly the code that is documented, and no
// other connection; the log says why.
func TestHostile_Frames(t *testing.T) {
	b := embeddedBackend(t)
	tg := start(t, b)
	ana := dial(t, tg, "ana")
	frames := hostileFrames()
	for name, tt := range frames {
		c := dial(t, tg, "hostile")
		if _, err := c.conn.Write(tt.bytes); err != nil {
			t.Fatal(err)
		}
		if code := receive(t, c.closed, "the close of "+name); code != ws.StatusCode(tt.code) {
			t.Errorf("%s: closed with %d, want %d", name, code, tt.code)
		}
		if m := ana.ask(t, `{"type":"ping"}`); m.Type != protocol.TypePong {
			t.Fatalf("after %s: %+v", name, m)
		}
	}
	eventually(t, "all of them are offline", func() bool { return fmt.Sprint(tg.online(t)) == "map[ana:1]" })
	wantOnly(t, tg, b, 1+len(frames), 0)
	reasons(t, b, map[events.Reason]int{events.Protocol: len(frames), events.Shutdown: 2})
}

// Hostile upgrade requests are refused with an exact text, and leave nothing.
func TestHostile_Requests(t *testing.T) {
	b := embeddedBackend(t)
	tg := start(t, b)
	const who, elsewhere = "say who you are: add ?user=NAME to the address", "connect to / or /ws"
	for target, want := range map[string]struct {
		status int
		says   string
	}{
		"/":                                   {400, who},
		"/?user":                              {400, who},
		"/?user=":                             {400, who},
		"/?User=ana":                          {400, who},
		"/?user[]=ana":                        {400, who},
		"/?user[$gt]=":                        {400, who},
		"/?user=a&user=b":                     {400, who + ": one, not 2"},
		"/?user=a;user=b":                     {400, who + ": the query cannot be read, escape it"},
		"/?user=%zz":                          {400, who + ": the query cannot be read, escape it"},
		"/?user=a%00":                         {400, "invalid user id: it has a control or bidirectional character at byte 1"},
		"/?user=a%e2%80%ae":                   {400, "invalid user id: it has a control or bidirectional character at byte 1"},
		"/?user=a%0d%0aX:%20y":                {400, "invalid user id: it has a control or bidirectional character at byte 1"},
		"/?user=%ff":                          {400, "invalid user id: it is not valid UTF-8"},
		"/?user=%ed%a0%80":                    {400, "invalid user id: it is not valid UTF-8"},
		"/?user=+a":                           {400, "invalid user id: it begins or ends with white space"},
		"/?user=" + strings.Repeat("x", 129):  {400, "invalid user id: it is 129 bytes long, and 128 are allowed"},
		"/?user=" + strings.Repeat("x", 8000): {400, "invalid user id: it is 8000 bytes long, and 128 are allowed"},
		"/?user=" + strings.Repeat("x", 9000): {431, "the request's header is too large"},
		"/?user=" + events.Tombstone(strings.Repeat("a", 26)): {400, errTombstone.Error()},
		"//?user=a":            {404, elsewhere + ", not to another path"},
		"/ws/?user=a":          {404, elsewhere + ", not to another path"},
		"/WS?user=a":           {404, elsewhere + ", not to another path"},
		"/../ws?user=a":        {404, elsewhere + ", not to another path"},
		"/ws%00?user=a":        {404, elsewhere + ", not to another path"},
		"http://x/chat?user=a": {404, elsewhere + ", not to another path"},
		"*":                    {404, elsewhere + ", not to another path"},
		"ws?user=a":            {404, elsewhere + ": the request target cannot be read"},
		"/ws\x7f?user=a":       {404, elsewhere + ": the request target cannot be read"},
	} {
		a := request(t, tg, target)
		if a.StatusCode != want.status || a.text != want.says+"\n" {
			t.Errorf("%.60q: %d %q, want %d %q", target, a.StatusCode, a.text, want.status, want.says)
		}
	}
	if got := tg.online(t); len(got) != 0 {
		t.Errorf("online %v", got)
	}
	wantOnly(t, tg, b, 0, events.Shutdown)
}

// What is asked of the operator's API in a hostile way is refused and changes nothing:
// clients stay, and are in the log as before.
func TestHostile_Admin(t *testing.T) { onEveryStore(t, hostileAdmin) }

func hostileAdmin(t *testing.T, b backend) {
	tg := start(t, b)
	c := dial(t, tg, "ana")
	const operator = "%7B%22$gt%22:%22%22%7D" // {"$gt":""}, which is a name like any other
	for _, tt := range []struct {
		target string
		status int
	}{
		{"/online?limit=0", 400}, {"/online?user[$ne]=", 400}, {"/online?" + strings.Repeat("user=a&", 1001), 400}, {"/online?at=now", 400},
		{"/online/%00", 400}, {"/online/" + strings.Repeat("x", 100_000), 400}, {"/online/ana?after=" + strings.Repeat("n1", 100_000), 400},
		{"/history/%ff", 400}, {"/history/ana?after=$where", 400}, {"/last-seen", 400}, {"/events?after=" + strings.Repeat(",", 100_000), 400},
		{"/online/" + operator, 200}, {"/online?user=" + operator, 200}, {"/online?after=" + operator, 200}, {"/history/" + operator, 200},
		{"/last-seen?user=" + operator, 200}, {"/online?at=9999-12-31T23:59:59Z", 200}, {"/online?at=1970-01-01T00:00:00Z", 200},
		{"/history/ana?after=9223372036854775807.n1/00000001/0000000000000001", 200}, {"/history/ana?after=-9223372036854775808.n1/00000001/0000000000000001", 200},
		{"/events?after=n1/00000001/7fffffffffffffff", 200}, {"/events?after=n1/ffffffff/0000000000000000", 200},
		{"/nodes?x=1", 400}, {"/stats?users=yes", 400}, {"/kick", 405}, {"/verify", 405}, {"/../../etc/passwd", 404}, {"/online%2f..%2fkick", 404},
	} {
		resp, err := http.Get(tg.admin + tt.target)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != tt.status || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%.80s: %s %s, want %d", tt.target, resp.Status, resp.Header.Get("Content-Type"), tt.status)
		}
	}
	for body, want := range map[string]int{
		`{}`: 400, `{"user":` + anOperator + `}`: 400, `{"user":["ana"]}`: 400, `{"user":"ana","user":"ana"}`: 400, `{"user":"ana"} {}`: 400,
		`{"user":"ana","wait":"-1s"}`: 400, nested(2000): 400, "{\"user\":\"ana\xff\"}": 400, `{"user":"` + strings.Repeat("x", 5000) + `"}`: 413,
	} {
		if status, answer := post(t, tg, "/kick", body, ""); status != want || !strings.HasPrefix(answer, `{"type":"error",`) {
			t.Errorf("%.80s: %d %s", body, status, answer)
		}
		if status, answer := post(t, tg, "/verify", body+" ", ""); status != want && body != "{}" {
			t.Errorf("verify: %.80s: %d %s", body, status, answer)
		}
	}
	if m := c.ask(t, `{"type":"who","users":["{\"$gt\":\"\"}","$where","ana"]}`); names(m.Users) != "ana" {
		t.Errorf("who is answered with %+v", m)
	}
	if got := fmt.Sprint(tg.online(t)); got != "map[ana:1]" {
		t.Errorf("online %s", got)
	}
	wantOnly(t, tg, b, 1, events.Shutdown)
}
