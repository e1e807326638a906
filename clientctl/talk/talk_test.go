package talk_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/scripted"
	"github.com/presenced/presence/clientctl/talk"
	"github.com/presenced/presence/clientctl/wire"
	"github.com/presenced/presence/services/protocol"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const welcome = `send {"type":"welcome","connection":"n1/00000001/0000000000000001","user":"42","node":"n1"}`

// result is what a talk left behind.
type result struct {
	out, err      string
	end           error
	took          time.Duration // on the fake clock
	asked, failed int
}

// converse runs a talk with a server that plays script, on a fake clock and in
// memory, and checks that the script was played to its end.
func converse(t *testing.T, script string, configure func(*talk.Config)) result {
	t.Helper()
	var r result
	synctest.Test(t, func(t *testing.T) {
		pipe := scripted.NewPipe()
		server, err := scripted.Start(pipe, script)
		if err != nil {
			t.Fatal(err)
		}
		var out, notices bytes.Buffer
		c := talk.Config{
			Address:  "ws://localhost:8080/?user=42",
			Dial:     wire.Options{NetDial: pipe.Dial},
			Show:     talk.NewText(&out, &notices, talk.Look{}),
			Ends:     true,
			Patience: 30 * time.Second,
			Random:   func() float64 { return 0.5 },
		}
		if configure != nil {
			configure(&c)
		}
		start := time.Now()
		talking := talk.New(c)
		r.end = talking.Run(t.Context())
		r.took = time.Since(start)
		r.asked, r.failed = talking.Counts()
		r.out, r.err = out.String(), notices.String()
		if err := server.Stop(); err != nil {
			t.Errorf("the script: %v", err)
		}
	})
	return r
}

func input(lines string) func(*talk.Config) {
	return func(c *talk.Config) { c.Input = strings.NewReader(lines) }
}

func (r result) want(t *testing.T, end error, out, notices string) {
	t.Helper()
	if !errors.Is(r.end, end) {
		t.Errorf("ended with %v, want %v", r.end, end)
	}
	if r.out != out {
		t.Errorf("out:\n%swant:\n%s", r.out, out)
	}
	if r.err != notices {
		t.Errorf("notices:\n%swant:\n%s", r.err, notices)
	}
}

func TestTalk_Run_answers_a_piped_number_and_closes(t *testing.T) {
	r := converse(t, welcome+`
		expect {"type":"fibonacci","id":"1","n":42}
		send {"type":"time","time":"2026-11-23T10:00:00Z","unixMs":1795428000000}
		send {"type":"fibonacci","id":"1","n":42,"value":"267914296","algorithm":"fast-doubling","micros":3}
		closed 1000`, input("42"))
	r.want(t, nil, `welcome 42: connection n1/00000001/0000000000000001 on node n1
time 2026-11-23T10:00:00Z
F(42) = 267914296
`, "")
}

func TestTalk_Run_knows_every_command(t *testing.T) {
	r := converse(t, `
		expect {"type":"sequence","id":"1","n":3}
		send {"type":"sequence","id":"1","n":3,"values":["0","1","1"]}
		expect {"type":"ping","id":"2"}
		send {"type":"pong","id":"2"}
		expect {"type":"fibonacci","id":"3","n":-5}
		send {"type":"error","id":"3","code":"out_of_range","message":"n must be between 0 and 100000","retryable":false}
		closed 1000`, input("seq 3\nping\n\n-005\nhello world\nquit\n7\n"))
	r.want(t, nil, "seq 3 = 0 1 1\npong in 0s\n", r.err)
	for _, want := range []string{
		`clientctl: "hello world" is not understood: type a whole number for its Fibonacci number, "seq N" for the first N of them, or /help for all there is`,
		"clientctl: F(-5): n must be between 0 and 100000 (out_of_range)",
	} {
		if !strings.Contains(r.err, want+"\n") {
			t.Errorf("%q lacks %q", r.err, want)
		}
	}
	if r.asked != 4 || r.failed != 2 {
		t.Errorf("%d asked, %d failed, want 4 and 2", r.asked, r.failed)
	}
}

func TestTalk_Run_keeps_a_window_and_reads_no_further(t *testing.T) {
	var script, lines strings.Builder
	for range 8 {
		lines.WriteString("1\n")
	}
	for i := range 8 {
		script.WriteString(`expect {"type":"fibonacci","id":"` + string(rune('1'+i)) + `","n":1}` + "\n")
	}
	// The ninth waits for an answer, whichever comes.
	script.WriteString(`send {"type":"fibonacci","id":"5","n":1,"value":"1"}` + "\n")
	script.WriteString(`expect {"type":"fibonacci","id":"9","n":2}` + "\n")
	for _, id := range []string{"9", "8", "7", "6", "4", "3", "2", "1"} {
		script.WriteString(`send {"type":"fibonacci","id":"` + id + `","n":1,"value":"1"}` + "\n")
	}
	script.WriteString("closed 1000")
	r := converse(t, script.String(), input(lines.String()+"2\n"))
	r.want(t, nil, strings.Repeat("F(1) = 1\n", 9), "")
}

func TestTalk_Run_asks_again_when_the_server_is_busy(t *testing.T) {
	r := converse(t, `
		expect {"type":"fibonacci","id":"1","n":7}
		send {"type":"error","id":"1","code":"busy","message":"try later","retryable":true}
		expect {"type":"fibonacci","id":"1","n":7}
		send {"type":"fibonacci","id":"1","n":7,"value":"13"}
		closed 1000`, input("7"))
	r.want(t, nil, "F(7) = 13\n", "")
	if want := 200 * time.Millisecond; r.took != want { // half of the span after one refusal
		t.Errorf("took %s, want %s", r.took, want)
	}
}

func TestTalk_Run_gives_up_on_a_server_that_stays_busy(t *testing.T) {
	r := converse(t, strings.Repeat(`
		expect {"type":"fibonacci","id":"1","n":7}
		send {"type":"error","id":"1","code":"busy","message":"try later","retryable":true}`, 6)+`
		closed 1000`, input("7"))
	r.want(t, nil, "", "clientctl: F(7): try later (busy)\n")
	if r.failed != 1 {
		t.Errorf("%d failed, want 1", r.failed)
	}
}

func TestTalk_Run_sends_again_what_was_lost_with_the_connection(t *testing.T) {
	r := converse(t, welcome+`
		expect {"type":"fibonacci","id":"1","n":1}
		expect {"type":"fibonacci","id":"2","n":2}
		send {"type":"fibonacci","id":"1","n":1,"value":"1"}
		drop
		next
		query user=42
		expect {"type":"fibonacci","id":"2","n":2}
		send {"type":"fibonacci","id":"2","n":2,"value":"1"}
		closed 1000`, input("1\n2\n"))
	r.want(t, nil, "welcome 42: connection n1/00000001/0000000000000001 on node n1\nF(1) = 1\nF(2) = 1\n",
		"clientctl: the connection is lost: it ended without a word; connecting again in 250ms\nclientctl: connected again\n")
}

func TestTalk_Run_waits_as_long_as_a_drain_asks(t *testing.T) {
	r := converse(t, welcome+`
		send {"type":"drain","reconnectAfterMs":2000}
		close 1012 restart
		next
		expect {"type":"fibonacci","id":"1","n":1}
		send {"type":"fibonacci","id":"1","n":1,"value":"1"}
		closed 1000`, func(c *talk.Config) {
		c.Input = after(time.Second, "1\n")
	})
	if r.end != nil || r.took != 2250*time.Millisecond {
		t.Errorf("took %s and ended with %v, want 2.25s: what was asked for and a random part", r.took, r.end)
	}
	if want := "the server closed the connection (1012): restart; connecting again in 2.25s"; !strings.Contains(r.err, want) {
		t.Errorf("%q lacks %q", r.err, want)
	}
}

// after is an input whose text comes after a while.
func after(d time.Duration, text string) io.Reader {
	r, w := io.Pipe()
	time.AfterFunc(d, func() {
		io.WriteString(w, text)
		w.Close()
	})
	return r
}

func TestTalk_Run_backs_off_and_starts_over_after_a_welcome(t *testing.T) {
	refuse := "\nnext\nrefuse 503 0 starting"
	r := converse(t, welcome+"\nclose 1013 later"+strings.Repeat(refuse, 3)+"\nnext\n"+welcome+"\ndrop\nnext\nclosed 1000",
		func(c *talk.Config) { c.Input = after(4*time.Second, "") })
	// Half of 0.5, 1, 2, 4 s; then, after the welcome, half of 0.5 s again.
	for _, wait := range []string{"again in 250ms", "again in 500ms", "again in 1s", "again in 2s"} {
		if !strings.Contains(r.err, wait) {
			t.Errorf("no %q in:\n%s", wait, r.err)
		}
	}
	if n := strings.Count(r.err, "again in 250ms"); n != 2 {
		t.Errorf("the first wait is there %d times, want 2:\n%s", n, r.err)
	}
}

func TestTalk_Run_takes_a_silent_server_for_dead(t *testing.T) {
	r := converse(t, welcome+`
		expect {"type":"fibonacci","id":"1","n":1}
		gone
		next
		expect {"type":"fibonacci","id":"1","n":1}
		send {"type":"fibonacci","id":"1","n":1,"value":"1"}
		closed 1000`, input("1"))
	if r.end != nil || r.took != 15*time.Second+250*time.Millisecond {
		t.Errorf("took %s and ended with %v", r.took, r.end)
	}
	if !strings.Contains(r.err, "nothing came from the server") {
		t.Errorf("notices: %s", r.err)
	}
}

func TestTalk_Run_is_patient_only_so_long(t *testing.T) {
	r := converse(t, `
		expect {"type":"fibonacci","id":"1","n":1}
		expect {"type":"fibonacci","id":"2","n":99}
		ping a
		closed 1000`, func(c *talk.Config) {
		c.Input = strings.NewReader("1\n99\n")
		c.Patience = 5 * time.Second
	})
	if r.took != 5*time.Second || fault.KindOf(r.end) != fault.Failed || r.end.Error() != "no answer within 5s to F(1), F(99)" {
		t.Errorf("took %s, ended with %v", r.took, r.end)
	}
	if r.failed != 2 {
		t.Errorf("%d failed, want 2", r.failed)
	}
}

func TestTalk_Run_patience_covers_reconnects(t *testing.T) {
	r := converse(t, `
		expect {"type":"fibonacci","id":"1","n":1}
		drop
		next
		refuse 503 60 try later`, input("1"))
	if r.took != 30*time.Second || fault.KindOf(r.end) != fault.Failed {
		t.Errorf("took %s, ended with %v", r.took, r.end)
	}
}

func TestTalk_Run_ends_when_told_not_to_come_back(t *testing.T) {
	tests := []struct{ name, script, want string }{
		{"kicked", welcome + "\nclose 4503 by an \x1b operator", "the server closed the connection (4503)"},
		{"normal", welcome + "\nclose 1000 bye", "(1000): bye"},
		{"refused", "refuse 400 0 add ?user=NAME", "ws://localhost:8080/ refused the connection: 400 Bad Request: add ?user=NAME"},
		{"refused for now", "refuse 503 5 full", "503 Service Unavailable: full"},
		{"refused later on", welcome + "\ndrop\nnext\nrefuse 403 0 no more", "403 Forbidden: no more"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := converse(t, tt.script, func(c *talk.Config) { c.Ends = false })
			if fault.KindOf(r.end) != fault.Refused || !strings.Contains(r.end.Error(), tt.want) {
				t.Errorf("ended with %v, want %q in it", r.end, tt.want)
			}
			if strings.Contains(r.end.Error(), "\x1b") {
				t.Errorf("a control character is left in %q", r.end)
			}
		})
	}
}

// A server that is away for long is told of once, not in three lines with each try.
func TestTalk_Run_says_once_why_there_is_no_connection(t *testing.T) {
	r := converse(t, "refuse 503 3 full\nnext\nrefuse 503 3 full\nnext\nrefuse 503 3 other\nnext\n"+welcome+"\nclosed 1000", func(c *talk.Config) {
		c.Retry = true
		c.Input = after(11*time.Second, "")
	})
	var notices []string
	for line := range strings.Lines(r.err) {
		if _, notice, found := strings.Cut(line, "refused the connection: 503 Service Unavailable: "); found {
			line = notice
		}
		notices = append(notices, line)
	}
	want := []string{
		"full; connecting again in 3.25s\n", "clientctl: still so; connecting again in 3.5s\n",
		"other; connecting again in 4s\n",
	}
	if r.end != nil || !slices.Equal(notices, want) {
		t.Errorf("ended with %v, notices %q, want %q", r.end, notices, want)
	}
}

func TestTalk_Run_retries_the_first_connect_if_asked(t *testing.T) {
	r := converse(t, "refuse 503 3 full\nnext\n"+welcome+"\nclosed 1000", func(c *talk.Config) {
		c.Retry = true
		c.Input = after(3*time.Second+251*time.Millisecond, "")
	})
	if r.end != nil || !strings.Contains(r.err, "refused the connection: 503 Service Unavailable: full; connecting again in 3.25s") {
		t.Errorf("ended with %v, notices %s", r.end, r.err)
	}
}

func TestTalk_Run_fails_when_the_first_connect_does(t *testing.T) {
	c := talk.Config{Address: "ws://127.0.0.1:1/?user=42", Show: talk.NewBare(io.Discard, io.Discard)} // nobody listens at port 1
	err := talk.New(c).Run(t.Context())
	if fault.KindOf(err) != fault.Unreachable || !strings.HasPrefix(err.Error(), "nothing listens at ws://127.0.0.1:1/: start the server with") {
		t.Errorf("ended with %v", err)
	}
}

func TestTalk_Run_closes_when_interrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		pipe := scripted.NewPipe()
		server, err := scripted.Start(pipe, welcome+"\nclosed 1000")
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, cancel)
		err = talk.New(talk.Config{Address: "ws://h/", Dial: wire.Options{NetDial: pipe.Dial}, Show: talk.NewBare(io.Discard, io.Discard)}).Run(ctx)
		if !errors.Is(err, fault.ErrInterrupted) {
			t.Errorf("ended with %v", err)
		}
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestTalk_Run_is_interrupted_between_connections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		pipe := scripted.NewPipe()
		server, err := scripted.Start(pipe, "refuse 503 60 full")
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, cancel)
		err = talk.New(talk.Config{Address: "ws://h/", Dial: wire.Options{NetDial: pipe.Dial}, Retry: true, Show: talk.NewBare(io.Discard, io.Discard)}).Run(ctx)
		if !errors.Is(err, fault.ErrInterrupted) {
			t.Errorf("ended with %v", err)
		}
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// The close frame and the next line of the input come at the same moment, and the
// socket is gone: whichever is seen first, the close frame is what counts.
func TestTalk_Run_hears_a_close_that_a_write_ran_into(t *testing.T) {
	for range 30 {
		r := converse(t, `
			expect {"type":"fibonacci","id":"1","n":1}
			raw 88 02 1197
			drop`, func(c *talk.Config) { c.Input, c.Ends = strings.NewReader("1\n2\n3\n4\n"), false })
		if fault.KindOf(r.end) != fault.Refused || !strings.Contains(r.end.Error(), "4503") {
			t.Fatalf("ended with %v", r.end)
		}
	}
}

func TestTalk_Run_does_not_wait_long_for_a_close(t *testing.T) {
	r := converse(t, welcome+"\nexpect {\"type\":\"ping\",\"id\":\"1\"}\nsend {\"type\":\"pong\",\"id\":\"1\"}\ngone", input("ping"))
	if r.end != nil || r.took != 2*time.Second {
		t.Errorf("took %s and ended with %v, want 2s", r.took, r.end)
	}
}

func TestTalk_Run_ends_when_its_output_does(t *testing.T) {
	r := converse(t, welcome+"\nclosed 1000", func(c *talk.Config) {
		c.Show = talk.NewText(broken{}, io.Discard, talk.Look{})
		c.Ends = false
	})
	if !errors.Is(r.end, io.ErrClosedPipe) {
		t.Errorf("ended with %v", r.end)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestTalk_Run_leaves_out_what_it_does_not_know(t *testing.T) {
	r := converse(t, `
		expect {"type":"ping","id":"1"}
		send {"type":"presence","joins":["1"]}
		send [1,2]
		send {"type":"fibonacci","id":"99","n":1,"value":"1"}
		send {"type":"pong","id":"1"}
		closed 1000`, input("ping"))
	if r.end != nil || r.out != "F(1) = 1\npong in 0s\n" || !strings.Contains(r.err, "left out a message") {
		t.Errorf("ended with %v, out %q, notices %q", r.end, r.out, r.err)
	}
}

func TestNewJSON_prints_each_message_as_it_came(t *testing.T) {
	var out bytes.Buffer
	r := converse(t, `
		send {"type":\t"presence","joins":[{"user":"a"}]}
		expect {"type":"ping","id":"1"}
		send {"type":"error","id":"1","code":"busy","message":"\u009b","retryable":true}
		expect {"type":"ping","id":"1"}
		send {"type": "pong",\n\t"id":"1"}
		closed 1000`, func(c *talk.Config) {
		c.Input = after(time.Second, "ping\n") // after the first message
		c.Show = talk.NewJSON(&out, io.Discard, true)
	})
	want := `{"type":"presence","joins":[{"user":"a"}]}
{"type":"error","id":"1","code":"busy","message":"\u009b","retryable":true}
{"type":"pong","id":"1"}
`
	if r.end != nil || out.String() != want {
		t.Errorf("ended with %v, out:\n%swant:\n%s", r.end, out.String(), want)
	}
}

func TestNewText_escapes_and_folds(t *testing.T) {
	var out bytes.Buffer
	long := strings.Repeat("7", 200)
	converse(t, `
		send {"type":"welcome","connection":"c","user":"\\u001b[31mred","node":"n1"}
		expect {"type":"fibonacci","id":"1","n":900}
		send {"type":"fibonacci","id":"1","n":900,"value":"`+long+`"}
		closed 1000`, func(c *talk.Config) {
		c.Input = after(time.Second, "900\n")
		c.Show = talk.NewText(&out, io.Discard, talk.Look{Fold: true})
	})
	want := "welcome \\x1b[31mred: connection c on node n1\nF(900) = " + long[:48] + "…" + long[:48] + " (200 digits)\n"
	if out.String() != want {
		t.Errorf("got:\n%swant:\n%s", out.String(), want)
	}
}

func TestNewBare_prints_numbers_alone(t *testing.T) {
	var out bytes.Buffer
	r := converse(t, welcome+`
		send {"type":"time","time":"2026-11-23T10:00:00Z"}
		expect {"type":"sequence","id":"1","n":3}
		send {"type":"sequence","id":"1","n":3,"values":["0","1","1"]}
		expect {"type":"fibonacci","id":"2","n":-1}
		send {"type":"error","id":"2","code":"out_of_range","message":"n must be between 0 and 100000"}
		closed 1000`, func(c *talk.Config) {
		c.Input = after(time.Second, "seq 3\n-1\n")
		c.Show = talk.NewBare(&out, io.Discard)
	})
	if fault.KindOf(r.end) != fault.Refused || r.end.Error() != "F(-1): n must be between 0 and 100000 (out_of_range)" {
		t.Errorf("ended with %v", r.end)
	}
	if out.String() != "0\n1\n1\n" {
		t.Errorf("out: %q", out.String())
	}
}

func TestTalk_Run_patience_covers_the_connect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := talk.New(talk.Config{
			Address:  "ws://localhost/?user=42",
			Dial:     wire.Options{NetDial: scripted.NewPipe().Dial}, // nobody accepts
			Show:     talk.NewBare(io.Discard, io.Discard),
			Commands: []talk.Command{{Type: protocol.Fibonacci, N: "1"}},
			Ends:     true,
			Patience: 3 * time.Second,
		}).Run(t.Context())
		if took := time.Since(start); took != 3*time.Second || fault.KindOf(err) != fault.Unreachable {
			t.Errorf("took %s and ended with %v", took, err)
		}
	})
}
