package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

var ten = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// messages has one message of every shape, from either side.
func messages() map[string][]byte {
	id := []byte(`"a1"`)
	east := ten.In(time.FixedZone("east", 5*3600+1800))
	welcome := Welcome{
		Connection: "n1/00000003/00000000000001f4", User: `a "b" \ é`, Node: "n1",
		Time: ten.Add(125 * time.Millisecond), Version: "1.0.0",
	}
	return map[string][]byte{
		"welcome":         AppendWelcome(nil, welcome),
		"time":            AppendTime(nil, ten),
		"time_late":       AppendTime(nil, ten.Add(7999*time.Microsecond)),
		"time_elsewhere":  AppendTime(nil, east),
		"fibonacci":       AppendFibonacci(nil, id, 94, []byte("19740274219868223167"), "fast-doubling", 3500*time.Nanosecond),
		"fibonacci_word":  AppendFibonacciUint(nil, id, 90, 2880067194370816120, "fast-doubling", 3*time.Microsecond),
		"fibonacci_no_id": AppendFibonacciUint(nil, nil, 0, 0, "matrix", 0),
		"sequence":        AppendSequence(nil, []byte("7"), [][]byte{[]byte("0"), []byte("1"), []byte("1")}),
		"sequence_empty":  AppendSequence(nil, nil, nil),
		"pong":            AppendPong(nil, []byte("18446744073709551615")),
		"pong_no_id":      AppendPong(nil, nil),
		"token":           AppendToken(nil, id, ten),
		"error":           AppendError(nil, &Error{ID: id, Code: OutOfRange, Message: "n must be between 0 and 100000"}),
		"error_retryable": AppendError(nil, &Error{Code: Busy, Message: "too many \"commands\"\n\x01 at once"}),
		"drain":           AppendDrain(nil, 1834567*time.Microsecond),
		"who": AppendWho(nil, id, WhoPage{
			Users: []Present{{User: `a "b"`, Since: ten, Connections: 2}, {User: "é", Since: ten.Add(time.Millisecond), Connections: 1}},
			Next:  "é", Total: 3,
		}),
		"who_nobody": AppendWho(nil, nil, WhoPage{}),
		"watch": AppendWatch(nil, &Snapshot{
			ID: id, Accepted: 2, Part: 1, Present: []Present{{User: "1", Since: ten}}, Position: "n1/00000003/00000000000001f4",
		}),
		"watch_everyone_part": AppendWatch(nil, &Snapshot{Accepted: -1, Part: 2, Resync: true, More: true, Present: []Present{{User: "1", Since: ten}}}),
		"watch_connections": AppendWatch(nil, &Snapshot{
			Level: ByConnection, Accepted: 0, Part: 1, Stale: true, Position: "n1/00000003/00000000000001f4",
			Present: []Present{{Connection: "n1/00000003/0000000000000001", User: "1", Since: ten}},
		}),
		"presence": AppendPresence(nil, &Changes{
			Joins: []Present{{User: "1", Since: ten}}, Leaves: []Present{{User: "2"}, {User: "3"}}, Position: "n1/00000003/00000000000001f5",
		}),
		"presence_part":            AppendPresence(nil, &Changes{Leaves: []Present{{Connection: "n1/00000003/0000000000000001", User: "2"}}, More: true}),
		"presence_stale":           AppendStale(nil, true),
		"unwatch":                  AppendUnwatch(nil, id),
		"command_who":              AppendWhoCommand(nil, "w", []string{"1", `"`}),
		"command_who_nobody":       AppendWhoCommand(nil, "", nil),
		"command_who_page":         AppendWhoPageCommand(nil, "w", 100, "é"),
		"command_watch":            AppendWatchCommand(nil, "", ByUser, nil),
		"command_watch_list":       AppendWatchCommand(nil, "w", ByConnection, []string{"1"}),
		"command_unwatch":          AppendUnwatchCommand(nil, "w"),
		"command_fibonacci":        AppendFibonacciCommand(nil, "a1", 90, ""),
		"command_fibonacci_matrix": AppendFibonacciCommand(nil, "", math.MaxUint64, "matrix"),
		"command_sequence":         AppendSequenceCommand(nil, "a2", 10),
		"command_ping":             AppendPingCommand(nil, ""),
		"command_ping_id":          AppendPingCommand(nil, `"<>`),
	}
}

func TestAppend_Golden(t *testing.T) {
	for name, got := range messages() {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", name+".json")
			got := append(got, '\n')
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("got  %swant %s", got, want)
			}
			if !json.Valid(got) {
				t.Errorf("%s is not JSON", got)
			}
		})
	}
}

func TestAppend_NoGoldenFileWithoutMessage(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	all := messages()
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".json"); all[name] == nil {
			t.Errorf("%s: no message makes it", f)
		}
	}
}

func TestDecode_GivesBackWhatWasSent(t *testing.T) {
	all := messages()
	for name, want := range map[string]Message{
		"welcome": {
			Type: TypeWelcome, Connection: "n1/00000003/00000000000001f4", User: `a "b" \ é`, Node: "n1",
			Time: ten.Add(125 * time.Millisecond), Version: "1.0.0",
		},
		"time":           {Type: TypeTime, Time: ten, UnixMs: ten.UnixMilli()},
		"time_elsewhere": {Type: TypeTime, Time: ten, UnixMs: ten.UnixMilli()},
		"fibonacci":      {Type: TypeFibonacci, ID: "a1", N: 94, Value: "19740274219868223167", Algorithm: "fast-doubling", Micros: 3},
		"pong":           {Type: TypePong, ID: json.Number("18446744073709551615")},
		"error":          {Type: TypeError, ID: "a1", Code: OutOfRange, Text: "n must be between 0 and 100000"},
		"drain":          {Type: TypeDrain, ReconnectAfterMs: 1834},
	} {
		got, err := Decode(all[name])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if g, w := asText(t, got), asText(t, want); g != w {
			t.Errorf("%s: got %s, want %s", name, g, w)
		}
	}
	got, err := Decode(all["sequence"])
	if err != nil || strings.Join(got.Values, " ") != "0 1 1" || got.N != 3 || got.ID != json.Number("7") {
		t.Errorf("sequence: got %+v, %v", got, err)
	}
}

// asText is m in a form that compares times as moments, not as structs.
func asText(t *testing.T, m Message) string {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDecode_UnknownTypesAndFieldsAreLeftToTheClient(t *testing.T) {
	m, err := Decode([]byte(`{"type":"presence","joins":[]}`))
	if err != nil || m.Type != "presence" {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestDecode_NoMessage(t *testing.T) {
	for _, text := range []string{
		``, `{`, `[]`, `null`, `"time"`, `42`, `{}`, `{"type":1}`, `{"type":""}`, `{"type":"pong"} {}`, `{"type":"pong"}x`,
		`{"type":"pong","id":{}}`, `{"type":"pong","id":true}`, `{"type":"time","time":"noon"}`, `{"type":"fibonacci","n":-1}`,
	} {
		if m, err := Decode([]byte(text)); !errors.Is(err, ErrNoMessage) {
			t.Errorf("%s: got %+v, %v", text, m, err)
		}
	}
}

func TestAppendCommand_IsWhatParseReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringN(0, 10, 10).Draw(t, "id") // 60 bytes if each is escaped
		algorithm := rapid.StringN(0, 32, 64).Draw(t, "algorithm")
		n := rapid.Uint64Range(0, 2000).Draw(t, "n")
		var c Command
		if e := Parse(AppendFibonacciCommand(nil, id, n, algorithm), limits, &c); e != nil {
			t.Fatalf("%+v", e)
		}
		if c.Type != Fibonacci || c.N != n || text(c.ID) != id || string(c.Algorithm) != algorithm {
			t.Fatalf("got %+v", c)
		}
		e := Parse(AppendSequenceCommand(nil, id, n), limits, &c)
		if (e == nil) != (n <= limits.MaxSequence) || e == nil && (c.Type != Sequence || c.N != n || text(c.ID) != id) {
			t.Fatalf("got %+v, %+v", c, e)
		}
		if e := Parse(AppendPingCommand(nil, id), limits, &c); e != nil || c.Type != Ping || text(c.ID) != id {
			t.Fatalf("got %+v, %+v", c, e)
		}
	})
}

// text is an id that was sent as a string; "" if there is none.
func text(id []byte) string {
	if id == nil {
		return ""
	}
	return string(unquote(nil, id))
}

func TestAppendString_IsValidWhateverItIsGiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "s"))
		var got string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(s, ""); strings.ReplaceAll(got, "\ufffd", "") != strings.ReplaceAll(want, "\ufffd", "") {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestAppend_DoesNotAllocate(t *testing.T) {
	b := make([]byte, 0, 1024)
	id, value := []byte(`"a1"`), []byte("19740274219868223167")
	e := &Error{ID: id, Code: Busy, Message: "too many commands at once"}
	w := Welcome{Connection: "n1/00000003/00000000000001f4", User: "42", Node: "n1", Time: ten, Version: "1"}
	values := [][]byte{value, value}
	for name, run := range map[string]func(){
		"welcome":   func() { AppendWelcome(b, w) },
		"time":      func() { AppendTime(b, ten) },
		"fibonacci": func() { AppendFibonacci(b, id, 94, value, "fast-doubling", time.Second) },
		"word":      func() { AppendFibonacciUint(b, id, 90, 2880067194370816120, "fast-doubling", time.Second) },
		"sequence":  func() { AppendSequence(b, id, values) },
		"pong":      func() { AppendPong(b, id) },
		"error":     func() { AppendError(b, e) },
		"token":     func() { AppendToken(b, id, ten) },
		"drain":     func() { AppendDrain(b, time.Second) },
		"command":   func() { AppendFibonacciCommand(b, "a1", 90, "matrix") },
	} {
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestAppendSequence_GrowsOnce(t *testing.T) {
	values := make([][]byte, 1000)
	for i := range values {
		values[i] = bytes.Repeat([]byte("9"), i/5+1)
	}
	id := []byte(`"` + strings.Repeat("x", MaxID) + `"`)
	if n := testing.AllocsPerRun(10, func() { AppendSequence(nil, id, values) }); n != 1 {
		t.Errorf("%v allocations", n)
	}
}

func TestCloseCode_Reconnect(t *testing.T) {
	for code, want := range map[CloseCode]bool{
		CloseNormal: false, CloseGoingAway: true, CloseProtocol: false, CloseUnsupported: false, CloseInvalidData: false,
		ClosePolicy: false, CloseTooBig: false, CloseInternal: true, CloseRestart: true, CloseTryLater: true,
		CloseSlow: true, CloseTimeout: true, CloseInvalidToken: false, CloseKicked: false, CloseTooMany: false,
		4499: true, 4999: false,
	} {
		if got := code.Reconnect(); got != want {
			t.Errorf("%d: got %v, want %v", code, got, want)
		}
	}
}

func TestCode_Retryable(t *testing.T) {
	for code, want := range map[Code]bool{
		BadRequest: false, UnknownType: false, OutOfRange: false, TooLarge: false, Busy: true,
		RateLimited: true, Unauthorized: false, Forbidden: false, Internal: true,
	} {
		if got := code.Retryable(); got != want {
			t.Errorf("%s: got %v, want %v", code, got, want)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	buf := make([]byte, 0, 1024)
	id := []byte(`"a1"`)
	for name, run := range map[string]func(){
		"time":      func() { AppendTime(buf, ten) },
		"fibonacci": func() { AppendFibonacciUint(buf, id, 90, 2880067194370816120, "fast-doubling", time.Millisecond) },
		"pong":      func() { AppendPong(buf, id) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}

// FuzzDecode holds that a client survives whatever a server sends.
func FuzzDecode(f *testing.F) {
	for _, m := range messages() {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		m, err := Decode(p)
		if (err == nil) != (m.Type != "") {
			t.Fatalf("%q: got %+v, %v", p, m, err)
		}
	})
}
