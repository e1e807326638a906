package talk_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/clientctl/talk"
	"github.com/presenced/presence/services/protocol"
)

func TestTalk_Run_who(t *testing.T) {
	r := converse(t, `
		expect {"type":"who","id":"1","limit":100}
		send {"type":"who","id":"1","users":[{"user":"Z\\u001boë","since":"2026-11-23T10:00:00Z","connections":2},{"user":"愛","since":"2026-11-23T10:00:01Z","connections":1}],"next":"愛","total":7}
		expect {"type":"who","id":"2","users":["ana","bob","bob"]}
		send {"type":"who","id":"2","users":[{"user":"ana","since":"2026-11-23T10:00:00Z","connections":1}],"total":7}
		closed 1000`, input("/who\n/who ana bob bob\n"))
	r.want(t, nil, `USER     SINCE                 CONNECTIONS
Z\x1boë  2026-11-23T10:00:00Z            2
愛       2026-11-23T10:00:01Z            1
in all, connections: 7; there are more users: type /more
USER  SINCE                 CONNECTIONS
ana   2026-11-23T10:00:00Z            1
bob   offline                         0
in all, connections: 7
`, "")
}

func TestTalk_Run_who_goes_on_where_the_last_page_ended(t *testing.T) {
	page := func(id, next string) string {
		return `send {"type":"who","id":"` + id + `","users":[],` + next + `"total":9}` + "\n"
	}
	r := converse(t, `
		expect {"id":"1","type":"who","limit":2}
		`+page("1", `"next":"bob",`)+`
		expect {"type":"who","id":"2","limit":2,"after":"bob"}
		`+page("2", "")+`
		closed 1000`, func(c *talk.Config) {
		c.Input = spaced("/more\n", `{"type":"who","limit":2}`+"\n", "/more\n", "/more\n")
	})
	const none = "clientctl: there is no more to show: type /who first; it says if there is\n"
	r.want(t, nil, "nobody is online\nin all, connections: 9; there are more users: type /more\nnobody is online\nin all, connections: 9\n", none+none)
	if r.asked != 4 || r.failed != 2 {
		t.Errorf("%d asked, %d failed, want 4 and 2", r.asked, r.failed)
	}
}

// spaced is an input whose lines come a second apart.
func spaced(lines ...string) *spacedLines { return &spacedLines{lines} }

type spacedLines struct{ lines []string }

func (s *spacedLines) Read(p []byte) (int, error) {
	<-time.After(time.Second)
	if len(s.lines) == 0 {
		return strings.NewReader("").Read(p)
	}
	n := copy(p, s.lines[0])
	s.lines = s.lines[1:]
	return n, nil
}

const aWatch = `{"type":"watch","id":"1","level":"users","part":1,"users":[{"user":"ana","since":"2026-11-23T10:00:00Z"}]`

// All parts of a snapshot belong to the answer, so that a pipe has them all.
func TestTalk_Run_watch_is_answered_by_its_last_part(t *testing.T) {
	r := converse(t, `
		expect {"type":"watch","id":"1"}
		send `+aWatch+`,"more":true}
		send {"type":"watch","id":"1","level":"users","part":2,"users":[{"user":"bob","since":"2026-11-23T10:00:01Z"}]}
		closed 1000`, input("/watch"))
	r.want(t, nil, "watching everyone\nonline ana since 2026-11-23T10:00:00Z\nonline bob since 2026-11-23T10:00:01Z\n", "")
}

func TestTalk_Run_watches_on_after_a_reconnect_until_unwatch(t *testing.T) {
	r := converse(t, `
		expect {"type":"watch","id":"1","users":["ana"]}
		send `+aWatch+`,"accepted":1}
		drop
		next
		expect {"type":"watch","id":"2","users":["ana"]}
		send {"type":"watch","id":"2","level":"users","accepted":1,"part":1,"users":[]}
		expect {"type":"unwatch","id":"3"}
		send {"type":"unwatch","id":"3"}
		drop
		next
		closed 1000`, func(c *talk.Config) { c.Input = spaced("/watch ana\n", "\n", "/unwatch\n", "\n", "\n") })
	if r.end != nil || r.failed != 0 {
		t.Errorf("ended with %v, %d failed", r.end, r.failed)
	}
	if want := "watching 1 user\nonline ana since 2026-11-23T10:00:00Z\nwatching 1 user\nwatching nobody\n"; r.out != want {
		t.Errorf("out:\n%swant:\n%s", r.out, want)
	}
}

func TestTalk_Run_sends_messages_as_they_were_typed(t *testing.T) {
	r := converse(t, `
		expect {"type":"ping", "id":"mine"}
		send {"type":"pong","id":"mine"}
		expect {"type":"token","id":12345678901234567890,"token":"a.b.c"}
		send {"type":"token","id":12345678901234567890,"expires":"2026-11-23T11:00:00Z"}
		closed 1000`, input(`{"type":"ping", "id":"mine"}
{"type":"token","id":12345678901234567890,"token":"a.b.c"}`))
	r.want(t, nil, "pong in 0s\nthe token is good until 2026-11-23T11:00:00Z\n", "")
}

func TestTalk_Run_help(t *testing.T) {
	r := converse(t, "closed 1000", input("/help"))
	r.want(t, nil, talk.Help(), "")
}

// A probe is not asked by the user: it is neither shown nor counted, nor waited for, and
// lost with its connection.
func TestTalk_Run_probes(t *testing.T) {
	r := converse(t, `
		expect {"type":"ping","id":"probe-1"}
		send {"type":"error","id":"probe-1","code":"rate_limited","message":"slow down","retryable":true}
		expect {"type":"ping","id":"probe-2"}
		drop
		next
		expect {"type":"ping","id":"probe-3"}
		closed 1000`, func(c *talk.Config) {
		c.Probe = time.Minute
		c.Dial.Silence = time.Hour
		c.Input = after(61*time.Second, "")
	})
	if r.end != nil || r.out != "" || r.asked != 0 || r.failed != 0 {
		t.Errorf("ended with %v, out %q, %d asked, %d failed", r.end, r.out, r.asked, r.failed)
	}
}

// phases notes what becomes of the connection.
type phases struct {
	talk.Show
	seen *strings.Builder
}

func (p phases) State(s talk.State) error {
	p.seen.WriteString([]string{"connecting ", "connected ", "waiting "}[s.Phase])
	if s.Phase == talk.Waiting && time.Until(s.Until) != 250*time.Millisecond {
		p.seen.WriteString("too long ")
	}
	return nil
}

func TestTalk_Run_tells_of_every_phase(t *testing.T) {
	var seen strings.Builder
	r := converse(t, welcome+"\ndrop\nnext\nclosed 1000", func(c *talk.Config) {
		c.Show = phases{c.Show, &seen}
		c.Input = after(time.Second, "")
	})
	if got, want := seen.String(), "connecting connected waiting connecting connected "; r.end != nil || got != want {
		t.Errorf("ended with %v, saw %q, want %q", r.end, got, want)
	}
}

func TestNewText_colours_stand_outside_of_what_is_escaped(t *testing.T) {
	var out, notices bytes.Buffer
	converse(t, `
		send {"type":"presence","joins":[{"user":"\\u001b[31ma"}],"leaves":[{"user":"bob"}]}
		closed 1000`, func(c *talk.Config) {
		c.Input = after(time.Second, "what\n")
		c.Show = talk.NewText(&out, &notices, talk.Look{Colours: true, Notices: true, In: time.UTC})
	})
	if want := "\x1b[32mjoin\x1b[0m \\x1b[31ma\n\x1b[31mleave\x1b[0m bob\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	if !strings.HasPrefix(notices.String(), "clientctl: \x1b[33m\"what\" is not understood") {
		t.Errorf("notices: %q", notices.String())
	}
}

func TestAnswer_EndsWatch(t *testing.T) {
	watch, ping := &talk.Command{Type: protocol.Watch}, &talk.Command{Type: protocol.Ping}
	failed := func(id any, c protocol.Code) protocol.Message {
		return protocol.Message{Type: protocol.TypeError, ID: id, Code: c, Retryable: c.Retryable()}
	}
	tests := []struct {
		name string
		a    talk.Answer
		want bool
	}{
		{"unwatch", talk.Answer{Command: &talk.Command{Type: protocol.Unwatch}, Message: protocol.Message{Type: protocol.TypeUnwatch}}, true},
		{"a watch that is busy", talk.Answer{Command: watch, Message: failed("1", protocol.Busy)}, true},
		{"a watch that is forbidden leaves the one before", talk.Answer{Command: watch, Message: failed("1", protocol.Forbidden)}, false},
		{"another command", talk.Answer{Command: ping, Message: failed("1", protocol.Internal)}, false},
		{"a token that does not allow it", talk.Answer{Message: failed(nil, protocol.Forbidden)}, true},
		{"an answer to what nobody asked", talk.Answer{Message: failed("9", protocol.Forbidden)}, false},
		{"an error of another kind", talk.Answer{Message: failed(nil, protocol.BadRequest)}, false},
		{"a watch", talk.Answer{Command: watch, Message: protocol.Message{Type: protocol.TypeWatch}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.a.EndsWatch(); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// On a terminal lines are broken between words, and the table of /who is made to fit.
func TestNewText_fits_the_terminal(t *testing.T) {
	var out, notices bytes.Buffer
	r := converse(t, welcome+`
		expect {"type":"who","id":"1","limit":100}
		send {"type":"presence","joins":[{"user":"a user with a long name","since":"2026-11-23T10:00:00Z"}],"leaves":[]}
		send {"type":"who","id":"1","users":[{"user":"a user with a long name","since":"2026-11-23T10:00:00Z","connections":2}],"next":"a","total":7}
		closed 1000`, func(c *talk.Config) {
		c.Input = after(time.Second, "/who\n/quiz\n")
		width := func() int { return 40 }
		c.Show = talk.NewText(&out, &notices, talk.Look{Colours: true, Notices: true, In: time.UTC, Width: width, NoticeWidth: width})
	})
	if r.end != nil {
		t.Error(r.end)
	}
	if want := `welcome 42: connection
n1/00000001/0000000000000001 on node n1
` + "\x1b[32mjoin\x1b[0m" + ` a user with a long name since
2026-11-23 10:00:00
` + "\x1b[1mUSER                 SINCE\x1b[0m" + `
a user with a long…  2026-11-23 10:00:00
in all, connections: 7; there are more
users: type /more
`; out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	if want := "clientctl: \x1b[33mthere is no \"/quiz\": did you\x1b[0m\n\x1b[33mmean /quit?\x1b[0m\n"; notices.String() != want {
		t.Errorf("got %q, want %q", notices.String(), want)
	}
}

// Where a row has no more room than for who speaks, that stands alone.
func TestNewText_Notice_in_a_narrow_window(t *testing.T) {
	var notices bytes.Buffer
	show := talk.NewText(nil, &notices, talk.Look{Notices: true, NoticeWidth: func() int { return 12 }})
	if err := show.Notice("nothing is clientctl: here"); err != nil {
		t.Fatal(err)
	}
	if want := "clientctl:\n\x1b[33mnothing is\x1b[0m\n\x1b[33mclientctl:\x1b[0m\n\x1b[33mhere\x1b[0m\n"; notices.String() != want {
		t.Errorf("got %q, want %q", notices.String(), want)
	}
}
