package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"go.uber.org/goleak"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/auth"
	"github.com/presenced/presence/services/fibonacci"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
	"github.com/presenced/presence/services/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// socket keeps what it is given to send.
type socket struct {
	sent   []string
	posted chan string
	closed chan string // code and reason
}

func newSocket() *socket {
	return &socket{posted: make(chan string, 64), closed: make(chan string, 8)}
}

func (s *socket) Send(m []byte) { s.sent = append(s.sent, string(m)) }
func (s *socket) Post(m []byte) { s.posted <- string(m) }
func (s *socket) Close(code uint16, reason string) {
	s.closed <- fmt.Sprintf("%d %s", code, reason)
}
func (s *socket) Behind() bool { return false }

// last is the last message that was sent at once.
func (s *socket) last(t *testing.T) protocol.Message {
	t.Helper()
	if len(s.sent) == 0 {
		t.Fatal("nothing was sent")
	}
	return decode(t, s.sent[len(s.sent)-1])
}

func (s *socket) post(t *testing.T) protocol.Message {
	t.Helper()
	select {
	case m := <-s.posted:
		return decode(t, m)
	case <-time.After(time.Minute):
		t.Fatal("nothing was posted")
		return protocol.Message{}
	}
}

func decode(t *testing.T, m string) protocol.Message {
	t.Helper()
	got, err := protocol.Decode([]byte(m))
	if err != nil || !json.Valid([]byte(m)) {
		t.Fatalf("%q: %v", m, err)
	}
	return got
}

// members counts what it is told.
type members struct {
	full     error
	admitted int
	told     []string
}

func (m *members) Admit() error {
	if m.full == nil {
		m.admitted++
	}
	return m.full
}
func (m *members) Release()                 { m.admitted-- }
func (m *members) Connect(c *presence.Conn) { m.told = append(m.told, "connect "+c.User()) }
func (m *members) Disconnect(c *presence.Conn, r events.Reason) {
	m.told = append(m.told, fmt.Sprint("disconnect ", c.User(), " ", r))
}

func newHost(t testing.TB, m *members) *session.Host {
	t.Helper()
	pool := fibonacci.NewPool(fibonacci.Config{Workers: 1})
	t.Cleanup(pool.Close)
	return &session.Host{
		Members: m, Pool: pool, Algorithm: fibonacci.FastDoubling, Version: "v1",
		Auth:   auth.Anonymous{},
		Limits: protocol.Limits{MaxFibonacci: 1_000_000, MaxSequence: 1000},
	}
}

func open(t testing.TB, h *session.Host, s session.Socket) *session.Session {
	t.Helper()
	var c session.Session
	if err := h.Admit(&c, session.Peer{User: "ana"}); err != nil {
		t.Fatal(err)
	}
	c.Open(s)
	return &c
}

func TestSession_Life(t *testing.T) {
	m, s := new(members), newSocket()
	c := open(t, newHost(t, m), s)
	c.Recorded(events.Stream{Node: "n1", Epoch: 3}.At(500))
	w := s.post(t)
	if w.Type != protocol.TypeWelcome || w.Connection != "n1/00000003/00000000000001f4" || w.User != "ana" || w.Node != "n1" || w.Version != "v1" || w.Time.IsZero() {
		t.Errorf("welcome %+v", w)
	}
	c.Closed(events.Slow)
	if got := strings.Join(m.told, ", "); got != "connect ana, disconnect ana slow" || m.admitted != 1 {
		t.Errorf("members were told %q, %d admitted", got, m.admitted)
	}
}

// Who is kicked is told so, and why if that is known; the rest is the gateway's.
func TestSession_Kicked(t *testing.T) {
	m, s := new(members), newSocket()
	c := open(t, newHost(t, m), s)
	c.Kicked("")
	c.Kicked("go home")
	if got := <-s.closed + ", " + <-s.closed; got != "4503 kicked by an operator, 4503 go home" || len(m.told) != 1 {
		t.Errorf("closed with %s; members were told %v", got, m.told)
	}
	c.Closed(events.Kicked)
}

// A connection that never opened gives its room back and leaves no event.
func TestSession_Closed_NeverOpened(t *testing.T) {
	m := new(members)
	var c session.Session
	if err := newHost(t, m).Admit(&c, session.Peer{User: "ana"}); err != nil {
		t.Fatal(err)
	}
	c.Closed(events.Client)
	if m.admitted != 0 || len(m.told) != 0 {
		t.Errorf("%d admitted, told %q", m.admitted, m.told)
	}
}

func TestHost_Admit_Full(t *testing.T) {
	var c session.Session
	if err := newHost(t, &members{full: presence.ErrFull}).Admit(&c, session.Peer{User: "ana"}); !errors.Is(err, presence.ErrFull) {
		t.Errorf("admitted: %v", err)
	}
}

func TestSession_Text(t *testing.T) {
	s := newSocket()
	c := open(t, newHost(t, new(members)), s)
	defer c.Closed(events.Client)
	tests := map[string]func(m protocol.Message) bool{
		`{"type":"ping","id":"a"}`: func(m protocol.Message) bool { return m.Type == protocol.TypePong && m.ID == "a" },
		`93`:                       func(m protocol.Message) bool { return m.Value == "12200160415121876738" },
		`{"type":"fibonacci","n":10,"algorithm":"iterative","id":"b"}`: func(m protocol.Message) bool {
			return m.Value == "55" && m.Algorithm == "iterative" && m.ID == "b"
		},
		`{"type":"fibonacci","n":10,"algorithm":"guess","id":"b"}`: func(m protocol.Message) bool {
			return m.Code == protocol.BadRequest && m.ID == "b" && strings.Contains(m.Text, "fast-doubling")
		},
		`{"type":"fibonacci","n":1000001}`: func(m protocol.Message) bool { return m.Code == protocol.OutOfRange },
		`{"type":"nonsense"}`:              func(m protocol.Message) bool { return m.Code == protocol.UnknownType },
	}
	for text, ok := range tests {
		c.Text([]byte(text))
		if m := s.last(t); !ok(m) {
			t.Errorf("%s: %+v", text, m)
		}
	}
	if len(s.posted) != 0 {
		t.Error("a small command was given to the pool")
	}
}

// Every message is counted once, by what it is, and every error by its code.
func TestHost_Counts(t *testing.T) {
	s := newSocket()
	h := newHost(t, new(members))
	computed := make(chan time.Duration, 1)
	h.Computed = func(took time.Duration) { computed <- took }
	for range 20 { // more sessions than there are places
		c := open(t, h, s)
		for _, text := range []string{`1`, `{"type":"fibonacci","n":2}`, `{"type":"ping"}`, `{`, `{"type":"who?"}`, `{"type":"fibonacci","n":9999999}`} {
			c.Text([]byte(text))
		}
		c.Text([]byte(`{"type":"sequence","n":3}`))
		s.post(t)
		<-computed
		c.Closed(events.Client)
	}
	got := h.Counts()
	for kind, want := range map[string]uint64{"fibonacci": 60, "ping": 20, "sequence": 20, "invalid": 40} {
		if got.Messages[kind] != want {
			t.Errorf("%d messages of type %s, want %d", got.Messages[kind], kind, want)
		}
	}
	for code, want := range map[protocol.Code]uint64{protocol.BadRequest: 20, protocol.UnknownType: 20, protocol.OutOfRange: 20, protocol.Busy: 0, "other": 0} {
		if got.Refused[code] != want {
			t.Errorf("%d refused with %s, want %d", got.Refused[code], code, want)
		}
	}
}

// What the pool computes refers to nothing of the message, which is only valid
// during the call.
func TestSession_Text_Pool(t *testing.T) {
	s := newSocket()
	c := open(t, newHost(t, new(members)), s)
	defer c.Closed(events.Client)
	message := []byte(`{"type":"fibonacci","n":94,"id":"abc"}`)
	c.Text(message)
	clear(message)
	if m := s.post(t); m.Value != "19740274219868223167" || m.ID != "abc" || m.N != 94 {
		t.Errorf("fibonacci: %+v", m)
	}
	c.Text([]byte(`{"type":"sequence","n":4,"id":1}`))
	if m := s.post(t); fmt.Sprint(m.Values) != "[0 1 1 2]" {
		t.Errorf("sequence: %+v", m)
	}
}

func TestSession_Text_Busy(t *testing.T) {
	s := newSocket()
	h := newHost(t, new(members))
	c := open(t, h, s)
	defer c.Closed(events.Client)
	for range 20 {
		c.Text([]byte(`{"type":"fibonacci","n":1000000,"id":"x"}`))
	}
	if m := s.last(t); m.Code != protocol.Busy || !m.Retryable || m.ID != "x" {
		t.Errorf("the twentieth: %+v", m)
	}
	h.Pool.Close()
	c.Text([]byte(`1000`))
	if m := s.last(t); m.Code != protocol.Internal && m.Code != protocol.Busy {
		t.Errorf("with the pool closed: %+v", m)
	}
}

// A client that leaves cancels its work.
func TestSession_Closed_Cancels(t *testing.T) {
	s := newSocket()
	h := newHost(t, new(members))
	c := open(t, h, s)
	for range 9 {
		c.Text([]byte(`{"type":"fibonacci","n":1000000,"algorithm":"iterative"}`))
	}
	c.Closed(events.Client)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for h.Pool.Stats() != (fibonacci.Stats{}) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the pool still has %+v", h.Pool.Stats())
		}
	}
	if len(s.posted) != 0 {
		t.Errorf("%d answers to who has left", len(s.posted))
	}
}

// discard is a socket that keeps nothing.
type discard struct{}

func (discard) Send([]byte)          {}
func (discard) Post([]byte)          {}
func (discard) Close(uint16, string) {}
func (discard) Behind() bool         { return false }

// Answering a small fibonacci command does not allocate.
func BenchmarkSession_Text(b *testing.B) {
	c := open(b, newHost(b, new(members)), discard{})
	for name, text := range map[string]string{
		"fibonacci 90": `{"type":"fibonacci","id":"a1","n":90}`,
		"bare 42":      `42`,
		"ping":         `{"type":"ping"}`,
	} {
		b.Run(name, func(b *testing.B) {
			message := []byte(text)
			b.ReportAllocs()
			for b.Loop() {
				c.Text(message)
			}
		})
	}
}

// Every client has one, so what only those need who ask for something is elsewhere.
func TestSession_Size(t *testing.T) {
	const sizeClass = 128 // the next one is 144
	if got := unsafe.Sizeof(session.Session{}); got > sizeClass {
		t.Errorf("a session has %d bytes, want at most %d", got, sizeClass)
	}
}

// What is over the rate is refused by name, whatever it is, and served later.
func TestSession_Text_RateLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSocket()
		h := newHost(t, new(members))
		h.CommandRate = 50
		c, other := open(t, h, s), open(t, h, newSocket())
		defer c.Closed(events.Client)
		defer other.Closed(events.Client)
		for i := range 100 {
			c.Text([]byte(`{"type":"ping"}`))
			if m := s.last(t); m.Type != protocol.TypePong {
				t.Fatalf("ping %d: %+v", i, m)
			}
		}
		for _, text := range []string{
			`{"type":"ping","id":"x"}`, `{"type":"fibonacci","id":"x","n":1}`, `{"type":"sequence","id":"x","n":3}`,
			`{"type":"nonsense","id":"x"}`, `{`,
		} {
			c.Text([]byte(text))
			if m := s.last(t); m.Code != protocol.RateLimited || !m.Retryable || m.ID != "x" && text != "{" {
				t.Errorf("%s over the rate: %+v", text, m)
			}
		}
		ours := len(s.sent)
		other.Text([]byte(`1`))
		if len(s.sent) != ours {
			t.Error("another connection's command is answered here")
		}
		<-time.After(20 * time.Millisecond)
		c.Text([]byte(`{"type":"ping"}`))
		if m := s.last(t); m.Type != protocol.TypePong {
			t.Errorf("a fiftieth of a second later: %+v", m)
		}
	})
}
