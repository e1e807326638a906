package talk

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/services/protocol"
	"pgregory.net/rapid"
)

func TestBackoff_Delay(t *testing.T) {
	b := Backoff{Base: 500 * time.Millisecond, Max: 30 * time.Second}
	tests := []struct {
		n      int
		hint   time.Duration
		random float64
		want   time.Duration
	}{
		{0, 0, 0, 0},
		{0, 0, 0.5, 250 * time.Millisecond},
		{1, 0, 0.5, 500 * time.Millisecond},
		{5, 0, 0.5, 8 * time.Second},
		{6, 0, 0.5, 15 * time.Second}, // 32 s would be over the maximum
		{1 << 40, 0, 0.5, 15 * time.Second},
		{0, 2 * time.Second, 0, 2 * time.Second},
		{0, 2 * time.Second, 0.5, 2250 * time.Millisecond},
		{0, 24 * time.Hour, 0, 5 * time.Minute}, // nobody waits a day
		{0, -time.Second, 0.5, 250 * time.Millisecond},
	}
	for _, tt := range tests {
		if got := b.Delay(tt.n, tt.hint, tt.random); got != tt.want {
			t.Errorf("Delay(%d, %s, %g) = %s, want %s", tt.n, tt.hint, tt.random, got, tt.want)
		}
	}
}

func TestParseLine(t *testing.T) {
	tests := []struct {
		line, want string // "": nothing, "?": not understood, "quit", or the message
	}{
		{"", ""}, {"  \r\n", ""},
		{"42\n", `{"type":"fibonacci","id":"1","n":42}`},
		{" 007\r\n", `{"type":"fibonacci","id":"1","n":7}`},
		{"000", `{"type":"fibonacci","id":"1","n":0}`},
		{"-0", `{"type":"fibonacci","id":"1","n":0}`},
		{"-5", `{"type":"fibonacci","id":"1","n":-5}`},
		{"99999999999999999999999", `{"type":"fibonacci","id":"1","n":99999999999999999999999}`},
		{"seq  10", `{"type":"sequence","id":"1","n":10}`},
		{"ping", `{"type":"ping","id":"1"}`},
		{"quit", "quit"},
		{"/who", `{"type":"who","id":"1","limit":100}`},
		{"  /who ana  \"Zoë & co\"\n", `{"type":"who","id":"1","users":["ana","Zoë & co"]}`},
		{"/watch", `{"type":"watch","id":"1"}`},
		{"/watch ana bob", `{"type":"watch","id":"1","users":["ana","bob"]}`},
		{"/unwatch", `{"type":"unwatch","id":"1"}`},
		{"/ping", `{"type":"ping","id":"1"}`},
		{"/quit", "quit"}, {"/help", "help"}, {"/more", "more"},
		{`{"type":"ping"}`, `{"id":"1","type":"ping"}`},
		{` { "type" : "who", "limit":5, "after":"bob", "new":[1] } `, `{"id":"1", "type" : "who", "limit":5, "after":"bob", "new":[1] }`},
		{`{"type":"fibonacci","id":7,"n":99999999999999999999}`, `{"type":"fibonacci","id":7,"n":99999999999999999999}`},
		{`{"type":"token","id":"mine","token":"a.b.c"}`, `{"type":"token","id":"mine","token":"a.b.c"}`},
		{"/", "?"}, {"/whom", "?"}, {"/ping ana", "?"}, {`/who "ana`, "?"}, {`/who ""`, "?"}, {"/watch a\u202eb", "?"}, {"/who " + strings.Repeat("x", 129), "?"},
		{"{", "?"}, {"{}", "?"}, {`{"type":"whom"}`, "?"}, {`{"type":"ping","id":""}`, "?"}, {`{"type":"ping","id":1.5}`, "?"}, {`{"type":"ping","type":"ping"}`, "?"},
		{`{"type":"ping"} {"type":"ping"}`, "?"}, {`[{"type":"ping"}]`, "?"}, {`{"type":"ping","x":"` + strings.Repeat("x", maxMessage-20) + `"}`, "?"},
		{"+5", "?"}, {"1.5", "?"}, {"1e3", "?"}, {"-", "?"}, {"0x10", "?"}, {"٤٢", "?"},
		{"seq", "?"}, {"seq x", "?"}, {"seq 1 2", "?"}, {"1 2", "?"}, {"hello", "?"}, {"\xff\x1b", "?"},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			if got := shown(ParseLine(tt.line)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func shown(l Line) string {
	switch {
	case l.Err != nil:
		return "?"
	case l.Quit:
		return "quit"
	case l.Help:
		return "help"
	case l.More:
		return "more"
	case l.Command.Type == 0:
		return ""
	}
	return string(l.Command.encode("1"))
}

func TestParseLine_error_says_what_can_be_typed(t *testing.T) {
	tests := []struct{ line, want string }{
		{"hel\x1blo", help},
		{"/wohs", `there is no "/wohs": did you mean /who?`},
		{"/whoami", `did you mean /who?`},
		{"/w", "did you mean /who or /watch?"},
		{"/", `there is no "/": /help says what there is`},
		{"/dance\x1b[2J", `/help says`},
		{"/ping ana\x1b", `/ping stands alone, got "ana\x1b" behind it`},
		{"/who  \"a\tb\"", `/who "a\tb": invalid user id`},
		{`/watch "ana`, "a name in quotes has no end"},
		{`{"type":"whom\x1b"}`, "not valid JSON"},
		{`{"type":"whom"}`, `the message is not sent: unknown type "whom": want one of fibonacci, sequence, ping`},
		{`{"type":"ping"`, "it ends too early"},
		{`{"type":"who","limit":"x"}`, "limit must be between 1 and 1000, not a string"},
		{`{"type":"ping","id":""}`, "the id of the message is empty"},
	}
	for _, tt := range tests {
		err := ParseLine(tt.line).Err
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: got %v, want %q in it", tt.line, err, tt.want)
		}
	}
}

func TestHelp_lists_every_slash_command(t *testing.T) {
	for _, s := range slashes {
		if !strings.Contains(Help(), "  "+strings.TrimSpace(s.name+" "+s.arguments)+" ") {
			t.Errorf("%s is missing in:\n%s", s.name, Help())
		}
	}
}

func TestComplete(t *testing.T) {
	tests := []struct{ begun, want string }{
		{"/", "[/who  /more /watch  /unwatch /ping /help /quit]"},
		{"/w", "[/who  /watch ]"},
		{"/un", "[/unwatch]"},
		{"/x", "[]"},
	}
	for _, tt := range tests {
		if got := fmt.Sprint(Complete(tt.begun)); got != tt.want {
			t.Errorf("Complete(%q) = %s, want %s", tt.begun, got, tt.want)
		}
	}
}

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "abc", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"/who", "/wohs", 2}, {"/ping", "/pign", 2}}
	for _, tt := range tests {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	for _, s := range []string{"42", "-1", "seq 3", "ping", "quit", "x y", "seq -", "/who a \"b c\"", "/watch", `{"type":"ping"}`, `{ "id":"","type":"who"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		l := ParseLine(line)
		if l.Err == nil && l.Command.Type != 0 && !json.Valid(l.Command.encode("1")) {
			t.Errorf("%q makes %s", line, l.Command.encode("1"))
		}
	})
}

func TestReadLine(t *testing.T) {
	long := strings.Repeat("1", 2*maxLine+17)
	r := bufio.NewReaderSize(strings.NewReader("1\n\n"+long+"\n2\nquit\n3"), maxLine)
	var got []string
	for {
		line, err := readLine(r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, shown(line))
	}
	want := fmt.Sprint([]string{shown(ParseLine("1")), "", "?", shown(ParseLine("2")), "quit", shown(ParseLine("3"))})
	if fmt.Sprint(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Whatever happens to connections, every command is in one place until it is answered,
// and those that wait are in the order in which they were asked.
func TestOutstanding_loses_and_doubles_nothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o outstanding
		open := map[string]bool{}
		asked := 0
		t.Repeat(map[string]func(*rapid.T){
			"ask": func(*rapid.T) {
				asked++
				o.add(Command{Type: protocol.Ping})
				open[fmt.Sprint(asked)] = true
			},
			"send":   func(*rapid.T) { o.next(time.Time{}) },
			"lose":   func(*rapid.T) { o.lost() },
			"answer": func(t *rapid.T) { answerOne(t, &o, open, false) },
			"refuse": func(t *rapid.T) { answerOne(t, &o, open, true) },
			"": func(t *rapid.T) {
				if len(o.flying) > maxFlying {
					t.Fatalf("%d fly", len(o.flying))
				}
				seen := map[string]bool{}
				for _, r := range slices.Concat(o.flying, o.waiting) {
					if seen[r.id] || !open[r.id] {
						t.Fatalf("%s is there twice, or was answered", r.id)
					}
					seen[r.id] = true
				}
				if len(seen) != len(open) || len(o.commands()) != len(open) || o.empty() != (len(open) == 0) {
					t.Fatalf("%d are there, %d are open", len(seen), len(open))
				}
			},
		})
	})
}

func answerOne(t *rapid.T, o *outstanding, open map[string]bool, again bool) {
	if len(o.flying) == 0 {
		t.Skip("nothing flies")
	}
	id := rapid.SampledFrom(o.flying).Draw(t, "request").id
	r := o.answer(id, false)
	if r == nil || r.id != id {
		t.Fatalf("no request %s", id)
	}
	if again {
		o.again(r)
		return
	}
	delete(open, id)
}

func TestOutstanding_answer_knows_only_what_flies(t *testing.T) {
	var o outstanding
	o.add(Command{Type: protocol.Ping})
	for _, id := range []any{"1", "2", "", nil, json.Number("1"), true} {
		if r := o.answer(id, false); r != nil {
			t.Errorf("answer(%v) = %v", id, r)
		}
	}
	o.next(time.Time{})
	if o.answer(json.Number("1"), false) != nil || o.answer("1", false) == nil || o.answer("1", false) != nil {
		t.Error("a request is answered once, by its id")
	}
}

// A command may come with its own id. A number that is given later is another one.
func TestOutstanding_ids_do_not_meet(t *testing.T) {
	var o outstanding
	o.add(ParseLine(`{"type":"ping","id":"1"}`).Command)
	o.add(ParseLine(`{"type":"ping","id":2}`).Command)
	o.add(Command{Type: protocol.Ping})
	o.probe()
	o.probe()
	var ids []string
	for r := o.next(time.Time{}); r != nil; r = o.next(time.Time{}) {
		ids = append(ids, r.id)
	}
	if got := fmt.Sprint(ids); got != "[1 number 2 2 probe-1]" {
		t.Errorf("the ids are %s", got)
	}
	if r := o.answer(json.Number("2"), true); r == nil || r.command.id != "number 2" {
		t.Errorf("2 is answered by %v", r)
	}
	if r := o.answer(json.Number("2"), false); r == nil || r.command.id != "number 2" {
		t.Errorf("2 is gone after a part of its answer")
	}
	o.lost()
	if n := len(o.all()); n != 2 || o.empty() {
		t.Errorf("%d are left, want 2: a probe is not asked again", n)
	}
}
