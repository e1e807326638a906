package asyncapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// Everything that a server says is described, and everything that is described is said:
// each message, each of its fields, each value that is listed, among them each code of
// an error.
func TestDocument_RealFrames(t *testing.T) {
	d := load(t)
	heard := newSeen(t, d)
	d.acceptsExamples(t, heard)
	commands(t, heard)
	mistakes(t, heard)
	watching(t, heard)
	farewells(t, heard)
	tokens(t, heard)
	withoutStore(t, heard)
	crowds(t, heard)

	for _, wrong := range heard.wrong {
		t.Error(wrong)
	}
	for _, trait := range without(heard.described, heard.traits) {
		t.Errorf("described and never seen: %s", trait)
	}
	for name := range d.messages {
		if len(heard.frames[name]) == 0 {
			t.Errorf("described and never seen: the message %s", name)
		}
	}
	for code := range heard.codes {
		if _, known := d.closeCodes(t)[code]; !known && code != 0 {
			t.Errorf("closed with %d, which is not described", code)
		}
	}
	d.wantMutantsRefused(t, heard)
}

// acceptsExamples gives every command of the description to a server that is not told to
// forbid it. It is answered by one of the messages that are described for it, and not by
// an error.
func (d *document) acceptsExamples(t *testing.T, heard *seen) {
	t.Helper()
	s := start(t, heard, "--fib-max", "1000000", "--command-rate", "0")
	locked := start(t, heard, "--auth", "jwt", "--auth-secret", secret)
	ana := s.dial(t, "ana", ws.Dialer{})
	bob := s.dial(t, "bob", ws.Dialer{}) // so that there is a next page
	shown := locked.dial(t, "", showing(tokenOf(t, "ana", "")))
	for _, c := range []*client{ana, bob, shown} {
		c.await(t, "welcome")
	}
	for _, e := range d.examples(t, d.commands) {
		c, command := ana, e.payload
		if e.message == "tokenCommand" {
			c, command = shown, strings.Replace(command, "TOKEN", tokenOf(t, "ana", ""), 1)
		}
		c.say(t, command)
		if f := c.await(t, d.answers[e.message]...); f.name == "error" {
			t.Errorf("the example %s, %s, is answered with %s", e.name, e.payload, f.text)
		}
	}
	if code := stop(t, s, ana); code != 1012 {
		t.Errorf("closed with %d", code)
	}
}

// stop ends a server, and returns the code with which it closes a client.
func stop(t *testing.T, s *server, c *client) int {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Errorf("presenced ended with %v", err)
	}
	return c.end(t)
}

// commands asks for each answer with each kind of id.
func commands(t *testing.T, heard *seen) {
	t.Helper()
	s := start(t, heard, "--command-rate", "0")
	c, _ := s.dial(t, "ana", ws.Dialer{}), s.dial(t, "bob", ws.Dialer{})
	c.await(t, "welcome")
	for _, id := range []string{`"id":"a",`, `"id":7,`, ``} {
		for command, answer := range map[string]string{
			`"n":1,"type":"fibonacci"`:                         "fibonacci",
			`"n":200,"type":"fibonacci"`:                       "fibonacci",
			`"n":2,"type":"fibonacci","algorithm":"matrix"`:    "fibonacci",
			`"n":9,"algorithm":"iterative","type":"fibonacci"`: "fibonacci",
			`"type":"sequence","n":10`:                         "sequence",
			`"type":"ping"`:                                    "pong",
			`"type":"who"`:                                     "who",
			`"type":"who","limit":1`:                           "who",
			`"type":"who","users":["bob"]`:                     "who",
			`"type":"watch"`:                                   "watch",
			`"type":"watch","users":[]`:                        "watch",
			`"type":"watch","level":"connections"`:             "watch",
			`"type":"unwatch"`:                                 "unwatch",
		} {
			c.ask(t, "{"+id+command+"}", answer)
		}
	}
}

// mistakes makes one of each kind that a command can have.
func mistakes(t *testing.T, heard *seen) {
	t.Helper()
	s := start(t, heard, "--fib-max", "1000000", "--fib-workers", "1", "--command-rate", "20")
	c := s.dial(t, "ana", ws.Dialer{})
	c.refused(t, `{`, "bad_request")
	c.refused(t, `{"type":"fibonacci","id":1,"n":"x"}`, "bad_request")
	c.refused(t, `{"type":"fib","id":"a"}`, "unknown_type")
	c.refused(t, `-1`, "out_of_range")
	c.refused(t, `{"type":"token","token":"x"}`, "forbidden")
	// One runs and eight wait, for seconds.
	greedy := s.dial(t, "bob", ws.Dialer{})
	for i := range 12 {
		greedy.say(t, fmt.Sprintf(`{"type":"fibonacci","id":%d,"n":1000000,"algorithm":"iterative"}`, i))
	}
	if f := greedy.await(t, "error"); !strings.Contains(f.text, `"busy"`) {
		t.Errorf("too many computations are answered with %s", f.text)
	}
	greedy.leave()
	hasty := s.dial(t, "eve", ws.Dialer{})
	for range 1000 {
		hasty.say(t, `{"type":"ping"}`)
	}
	if f := hasty.await(t, "error"); !strings.Contains(f.text, `"rate_limited"`) {
		t.Errorf("too many commands are answered with %s", f.text)
	}
}

// watching sees others come and go.
func watching(t *testing.T, heard *seen) {
	t.Helper()
	s := start(t, heard, "--grace", "10ms")
	for _, command := range []string{
		`{"type":"watch","users":["bob"]}`, `{"type":"watch","level":"connections"}`,
	} {
		c := s.dial(t, "ana", ws.Dialer{})
		c.ask(t, command, "watch")
		s.dial(t, "bob", ws.Dialer{}).leave()
		bob := s.dial(t, "bob", ws.Dialer{})
		bob.await(t, "welcome")
		for f := c.await(t, "presence"); !strings.Contains(f.text, `"joins":[{`); {
			f = c.await(t, "presence")
		}
		bob.leave()
		for f := c.await(t, "presence"); !strings.Contains(f.text, `"leaves":[{`); {
			f = c.await(t, "presence")
		}
		c.leave()
	}
}

// farewells are those that the server says: 4503, 4504, 1012.
func farewells(t *testing.T, heard *seen) {
	t.Helper()
	s := start(t, heard, "--max-conns-per-user", "1")
	first := s.dial(t, "ana", ws.Dialer{})
	first.await(t, "welcome")
	if code := s.dial(t, "ana", ws.Dialer{}).end(t); code != 4504 {
		t.Errorf("one too many is closed with %d", code)
	}
	s.kick(t, "ana")
	if code := first.end(t); code != 4503 {
		t.Errorf("who is kicked is closed with %d", code)
	}
	last := s.dial(t, "bob", ws.Dialer{})
	last.await(t, "welcome")
	if code := stop(t, s, last); code != 1012 {
		t.Errorf("closed with %d by a server that leaves", code)
	}
	last.await(t, "drain")
}

// tokens shows good and bad ones.
func tokens(t *testing.T, heard *seen) {
	t.Helper()
	s := start(t, heard, "--auth", "jwt", "--auth-secret", secret)
	if code := s.dial(t, "", offering("x")).end(t); code != 4500 {
		t.Errorf("a bad token is closed with %d", code)
	}
	c := s.dial(t, "", offering(tokenOf(t, "ana", "all")))
	c.await(t, "welcome")
	for _, id := range []string{`"id":"a",`, `"id":7,`, ``} {
		c.ask(t, `{`+id+`"type":"token","token":"`+tokenOf(t, "ana", "all")+`"}`, "token")
	}
	c.ask(t, `{"type":"watch"}`, "watch")
	c.say(t, `{"type":"token","token":"`+tokenOf(t, "ana", "")+`"}`)
	if f := c.await(t, "error"); !strings.Contains(f.text, `"forbidden"`) || strings.Contains(f.text, `"id"`) {
		t.Errorf("a watch that is not allowed any more ends with %s", f.text)
	}
	c.refused(t, `{"type":"token","token":"x"}`, "unauthorized")
	c.refused(t, `{"type":"token","token":"`+tokenOf(t, "bob", "")+`"}`, "forbidden")
	c.refused(t, `{"type":"watch"}`, "forbidden")
}

// closeCodes are those that the description lists, and whether to connect again.
func (d *document) closeCodes(t *testing.T) map[int]bool {
	t.Helper()
	codes := make(map[int]bool)
	list, _ := d.at(t, "channels", "socket")["x-closeCodes"].([]any)
	for _, entry := range list {
		o, _ := entry.(object)
		var code int
		if _, err := fmt.Sscan(fmt.Sprint(o["code"]), &code); err != nil {
			t.Errorf("the close code %v: %v", o, err)
		}
		again, _ := o["reconnect"].(bool)
		codes[code] = again
	}
	return codes
}

// wantMutantsRefused holds that the schemas are strict: no frame is of its message any
// more when a field is missing, another one is there, or one has another type.
func (d *document) wantMutantsRefused(t *testing.T, heard *seen) {
	t.Helper()
	n := 0
	for _, name := range slices.Sorted(maps.Keys(heard.frames)) {
		required := d.required(t, name)
		for _, text := range heard.frames[name] {
			for what, mutant := range mutants(t, text, required) {
				n++
				if is(d.messages[name], mutant) == nil {
					t.Errorf("%s with %s is still of its message: %.300s", name, what, mutant)
				}
			}
		}
	}
	if n < 200 {
		t.Errorf("only %d mutants", n)
	}
}
