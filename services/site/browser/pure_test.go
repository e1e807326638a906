package browser

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// The parts of the page that know neither a document nor a clock are held to tables here,
// in the engine that they are for.

// of is what an expression comes to that speaks of a module of the page as m.
func of(p *tab, module, expression string) any {
	p.Helper()
	return value[any](p, fmt.Sprintf(`import("./assets/%s").then((m) => (%s))`, module, expression))
}

// same holds that an expression comes to a value, given as JSON.
func same(p *tab, module, expression, want string) {
	p.Helper()
	var wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		p.Fatalf("%s: %v", want, err)
	}
	if got := of(p, module, expression); !reflect.DeepEqual(got, wanted) {
		text, _ := json.Marshal(got)
		p.Errorf("%s of %s is %s, want %s", expression, module, text, want)
	}
}

func TestPure(t *testing.T) {
	p := visit(t, start(t).page())
	for _, tt := range []struct{ module, expression, want string }{
		// The wait doubles up to half a minute; half of it is chance. No try comes before a server wishes it.
		{"backoff.js", `[0, 1, 2, 5, 6, 7, 1000].map(m.ceiling)`, `[500, 1000, 2000, 16000, 30000, 30000, 30000]`},
		{"backoff.js", `[m.wait(0, 0), m.wait(0, 1), m.wait(3, 0.5), m.wait(50, 1)]`, `[250, 500, 3000, 30000]`},
		{"backoff.js", `[m.wait(0, 0.5, 1834), m.wait(1, 0, 1834), m.wait(9, 1, 1834), m.wait(0, 0, 0), m.wait(0, 0, 1e12)]`, `[1834, 1834, 30000, 250, 300000]`},

		{"closing.js", `[1000, 1002, 1003, 1007, 1008, 1009, 4500, 4503, 4504, 4599].filter((code) => m.judge(code, "", true).again)`, `[]`},
		{"closing.js", `[1001, 1005, 1006, 1011, 1012, 1013, 4008, 4012, 4000].filter((code) => !m.judge(code, "", true).again)`, `[]`},
		{"closing.js", `m.judge(4503, "go home", true).words`, `"An operator closed your connection. It says: “go home”."`},
		{"closing.js", `m.judge(1012, "server restart", true).words`, `"The server is restarting."`},
		{"closing.js", `m.judge(1006, "", true).words`, `"The connection was lost."`},
		{"closing.js", `m.judge(1006, "", false).words.slice(0, 32)`, `"The server cannot be reached. It"`},

		{"address.js", `[m.socketAddress("http://h:1/", "ana"), m.socketAddress("https://h/ws?user=x#y", "a&b é"), m.socketAddress("https://h/presence/", undefined)]`,
			`["ws://h:1/ws?user=ana", "wss://h/ws?user=a%26b%20%C3%A9", "wss://h/presence/ws"]`},
		{"address.js", `[m.subprotocols(""), m.subprotocols("a.b.c")]`, `[["presence.v1"], ["presence.v1", "bearer.a.b.c"]]`},
		{"address.js", `["ana", "é", "x".repeat(128), "forgotten-me"].map(m.nameProblem)`, `["", "", "", ""]`},
		{"address.js", `["", " a", "x".repeat(129), "a\nb", "a\u202eb", "a\u2028b", "\ud800", "forgotten-" + "a".repeat(26)].filter((name) => m.nameProblem(name) === "")`, `[]`},
		{"address.js", `["a.b.c", "", "a.b", "a b.c.d", "a.b.c.d"].map((token) => m.tokenProblem(token) === "")`, `[true, false, false, false, false]`},
		{"address.js", `[m.expiryOf("x." + btoa('{"exp":1795428000}') + ".y").toISOString(), m.expiryOf("nothing") ?? null, m.expiryOf("x." + btoa('{"exp":"soon"}') + ".y") ?? null]`,
			`["2026-11-23T10:00:00.000Z", null, null]`},

		{"digits.js", `[m.fold("12345", 5, 2), m.fold("123456", 5, 2)]`, `[{"head": "12345", "left": 0, "tail": ""}, {"head": "12", "left": 2, "tail": "56"}]`},
		{"digits.js", `["", "1", "123", "1234", "1234567"].map(m.groups)`, `[[], ["1"], ["123"], ["1", "234"], ["1", "234", "567"]]`},
		{"digits.js", `[" 42 ", "0", "007", "9".repeat(30)].map(m.readN)`, `[42, 0, 7, 9007199254740991]`},
		{"digits.js", `["", "-1", "1.0", "1e3", "٤٢", "4 2"].filter((text) => !Number.isNaN(m.readN(text)))`, `[]`},

		{"format.js", `[0, 999, 59_999, 60_000, 3_660_000, 86_400_000, 90_061_000, -5].map(m.span)`, `["0 s", "0 s", "59 s", "1 min", "1 h 1 min", "1 d", "1 d 1 h", "0 s"]`},
		{"format.js", `[0.0004, 0.85, 0.9996, 1.239, 9.996, 38.4, 999.6, 2100].map(m.duration)`, `["0 µs", "850 µs", "1.00 ms", "1.24 ms", "10 ms", "38 ms", "1.0 s", "2.1 s"]`},
		{"format.js", `[m.counted(1, "user"), m.counted(0, "user"), m.counted(1200, "user")]`, `["1 user", "0 users", "1,200 users"]`},
		{"format.js", `m.utc(new Date(1795428000000))`, `"2026-11-23 10:00:00 UTC"`},

		{"clock.js", `[0, 250, -250, 3200, -900, 7_200_000].map(m.offset)`, `["agrees", "agrees", "agrees", "3.2 s ahead", "900 ms behind", "2 h ahead"]`},

		{"refusal.js", `[new m.Refusal("out_of_range", "n must be between 0 and 100000").words, new m.Refusal("busy", "x").words.slice(0, 24), m.wordsOf(new TypeError("x"))]`,
			`["N must be between 0 and 100000.", "The server is still busy", "This page failed: x"]`},

		// Each square lies along the whole side of those before it, and the curve has no gap.
		{"spiral.js", `m.layOut([1, 1, 2, 3, 5])`, `{"squares": [{"x": 0, "y": 0, "side": 1, "arc": [0, 0, 1, 1]}, {"x": 1, "y": 0, "side": 1, "arc": [0, 1, 1, 0]},
			{"x": 0, "y": -2, "side": 2, "arc": [1, 1, 0, 0]}, {"x": -3, "y": -2, "side": 3, "arc": [1, 0, 0, 1]}, {"x": -3, "y": 1, "side": 5, "arc": [0, 0, 1, 1]}],
			"box": {"left": -3, "top": -2, "right": 2, "bottom": 6}}`},
		{"spiral.js", `m.layOut([1, 1, 2, 3, 5, 8, 13]).squares.every((s, i, all) => i === 0 || (all[i-1].x + all[i-1].arc[2] * all[i-1].side === s.x + s.arc[0] * s.side && all[i-1].y + all[i-1].arc[3] * all[i-1].side === s.y + s.arc[1] * s.side))`, `true`},
		{"spiral.js", `m.curve(m.layOut([1, 1]).squares)`, `"M0 0A1 1 0 0 0 1 1A1 1 0 0 0 2 0"`},
	} {
		same(p, tt.module, tt.expression, tt.want)
	}
}

// While a page is waited for another is asked for: what is shown is what the roster has.
func TestPure_Sight(t *testing.T) {
	p := visit(t, start(t).page())
	const frame = `(async () => {
		const asked = [];
		const sight = new m.Sight({ ask: (command) => new Promise((answer) => asked.push({ command, answer })) }, {});
		const answer = (i, message) => new Promise((done) => (asked[i].answer(message), setTimeout(done)));
		const first = { users: [{ user: "ana" }], next: "ana", total: 2 }, second = { users: [{ user: "bob" }], total: 2 };
		%s;
		return [asked.map(({ command }) => command.type).join(), sight.mode, sight.named.join(), sight.next];
	})()`
	for program, want := range map[string]string{
		`sight.page(""); await answer(0, first); await answer(1, {})`:                                                                                          `["who,watch", "paged", "ana", "ana"]`,
		`sight.page(""); await answer(0, first); sight.page("ana"); await answer(1, {})`:                                                                       `["who,watch,who", "paged", "ana", "ana"]`,
		`sight.page(""); await answer(0, first); sight.page("ana"); await answer(1, {}); await answer(2, second); await answer(3, {})`:                         `["who,watch,who,watch", "paged", "bob", ""]`,
		`sight.page(""); sight.page("ana"); await answer(1, second); await answer(0, first); await answer(2, {})`:                                              `["who,who,watch", "paged", "bob", ""]`,
		`m.bounds.everyone = 5; sight.page(""); await answer(0, first); sight.begin("ana"); await answer(2, first); await answer(1, {}); await answer(3, {})`:  `["who,watch,who,watch", "all", "", "ana"]`,
		`m.bounds.everyone = 1; sight.begin("ana", "b"); await answer(0, first); await answer(1, second); await answer(2, { users: [] }); await answer(3, {})`: `["who,who,who,watch", "paged", "bob", ""]`,
		`sight.name(["ana", "bob", "ana"]); await answer(0, { accepted: 1 })`:                                                                                  `["watch", "listed", "ana", ""]`,
	} {
		same(p, "sight.js", fmt.Sprintf(frame, program), want)
	}
}

// rosterOf is a program that gives messages to a roster, a second apart, and returns an
// expression of it.
func rosterOf(expression string, messages ...string) string {
	return fmt.Sprintf(`(() => { const r = new m.Roster(); [%s].forEach((message, i) => r.apply(message, 1000 * i)); return %s; })()`, strings.Join(messages, ", "), expression)
}

func TestPure_Roster(t *testing.T) {
	p := visit(t, start(t).page())
	const (
		snapshot = `{type: "watch", part: 1, more: true, connections: [{connection: "c1", user: "ana", since: "2026-11-23T10:00:00Z"}, {connection: "c2", user: "ana", since: "2026-11-23T09:00:00Z"}]}`
		rest     = `{type: "watch", part: 2, connections: [{connection: "c3", user: "bob", since: "2026-11-23T10:00:00Z"}]}`
		zoeJoins = `{type: "presence", joins: [{connection: "c4", user: "zoe", since: "2026-11-23T10:00:01Z"}], leaves: []}`
		anaLess  = `{type: "presence", joins: [], leaves: [{connection: "c2", user: "ana"}]}`
		bobGoes  = `{type: "presence", joins: [], leaves: [{connection: "c3", user: "bob"}]}`
		bobMoves = `{type: "presence", joins: [{connection: "c5", user: "bob", since: "2026-11-23T10:00:02Z"}], leaves: [{connection: "c3", user: "bob"}]}`
		bobAgain = `{type: "presence", joins: [{connection: "c6", user: "bob", since: "2026-11-23T10:00:03Z"}], leaves: []}`
		stranger = `{type: "presence", joins: [], leaves: [{connection: "c9", user: "eve"}]}`
		resync   = `{type: "watch", part: 1, resync: true, connections: [{connection: "c7", user: "max", since: "2026-11-23T10:00:00Z"}]}`
		proto    = `{type: "watch", part: 1, connections: [{connection: "c1", user: "__proto__", since: "2026-11-23T10:00:00Z"}]}`
		counts   = `[r.users, r.connections]`
		list     = `r.list("", 10).entries.map((e) => [e.user, e.devices, e.mark])`
	)
	for _, tt := range []struct {
		name, expression string
		messages         []string
		want             string
	}{
		{"a snapshot in parts", counts, []string{snapshot, rest}, `[2, 3]`},
		{"a snapshot marks nobody", list, []string{snapshot, rest}, `[["ana", 2, ""], ["bob", 1, ""]]`},
		{"since is the oldest connection's", `new Date(r.entry("ana").since).toISOString()`, []string{snapshot}, `"2026-11-23T09:00:00.000Z"`},
		{"a join", list, []string{snapshot, rest, zoeJoins}, `[["ana", 2, ""], ["bob", 1, ""], ["zoe", 1, "joined"]]`},
		{"one device less is no leave", list, []string{snapshot, anaLess}, `[["ana", 1, ""]]`},
		{"a leave", list, []string{snapshot, rest, bobGoes}, `[["ana", 2, ""], ["bob", 0, "left"]]`},
		{"who left is not counted", counts, []string{snapshot, rest, bobGoes}, `[1, 2]`},
		{"who comes again is not there twice", list, []string{snapshot, rest, bobGoes, bobAgain}, `[["ana", 2, ""], ["bob", 1, "joined"]]`},
		{"from one connection to another", counts, []string{rest, bobMoves}, `[1, 1]`},
		{"a join twice", counts, []string{snapshot, zoeJoins, zoeJoins}, `[2, 3]`},
		{"a leave of who is not there", counts, []string{snapshot, stranger}, `[1, 2]`},
		{"all anew", list, []string{snapshot, rest, zoeJoins, resync}, `[["max", 1, ""]]`},
		{"marks do not stay", `[r.settle(11_999), r.settle(12_000), r.settle(12_001), r.unsettled]`, []string{snapshot, rest, zoeJoins}, `[false, true, false, false]`},
		{"who left does not stay", `(r.settle(60_000), r.list("", 10).entries.map((e) => e.user))`, []string{snapshot, rest, bobGoes}, `["ana"]`},
		{"a bound", `(({entries, more}) => [entries.length, more])(r.list("", 1))`, []string{snapshot, rest, zoeJoins}, `[1, 2]`},
		{"a search", `r.list("OE", 10).entries.map((e) => e.user)`, []string{snapshot, rest, zoeJoins}, `["zoe"]`},
		{"a name that JavaScript knows", list, []string{proto}, `[["__proto__", 1, ""]]`},
		{"a push without anything", counts, []string{snapshot, `{type: "presence", stale: true}`}, `[1, 2]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := *p
			q.T = t
			same(&q, "roster.js", rosterOf(tt.expression, tt.messages...), tt.want)
		})
	}
}
