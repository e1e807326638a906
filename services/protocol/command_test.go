package protocol

import (
	"strings"
	"testing"
)

var limits = Limits{MaxFibonacci: 100_000, MaxSequence: 1000, MaxUsers: 3}

func TestParse_Commands(t *testing.T) {
	id64 := `"` + strings.Repeat("x", 64) + `"`
	tests := []struct {
		name, message string
		want          Command
	}{
		{"fibonacci", `{"type":"fibonacci","id":"a1","n":90}`, Command{Type: Fibonacci, ID: []byte(`"a1"`), N: 90}},
		{"any order and space", " {\t\"n\" : 90 ,\r\n\"type\":\"fibonacci\" } \n", Command{Type: Fibonacci, N: 90}},
		{"highest n", `{"type":"fibonacci","n":100000}`, Command{Type: Fibonacci, N: 100_000}},
		{"minus zero is zero", `{"type":"fibonacci","n":-0}`, Command{Type: Fibonacci}},
		{"algorithm", `{"type":"fibonacci","n":1,"algorithm":"matrix"}`, Command{Type: Fibonacci, N: 1, Algorithm: []byte("matrix")}},
		{"escaped algorithm", `{"type":"fibonacci","n":1,"algorithm":"fast\u002Ddoubling"}`, Command{Type: Fibonacci, N: 1, Algorithm: []byte("fast-doubling")}},
		{"empty algorithm", `{"type":"fibonacci","n":1,"algorithm":""}`, Command{Type: Fibonacci, N: 1, Algorithm: []byte{}}},
		{"sequence", `{"type":"sequence","id":"a2","n":1000}`, Command{Type: Sequence, ID: []byte(`"a2"`), N: 1000}},
		{"sequence has no algorithm", `{"type":"sequence","n":1,"algorithm":7}`, Command{Type: Sequence, N: 1}},
		{"ping", `{"type":"ping"}`, Command{Type: Ping}},
		{"ping has no n", `{"type":"ping","n":"x"}`, Command{Type: Ping}},
		{"id is an integer", `{"type":"ping","id":18446744073709551615}`, Command{Type: Ping, ID: []byte("18446744073709551615")}},
		{"id is negative", `{"type":"ping","id":-18446744073709551615}`, Command{Type: Ping, ID: []byte("-18446744073709551615")}},
		{"id is empty", `{"type":"ping","id":""}`, Command{Type: Ping, ID: []byte(`""`)}},
		{"id of 64 bytes", `{"type":"ping","id":` + id64 + `}`, Command{Type: Ping, ID: []byte(id64)}},
		{"id with escapes stays as it came", `{"type":"ping","id":"\"\ud800\u0041"}`, Command{Type: Ping, ID: []byte(`"\"\ud800\u0041"`)}},
		{"escaped names and type", `{"ty\u0070e":"f\u0069bonacci","\u006e":3}`, Command{Type: Fibonacci, N: 3}},
		{"unknown fields", `{"x":[{"type":"no","n":null}],"type":"ping","y":{},"x":-1.5e-7,"N":1}`, Command{Type: Ping}},
		{"nested as deep as allowed", `{"type":"ping","x":` + nested(maxDepth-1) + `}`, Command{Type: Ping}},
		{"token", `{"type":"token","id":1,"token":"a\u002eb.c"}`, Command{Type: Token, ID: []byte("1"), Token: []byte("a.b.c")}},
		{"token is empty", `{"type":"token","token":""}`, Command{Type: Token, Token: []byte{}}},
		{"bare integer", `42`, Command{Type: Fibonacci, N: 42}},
		{"bare zero", `0`, Command{Type: Fibonacci}},
		{"bare integer among white space", " \t42\r\n", Command{Type: Fibonacci, N: 42}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Command{Type: 9, ID: []byte("stale"), N: 9, Algorithm: []byte("stale"), Token: []byte("stale")}
			if e := Parse([]byte(tt.message), limits, &got); e != nil {
				t.Fatalf("%s: %s: %s", tt.message, e.Code, e.Message)
			}
			if got.Type != tt.want.Type || got.N != tt.want.N || !same(got.ID, tt.want.ID) || !same(got.Algorithm, tt.want.Algorithm) || !same(got.Token, tt.want.Token) {
				t.Errorf("%s: got %+v, want %+v", tt.message, got, tt.want)
			}
		})
	}
}

// same compares, and tells nil from empty.
func same(a, b []byte) bool { return string(a) == string(b) && (a == nil) == (b == nil) }

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func TestParse_Refusals(t *testing.T) {
	const nRange = "n must be between 0 and 100000"
	tests := []struct {
		name, message string
		code          Code
		id, text      string // text: what the message says, or begins with
	}{
		{"negative", `{"type":"fibonacci","id":"a1","n":-1}`, OutOfRange, `"a1"`, nRange},
		{"one too many", `{"type":"fibonacci","id":7,"n":100001}`, OutOfRange, `7`, nRange},
		{"just over 64 bits", `{"type":"fibonacci","n":18446744073709551616}`, OutOfRange, ``, nRange},
		{"over 64 bits, low digits small", `{"type":"fibonacci","n":184467440737095516160000000000000000000042}`, OutOfRange, ``, nRange},
		{"a thousand digits", `{"type":"fibonacci","n":` + strings.Repeat("9", 1000) + `}`, OutOfRange, ``, nRange},
		{"huge negative", `{"type":"fibonacci","n":-99999999999999999999}`, OutOfRange, ``, nRange},
		{"fraction", `{"type":"fibonacci","id":"f","n":1.5}`, BadRequest, `"f"`, nRange + ", in digits, without fraction and exponent"},
		{"whole fraction", `{"type":"fibonacci","n":1.0}`, BadRequest, ``, nRange + ", in digits"},
		{"exponent", `{"type":"fibonacci","n":1e3}`, BadRequest, ``, nRange + ", in digits"},
		{"large exponent", `{"type":"fibonacci","n":1E+400}`, BadRequest, ``, nRange + ", in digits"},
		{"n is a string", `{"type":"fibonacci","id":"s","n":"90"}`, BadRequest, `"s"`, nRange + ", not a string"},
		{"n is null", `{"type":"fibonacci","n":null}`, BadRequest, ``, nRange + ", not null"},
		{"n is an array", `{"type":"fibonacci","n":[90]}`, BadRequest, ``, nRange + ", not an array"},
		{"n is an object", `{"type":"fibonacci","n":{}}`, BadRequest, ``, nRange + ", not an object"},
		{"n is a boolean", `{"type":"fibonacci","n":true}`, BadRequest, ``, nRange + ", not a boolean"},
		{"n is missing", `{"type":"fibonacci","id":"m"}`, BadRequest, `"m"`, "n is missing: " + nRange},
		{"n in upper case is missing", `{"type":"fibonacci","N":1}`, BadRequest, ``, "n is missing: "},
		{"sequence too long", `{"type":"sequence","id":"q","n":1001}`, OutOfRange, `"q"`, "n must be between 0 and 1000"},
		{"algorithm is a number", `{"type":"fibonacci","id":"g","n":1,"algorithm":1}`, BadRequest, `"g"`, "algorithm must be a string, not a number"},

		{"token is missing", `{"type":"token","id":"k"}`, BadRequest, `"k"`, "token is missing: it is a string"},
		{"token is a number", `{"type":"token","token":7}`, BadRequest, ``, "token must be a string, not a number"},
		{"token is an object", `{"type":"token","token":{"$gt":""}}`, BadRequest, ``, "token must be a string, not an object"},
		{"token twice", `{"type":"token","id":"k","token":"hidden","token":"hidden"}`, BadRequest, `"k"`, "the field token stands twice"},

		{"id too long", `{"type":"ping","id":"` + strings.Repeat("x", 65) + `"}`, BadRequest, ``, "id must be"},
		{"id of 21 digits", `{"type":"ping","id":184467440737095516150}`, BadRequest, ``, "id must be"},
		{"id is a fraction", `{"type":"ping","id":1.0}`, BadRequest, ``, "id must be"},
		{"id is null", `{"type":"ping","id":null}`, BadRequest, ``, "id must be"},
		{"id is an object", `{"type":"ping","id":{}}`, BadRequest, ``, "id must be"},

		{"no type", `{"n":1,"id":"t"}`, BadRequest, `"t"`, "type is missing: want one of fibonacci, sequence, ping, token"},
		{"empty object", `{}`, BadRequest, ``, "type is missing"},
		{"type is a number", `{"type":1,"id":"t"}`, BadRequest, `"t"`, "type must be a string, not a number"},
		{"unknown type", `{"type":"whom","id":"t"}`, UnknownType, `"t"`, `unknown type "whom": want one of fibonacci, sequence, ping, token, who, watch, unwatch`},
		{"type in upper case", `{"type":"PING"}`, UnknownType, ``, `unknown type "PING"`},
		{"unknown type, hostile", `{"type":"\u0000\n\u202e<script>"}`, UnknownType, ``, `unknown type "\x00\n\u202e<script>": want`},
		{"unknown type, long", `{"type":"` + strings.Repeat("x", 31) + `éyyyy"}`, UnknownType, ``, `unknown type "` + strings.Repeat("x", 31) + `"…`},
		{"unknown type, not UTF-8", `{"type":"` + strings.Repeat("\x80", 60) + `"}`, UnknownType, ``, `unknown type "\x80\x80`},

		{"type twice", `{"id":"d","type":"ping","type":"ping"}`, BadRequest, `"d"`, "the field type stands twice"},
		{"type twice, once escaped", `{"type":"ping","\u0074ype":"ping"}`, BadRequest, ``, "the field type stands twice"},
		{"n twice", `{"type":"fibonacci","n":1,"n":2}`, BadRequest, ``, "the field n stands twice"},
		{"id twice", `{"type":"ping","id":"a","id":"b"}`, BadRequest, ``, "the field id stands twice"},
		{"algorithm twice", `{"algorithm":"","algorithm":""}`, BadRequest, ``, "the field algorithm stands twice"},

		{"empty", ``, BadRequest, ``, "the message is empty"},
		{"white space", " \n", BadRequest, ``, "the message is empty"},
		{"array", `[{"type":"ping"}]`, BadRequest, ``, "a message is an object such as"},
		{"string", `"ping"`, BadRequest, ``, "a message is an object such as"},
		{"null", `null`, BadRequest, ``, "a message is an object such as"},
		{"bare negative", `-1`, OutOfRange, ``, nRange},
		{"bare fraction", `1.5`, BadRequest, ``, nRange + ", in digits"},
		{"bare exponent", `1e3`, BadRequest, ``, nRange + ", in digits"},
		{"bare and huge", strings.Repeat("9", 65536), OutOfRange, ``, nRange},
		{"bare with plus", `+1`, BadRequest, ``, "the message is not valid JSON: see byte 1"},
		{"bare with leading zero", `042`, BadRequest, ``, "the message is not valid JSON: see byte 2"},
		{"two integers", `1 2`, BadRequest, ``, "the message is not valid JSON: see byte 3"},
		{"text", `hello`, BadRequest, ``, "the message is not valid JSON: see byte 1"},
		{"byte order mark", "\ufeff42", BadRequest, ``, "the message is not valid JSON: see byte 1"},
		{"NUL", "\x0042", BadRequest, ``, "the message is not valid JSON: see byte 1"},

		{"cut off", `{"type":"ping","id":"c"`, BadRequest, `"c"`, "the message is not valid JSON: it ends too early"},
		{"cut off after an id that is none", `{"id":[],`, BadRequest, ``, "the message is not valid JSON: it ends too early"},
		{"something follows", `{"type":"ping","id":"c"} {}`, BadRequest, `"c"`, "the message is not valid JSON: see byte 26"},
		{"comma at the end", `{"type":"ping",}`, BadRequest, ``, "the message is not valid JSON: see byte 16"},
		{"comma at the start", `{,"type":"ping"}`, BadRequest, ``, "the message is not valid JSON: see byte 2"},
		{"no comma", `{"type":"ping" "id":1}`, BadRequest, ``, "the message is not valid JSON: see byte 16"},
		{"no colon", `{"type" "ping"}`, BadRequest, ``, "the message is not valid JSON: see byte 9"},
		{"no value", `{"type":}`, BadRequest, ``, "the message is not valid JSON: see byte 9"},
		{"single quotes", `{'type':'ping'}`, BadRequest, ``, "the message is not valid JSON: see byte 2"},
		{"name without quotes", `{type:"ping"}`, BadRequest, ``, "the message is not valid JSON: see byte 2"},
		{"n is NaN", `{"type":"fibonacci","n":NaN}`, BadRequest, ``, "the message is not valid JSON: see byte 25"},
		{"n has a leading zero", `{"type":"fibonacci","n":01}`, BadRequest, ``, "the message is not valid JSON: see byte 26"},
		{"unknown field is not JSON", `{"type":"ping","x":[1,]}`, BadRequest, ``, "the message is not valid JSON: see byte 23"},
		{"raw control character", "{\"type\":\"pi\nng\"}", BadRequest, ``, "the message is not valid JSON: see byte 12"},
		{"unknown escape", `{"type":"\x"}`, BadRequest, ``, "the message is not valid JSON: see byte 11"},
		{"half an escape", `{"type":"\u12"}`, BadRequest, ``, "the message is not valid JSON: see byte 14"},
		{"nested too deep", `{"type":"ping","x":` + nested(maxDepth) + `}`, BadRequest, ``, "the message is not valid JSON: see byte"},
		{"nested to the end of the frame", strings.Repeat("[", 65536), BadRequest, ``, "the message is not valid JSON: see byte"},
		{"objects to the end of the frame", strings.Repeat(`{"x":`, 13000), BadRequest, ``, "the message is not valid JSON: see byte"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c Command
			e := Parse([]byte(tt.message), limits, &c)
			if e == nil {
				t.Fatalf("accepted as %+v", c)
			}
			if e.Code != tt.code || string(e.ID) != tt.id || !strings.HasPrefix(e.Message, tt.text) {
				t.Errorf("got %s, id %q, %q\nwant %s, id %q, %q", e.Code, e.ID, e.Message, tt.code, tt.id, tt.text)
			}
		})
	}
}

func TestParse_LimitsOfConfiguration(t *testing.T) {
	var c Command
	l := Limits{MaxFibonacci: 1_000_000, MaxSequence: 5}
	if e := Parse([]byte(`{"type":"fibonacci","n":1000000}`), l, &c); e != nil || c.N != 1_000_000 {
		t.Errorf("n at the limit: got %+v, %+v", c, e)
	}
	if e := Parse([]byte(`{"type":"sequence","n":6}`), l, &c); e == nil || e.Message != "n must be between 0 and 5" {
		t.Errorf("n over the limit: got %+v, %+v", c, e)
	}
}

func TestParse_DoesNotAllocate(t *testing.T) {
	for _, message := range []string{
		`{"type":"fibonacci","id":"a1","n":90}`,
		`{"type":"fibonacci","id":1,"n":90,"algorithm":"matrix","x":{"y":[1,"\u0041",null]}}`,
		`{"ty\u0070e":"ping"}`,
		` 42 `,
	} {
		var c Command
		p := []byte(message)
		if n := testing.AllocsPerRun(100, func() { Parse(p, limits, &c) }); n != 0 {
			t.Errorf("%s: %v allocations", message, n)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for name, message := range map[string]string{
		"fibonacci": `{"type":"fibonacci","id":"a1","n":90}`,
		"bare":      `42`,
		"unknown":   `{"type":"ping","x":{"y":[1,2,3,{"z":"some text"}]}}`,
		"negative":  `{"type":"fibonacci","id":"a1","n":-1}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			p := []byte(message)
			var c Command
			for b.Loop() {
				Parse(p, limits, &c)
			}
		})
	}
}
