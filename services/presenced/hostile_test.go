package main

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/protocol"
)

// hostile is a message that asks for nothing, and the whole of its answer.
type hostile struct {
	message string
	code    protocol.Code
	id      string // as text; "": none
	says    string
}

const (
	fibRange   = "n must be between 0 and 100000"
	seqRange   = "n must be between 0 and 1000"
	pageRange  = "limit must be between 1 and 1000"
	inDigits   = ", in digits, without fraction and exponent"
	notJSON    = "the message is not valid JSON: "
	badID      = "id must be a string of at most 64 bytes or an integer of at most 20 digits"
	wantOneOf  = "want one of fibonacci, sequence, ping, token, who, watch, unwatch"
	notObject  = `a message is an object such as {"type":"fibonacci","n":42}, or a bare integer, not `
	anOperator = `{"$gt":""}`
)

// nested is an array in an array, so deep.
func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

// hostileMessages are what a client may say that makes no sense, for each command.
func hostileMessages() []hostile {
	const bad, far, unknown = protocol.BadRequest, protocol.OutOfRange, protocol.UnknownType
	all := []hostile{
		{"", bad, "", `the message is empty: send {"type":"fibonacci","n":42}, or just 42`},
		{" \t\r\n", bad, "", `the message is empty: send {"type":"fibonacci","n":42}, or just 42`},
		{"null", bad, "", notObject + "null"},
		{"true", bad, "", notObject + "a boolean"},
		{`"ping"`, bad, "", notObject + "a string"},
		{`[{"type":"ping"}]`, bad, "", notObject + "an array"},
		{"ping", bad, "", notJSON + "see byte 1"},
		{"\ufeff42", bad, "", notJSON + "see byte 1"},
		{"\x00", bad, "", notJSON + "see byte 1"},
		{"{", bad, "", notJSON + "it ends too early"},
		{"{}", bad, "", "type is missing: " + wantOneOf},
		{`{"id":"a"}`, bad, "a", "type is missing: " + wantOneOf},
		{`{"type":null,"id":"a"}`, bad, "a", "type must be a string, not null"},
		{`{"type":["ping"]}`, bad, "", "type must be a string, not an array"},
		{`{"type":` + anOperator + `}`, bad, "", "type must be a string, not an object"},
		{`{"type":"$where","id":1}`, unknown, "1", `unknown type "$where": ` + wantOneOf},
		{`{"type":"Ping"}`, unknown, "", `unknown type "Ping": ` + wantOneOf},
		{`{"type":"ping "}`, unknown, "", `unknown type "ping ": ` + wantOneOf},
		{`{"type":"\u0000\u202e\n"}`, unknown, "", `unknown type "\x00\u202e\n": ` + wantOneOf},
		{`{"type":"` + strings.Repeat("x", 60_000) + `"}`, unknown, "", `unknown type "` + strings.Repeat("x", 32) + `"…: ` + wantOneOf},
		{strings.Repeat(`{"type":`, 8000), bad, "", notJSON + "see byte 257"},
		{nested(30_000), bad, "", notJSON + "see byte 33"},

		// The bare number.
		{"-1", far, "", fibRange},
		{"100001", far, "", fibRange},
		{strings.Repeat("9", 65_536), far, "", fibRange},
		{"1.0", bad, "", fibRange + inDigits},
		{"1e3", bad, "", fibRange + inDigits},
		{"1e99999", bad, "", fibRange + inDigits},
		{"042", bad, "", notJSON + "see byte 2"},
		{"+1", bad, "", notJSON + "see byte 1"},
		{"--1", bad, "", notJSON + "see byte 2"},
		{"0x10", bad, "", notJSON + "see byte 2"},
		{"1 2", bad, "", notJSON + "see byte 3"},
		{"1,2", bad, "", notJSON + "see byte 2"},
		{"1n", bad, "", notJSON + "see byte 2"},
		{"-", bad, "", notJSON + "it ends too early"},
		{"NaN", bad, "", notJSON + "see byte 1"},
		{"Infinity", bad, "", notJSON + "see byte 1"},
		{"٤٢", bad, "", notJSON + "see byte 1"},

		{`{"type":"fibonacci","id":"a"}`, bad, "a", "n is missing: " + fibRange},
		{`{"type":"fibonacci","N":1}`, bad, "", "n is missing: " + fibRange},
		{`{"type":"fibonacci","id":7,"n":1,"algorithm":7}`, bad, "7", "algorithm must be a string, not a number"},
		{`{"type":"fibonacci","id":7,"n":1,"algorithm":` + anOperator + `}`, bad, "7", "algorithm must be a string, not an object"},
		{`{"type":"fibonacci","n":1,"algorithm":""}`, bad, "", "algorithm must be fast-doubling, matrix or iterative"},
		{`{"type":"fibonacci","n":1,"algorithm":"` + strings.Repeat("x", 60_000) + `"}`, bad, "", "algorithm must be fast-doubling, matrix or iterative"},
		{`{"type":"fibonacci","n":1,"algorithm":"matrix","algorithm":"matrix"}`, bad, "", "the field algorithm stands twice"},
		{`{"type":"sequence","id":"a"}`, bad, "a", "n is missing: " + seqRange},

		{`{"type":"token","id":"a"}`, bad, "a", "token is missing: it is a string"},
		{`{"type":"token","token":7}`, bad, "", "token must be a string, not a number"},
		{`{"type":"token","token":` + anOperator + `}`, bad, "", "token must be a string, not an object"},
		{`{"type":"token","token":"a","token":"b"}`, bad, "", "the field token stands twice"},
		{`{"type":"token","id":"a","token":"` + strings.Repeat("x", 60_000) + `"}`, protocol.Forbidden, "a", "this server does not authenticate, and takes no token"},

		{`{"type":"who","limit":0}`, far, "", pageRange},
		{`{"type":"who","limit":1001}`, far, "", pageRange},
		{`{"type":"who","limit":-1}`, far, "", pageRange},
		{`{"type":"who","limit":1.0}`, bad, "", pageRange + inDigits},
		{`{"type":"who","limit":"1"}`, bad, "", pageRange + ", not a string"},
		{`{"type":"who","limit":` + anOperator + `}`, bad, "", pageRange + ", not an object"},
		{`{"type":"who","limit":1,"limit":1}`, bad, "", "the field limit stands twice"},
		{`{"type":"who","after":` + anOperator + `}`, bad, "", "after must be a string, the next of the page before, not an object"},
		{`{"type":"who","after":"a\u0000"}`, bad, "", "after: invalid user id: it has a control or bidirectional character at byte 1"},
		{`{"type":"who","after":"\ud800"}`, bad, "", "after: it has half of a surrogate pair"},
		{`{"type":"who","users":[],"limit":1}`, bad, "", "give users, or limit and after, not both: users are answered on one page"},
		{`{"type":"who","users":[` + strings.Repeat(`"a",`, 1000) + `"a"]}`, far, "", "users has 1001 user ids, and at most 1000 may be asked for at once"},
		{`{"type":"watch","level":"all"}`, bad, "", `level must be "users" or "connections"`},
		{`{"type":"watch","level":` + anOperator + `}`, bad, "", `level must be "users" or "connections"`},
		{`{"type":"watch","level":"users","level":"users"}`, bad, "", "the field level stands twice"},
	}
	for _, kind := range []string{"fibonacci", "sequence"} {
		limit := map[string]string{"fibonacci": fibRange, "sequence": seqRange}[kind]
		all = append(all, hostileNumbers(kind, limit)...)
	}
	for _, kind := range []string{"who", "watch"} {
		all = append(all, hostileUsers(kind)...)
	}
	for _, kind := range []string{"fibonacci", "sequence", "ping", "token", "who", "watch", "unwatch"} {
		all = append(all, hostileAnywhere(kind)...)
	}
	return all
}

// hostileNumbers are what n may not be.
func hostileNumbers(kind, limit string) (all []hostile) {
	for n, tt := range map[string]struct {
		code protocol.Code
		says string
	}{
		"-1":                    {protocol.OutOfRange, ""},
		"100001":                {protocol.OutOfRange, ""},
		"18446744073709551616":  {protocol.OutOfRange, ""},
		"-99999999999999999999": {protocol.OutOfRange, ""},
		"1.5":                   {protocol.BadRequest, inDigits},
		"1.0":                   {protocol.BadRequest, inDigits},
		"1e3":                   {protocol.BadRequest, inDigits},
		"1e999":                 {protocol.BadRequest, inDigits},
		`"7"`:                   {protocol.BadRequest, ", not a string"},
		"null":                  {protocol.BadRequest, ", not null"},
		"true":                  {protocol.BadRequest, ", not a boolean"},
		"[7]":                   {protocol.BadRequest, ", not an array"},
		nested(31):              {protocol.BadRequest, ", not an array"},
		anOperator:              {protocol.BadRequest, ", not an object"},
	} {
		all = append(all, hostile{`{"id":"n","type":"` + kind + `","n":` + n + `}`, tt.code, "n", limit + tt.says})
	}
	return append(all, hostile{`{"id":"n","type":"` + kind + `","n":1,"\u006e":1}`, protocol.BadRequest, "n", "the field n stands twice"})
}

// hostileUsers are what users may not be.
func hostileUsers(kind string) (all []hostile) {
	for users, says := range map[string]string{
		`"ana"`:                                "users must be an array of user ids, not a string",
		`null`:                                 "users must be an array of user ids, not null",
		anOperator:                             "users must be an array of user ids, not an object",
		`[7]`:                                  "users[0] must be a string, not a number",
		`["a",null]`:                           "users[1] must be a string, not null",
		`["a",["b"]]`:                          "users[1] must be a string, not an array",
		`[{"$ne":null}]`:                       "users[0] must be a string, not an object",
		nested(31):                             "users[0] must be a string, not an array",
		`["a",""]`:                             "users[1]: invalid user id: it is empty",
		`["a\u0000"]`:                          "users[0]: invalid user id: it has a control or bidirectional character at byte 1",
		`["a\u202eb"]`:                         "users[0]: invalid user id: it has a control or bidirectional character at byte 1",
		`["a "]`:                               "users[0]: invalid user id: it begins or ends with white space",
		`["\u00a0a"]`:                          "users[0]: invalid user id: it begins or ends with white space",
		`["a","\ud800"]`:                       "users[1]: it has half of a surrogate pair",
		`["\udc00\ud800"]`:                     "users[0]: it has half of a surrogate pair",
		`["` + strings.Repeat("x", 129) + `"]`: "users[0]: invalid user id: it is 129 bytes long, and 128 are allowed",
		`["` + strings.Repeat("x", 60_000) + `"]`: "users[0]: invalid user id: it is 60000 bytes long, and 128 are allowed",
		`["a"],"users":["a"]`:                     "the field users stands twice",
	} {
		all = append(all, hostile{`{"id":1,"type":"` + kind + `","users":` + users + `}`, protocol.BadRequest, "1", says})
	}
	return all
}

// hostileAnywhere are mistakes that every command can have.
func hostileAnywhere(kind string) (all []hostile) {
	start := `{"type":"` + kind + `"`
	for rest, tt := range map[string]struct{ id, says string }{
		`,"id":null}`:                  {"", badID},
		`,"id":true}`:                  {"", badID},
		`,"id":1.0}`:                   {"", badID},
		`,"id":123456789012345678901}`: {"", badID},
		`,"id":[]}`:                    {"", badID},
		`,"id":` + anOperator + `}`:    {"", badID},
		`,"id":"` + strings.Repeat("x", 65) + `"}`:       {"", badID},
		`,"id":"a","id":"a"}`:                            {"", "the field id stands twice"},
		`,"id":"a","type":"` + kind + `"}`:               {"a", "the field type stands twice"},
		`,"id":"a","\u0074ype":"` + kind + `"}`:          {"a", "the field type stands twice"},
		`,"id":"a"`:                                      {"a", notJSON + "it ends too early"},
		`,"id":"a"} {}`:                                  {"a", fmt.Sprint(notJSON, "see byte ", len(start)+12)},
		`,"id":"a",}`:                                    {"a", fmt.Sprint(notJSON, "see byte ", len(start)+11)},
		`,"id":"a",'x':1}`:                               {"a", fmt.Sprint(notJSON, "see byte ", len(start)+11)},
		`,"id":"a","x":` + nested(32) + `}`:              {"a", fmt.Sprint(notJSON, "see byte ", len(start)+46)},
		`,"id":"a","x":` + strings.Repeat(`{"x":`, 9000): {"a", fmt.Sprint(notJSON, "see byte ", len(start)+15+31*5)},
		`,"id":"a","x":"` + "\x00" + `"}`:                {"a", fmt.Sprint(notJSON, "see byte ", len(start)+16)},
		`,"id":"a","x":"\ud8"}`:                          {"a", fmt.Sprint(notJSON, "see byte ", len(start)+20)},
		`,"id":"a","x":NaN}`:                             {"a", fmt.Sprint(notJSON, "see byte ", len(start)+15)},
	} {
		all = append(all, hostile{start + rest, protocol.BadRequest, tt.id, tt.says})
	}
	return all
}

// Each hostile message gets its exact error; the connection goes on, and nothing of it is
// stored or told to anybody.
func TestHostile_Messages(t *testing.T) {
	b := embeddedBackend(t)
	tg := start(t, b, "--command-rate", "0")
	c, other := dial(t, tg, "ana"), dial(t, tg, "bob")
	for _, tt := range hostileMessages() {
		m := c.ask(t, tt.message)
		id := ""
		if m.ID != nil {
			id = fmt.Sprint(m.ID)
		}
		if m.Type != protocol.TypeError || m.Code != tt.code || id != tt.id || m.Text != tt.says || m.Retryable {
			t.Errorf("%.100q (%d bytes):\ngot  %s, id %q, %q\nwant %s, id %q, %q", tt.message, len(tt.message), m.Code, id, m.Text, tt.code, tt.id, tt.says)
		}
		if m := c.ask(t, `{"type":"ping","id":"still there"}`); m.Type != protocol.TypePong || m.ID != "still there" {
			t.Fatalf("after %.100q: %+v", tt.message, m)
		}
	}
	if n := len(other.messages); n != 0 {
		t.Errorf("another client has got %d messages", n)
	}
	wantOnly(t, tg, b, 2, events.Shutdown)
}

// Hostile tokens on a connection get their exact error; it goes on with the token that it
// has, and no answer repeats one.
func TestHostile_Tokens(t *testing.T) {
	b := embeddedBackend(t)
	tg := startJWT(t, b)
	c, welcome := dialWith(t, withToken(token(t, "ana", time.Hour)), tg.ws+"/")
	receive(t, welcome, "the welcome")
	const refused, noToken = "the token is not accepted: ", "it is no JSON Web Token with claims of the right types"
	parts := strings.Split(token(t, "ana", time.Hour), ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	for name, tt := range map[string]struct {
		token string
		code  protocol.Code
		says  string
	}{
		"empty":               {"", protocol.Unauthorized, refused + noToken},
		"text":                {"not-a-token", protocol.Unauthorized, refused + noToken},
		"two dots":            {"..", protocol.Unauthorized, refused + noToken},
		"an operator":         {`{\"$gt\":\"\"}`, protocol.Unauthorized, refused + noToken},
		"a control character": {`\u0000.\u0000.\u0000`, protocol.Unauthorized, refused + noToken},
		"half of a surrogate": {`\ud800`, protocol.Unauthorized, refused + noToken},
		"too long":            {strings.Repeat("x", 60_000), protocol.Unauthorized, refused + "it is longer than 8192 bytes"},
		"no signature":        {parts[0] + "." + parts[1] + ".", protocol.Unauthorized, refused + "its signature is wrong"},
		"no algorithm":        {none + "." + parts[1] + ".", protocol.Unauthorized, refused + "its algorithm (alg) is not one that its key is for"},
		"expired":             {token(t, "ana", -time.Minute), protocol.Unauthorized, refused + "it has expired"},
		"of another user":     {token(t, "bob", time.Hour), protocol.Forbidden, "the token is of another user than this connection"},
		"of no user":          {token(t, " ana", time.Hour), protocol.Unauthorized, refused + "its sub is no user: invalid user id: it begins or ends with white space"},
	} {
		m := c.ask(t, `{"type":"token","id":"t","token":"`+tt.token+`"}`)
		if m.Type != protocol.TypeError || m.Code != tt.code || m.Text != tt.says || m.ID != "t" || m.Retryable {
			t.Errorf("%s: %s %q, want %s %q", name, m.Code, m.Text, tt.code, tt.says)
		}
		if m := c.ask(t, `{"type":"ping"}`); m.Type != protocol.TypePong {
			t.Fatalf("after %s: %+v", name, m)
		}
	}
	wantOnly(t, tg, b, 1, events.Shutdown)
}

// wantOnly ends the server, and holds that so many connections and nothing else are in
// the log, and that the last of them ended for a reason.
func wantOnly(t *testing.T, tg *target, b backend, connections int, last events.Reason) {
	t.Helper()
	if code := tg.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	r := verified(t, b)
	if want := uint64(2 + 2*connections); r.Events != want { // opened and sealed
		t.Errorf("%d events, want %d", r.Events, want)
	}
	for _, e := range arrivals(t, b) {
		if err := events.ValidateUser(e.User); err != nil {
			t.Errorf("%s is recorded: %v", e.ID, err)
		}
	}
	if last != 0 {
		reasons(t, b, map[events.Reason]int{last: connections + 1})
	}
}
