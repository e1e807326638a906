package protocol

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/presenced/presence/events"
)

// jsonCorpus is JSON, and what is nearly JSON.
var jsonCorpus = []string{
	`{}`, `[]`, `{"a":1,"b":[true,false,null]}`, `"\"\\\/\b\f\n\r\t\u00e9\uD834\uDD1E"`, `-0.0e-0`, `1E+2`,
	` [ 1 , 2 ] `, `{"":{"":[]}}`, "\"\u2028\x7f\"", "\"\xff\"", `1234567890.0987654321e10`,
	``, ` `, `{`, `}`, `[`, `]`, `,`, `:`, `"`, `"\`, `"\u`, `"\u00g0"`, `-`, `.5`, `5.`, `1e`, `1e+`, `00`, `-01`, `+1`, `0x1`,
	`tru`, `nul`, `falsee`, `[1,]`, `[,1]`, `[1 2]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{1:2}`, `{"a":1}}`,
	"\"a\nb\"", "\x00", "[\x00]", "\"\x00\"", "\ufeff1", "[1]\x00", "\v1", "NaN", "Infinity", "'a'", "// comment\n1",
}

// valid reports whether p is one JSON value, as the scanner sees it.
func valid(p []byte) bool {
	s := scanner{p: p}
	s.space()
	if s.value(0) == nil {
		return false
	}
	s.space()
	return s.i == len(p)
}

func TestScanner_AgreesWithEncodingJSON(t *testing.T) {
	for _, text := range jsonCorpus {
		for cut := range len(text) + 1 {
			p := []byte(text[:cut])
			if got, want := valid(p), json.Valid(p); got != want {
				t.Errorf("%q: got %v, want %v", p, got, want)
			}
		}
	}
}

func TestScanner_ValueNestedTooDeep(t *testing.T) {
	for _, unit := range []struct{ open, close string }{{"[", "]"}, {`{"x":`, "}"}} {
		text := func(depth int) []byte {
			return []byte(strings.Repeat(unit.open, depth) + "0" + strings.Repeat(unit.close, depth))
		}
		if !valid(text(maxDepth)) {
			t.Errorf("%s: %d deep is refused", unit.open, maxDepth)
		}
		if valid(text(maxDepth + 1)) {
			t.Errorf("%s: %d deep is accepted", unit.open, maxDepth+1)
		}
	}
}

func TestUnquote_AgreesWithEncodingJSON(t *testing.T) {
	for _, quoted := range []string{
		`""`, `"plain é"`, `"\"\\\/\b\f\n\r\t"`, `"\u0041\u00e9\u20AC"`, `"a\uD834\uDD1Eb"`,
		`"\uD834"`, `"\uD834x"`, `"\uDD1E"`, `"\uDD1E\uD834"`, `"\uD834\u0041"`, `"\uD834\n"`, `"\uD834\uD834\uDD1E"`,
	} {
		var want string
		if err := json.Unmarshal([]byte(quoted), &want); err != nil {
			t.Fatal(err)
		}
		if got := unquote(nil, []byte(quoted)); string(got) != want {
			t.Errorf("%s: got %q, want %q", quoted, got, want)
		}
	}
}

// FuzzScanner holds the scanner against encoding/json: what is JSON, and what its
// strings say.
func FuzzScanner(f *testing.F) {
	for _, text := range jsonCorpus {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		want := json.Valid(p)
		if got := valid(p); got != want && !(want && deep(p)) {
			t.Fatalf("%q: got %v, want %v", p, got, want)
		}
		if p = bytes.TrimSpace(p); !want || p[0] != '"' || !utf8.Valid(p) {
			return
		}
		var text string
		if err := json.Unmarshal(p, &text); err != nil {
			t.Fatal(err)
		}
		if got := unquote(nil, p); string(got) != text {
			t.Fatalf("%s: got %q, want %q", p, got, text)
		}
	})
}

// deep reports whether valid JSON is nested deeper than the scanner goes.
func deep(p []byte) bool {
	depth, deepest := 0, 0
	d := json.NewDecoder(bytes.NewReader(p))
	for {
		token, err := d.Token()
		if err != nil {
			return deepest > maxDepth
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		deepest = max(deepest, depth)
	}
}

// FuzzParse holds that a message is accepted only if it is JSON, that what was
// accepted means what encoding/json reads in it, and that an error is always a
// valid message with an id that was sent.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"type":"fibonacci","id":"a1","n":90,"algorithm":"matrix"}`, `{"type":"sequence","id":7,"n":10}`,
		`{"type":"ping"}`, `{"type":"token","id":"t","token":"a\u002eb.c"}`, `42`, `-1`, `{"type":"whom"}`, `{"ty\u0070e":"ping","type":"ping"}`, `{"id":"x`, `{"type":"fibonacci","n":1e3}`,
		`{"type":"who","users":["1","\u0061\ud834\udd1e","é"]}`, `{"type":"who","limit":2,"after":"x"}`, `{"type":"who","users":[]}`,
		`{"type":"watch","level":"connections","users":["1" , "2"],"id":1}`, `{"type":"watch","users":["1","2","3","4",{}]}`, `{"type":"unwatch"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		var c Command
		if e := Parse(p, limits, &c); e != nil {
			checkError(t, p, e)
			return
		}
		if !json.Valid(p) {
			t.Fatalf("%q was accepted", p)
		}
		checkCommand(t, p, c)
	})
}

func checkError(t *testing.T, p []byte, e *Error) {
	t.Helper()
	if !bytes.Contains(p, e.ID) || e.Message == "" || len(e.Message) > 300 {
		t.Fatalf("%q: %+v", p, e)
	}
	message := AppendError(nil, e)
	if !json.Valid(message) {
		t.Fatalf("%q: answered with %q", p, message)
	}
	m, err := Decode(message)
	if err != nil || m.Type != TypeError || m.Code != e.Code {
		t.Fatalf("%q: answered with %q, read as %+v, %v", p, message, m, err)
	}
}

// checkCommand compares c with what encoding/json reads in p.
func checkCommand(t *testing.T, p []byte, c Command) {
	t.Helper()
	type command struct {
		Type      string          `json:"type"`
		ID        json.RawMessage `json:"id"`
		N         json.RawMessage `json:"n"`
		Algorithm json.RawMessage `json:"algorithm"`
		Token     json.RawMessage `json:"token"`
	}
	want := command{Type: "fibonacci", N: bytes.TrimSpace(p)}
	if want.N[0] == '{' {
		members := map[string]json.RawMessage{} // unlike a struct's fields, its names are matched exactly
		if err := json.Unmarshal(p, &members); err != nil {
			t.Fatal(err)
		}
		want = command{ID: members["id"], N: members["n"], Algorithm: members["algorithm"], Token: members["token"]}
		if err := json.Unmarshal(members["type"], &want.Type); err != nil {
			t.Fatal(err)
		}
	}
	names := map[CommandType]string{
		Fibonacci: "fibonacci", Sequence: "sequence", Ping: "ping", Token: "token",
		Who: "who", Watch: "watch", Unwatch: "unwatch",
	}
	if names[c.Type] != want.Type || string(c.ID) != string(want.ID) {
		t.Fatalf("%q: got %+v, want %+v", p, c, want)
	}
	switch c.Type {
	case Who, Watch:
		checkWho(t, p, c)
		return
	case Ping, Unwatch:
		return
	case Token:
		var token string
		if err := json.Unmarshal(want.Token, &token); err != nil || string(c.Token) != token {
			t.Fatalf("%q: got token %q, want %q, %v", p, c.Token, token, err)
		}
		return
	case Fibonacci, Sequence:
	}
	var n uint64
	if string(want.N) != "-0" {
		if err := json.Unmarshal(want.N, &n); err != nil {
			t.Fatal(err)
		}
	}
	if c.N != n {
		t.Fatalf("%q: got n %d, want %d", p, c.N, n)
	}
}

// checkWho compares what c asks about users with what encoding/json reads in p.
func checkWho(t *testing.T, p []byte, c Command) {
	t.Helper()
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(p, &members); err != nil {
		t.Fatal(err)
	}
	var want struct {
		Users []string
		Limit int
		After string
		Level string
	}
	read := func(field string, into any) {
		if value := members[field]; value != nil {
			if err := json.Unmarshal(value, into); err != nil {
				t.Fatalf("%q: %v", p, err)
			}
		}
	}
	read("users", &want.Users)
	if c.Type == Watch {
		read("level", &want.Level)
		if want.Level != "" && want.Level != c.Level.String() {
			t.Fatalf("%q: level %s", p, c.Level)
		}
	} else if want.Users == nil {
		read("limit", &want.Limit)
		read("after", &want.After)
		if want.Limit == 0 {
			want.Limit = limits.MaxUsers
		}
		if c.Limit != want.Limit || c.After != want.After && utf8.Valid(p) {
			t.Fatalf("%q: got %+v", p, c)
		}
	}
	if c.Given != len(want.Users) || (c.Users == nil) != (want.Users == nil) || len(c.Users) != min(c.Given, limits.MaxUsers) {
		t.Fatalf("%q: got %+v", p, c)
	}
	for i, u := range c.Users {
		if u != want.Users[i] || events.ValidateUser(u) != nil {
			t.Fatalf("%q: user %d is %q", p, i, u)
		}
	}
}
