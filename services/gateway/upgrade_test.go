package gateway

import (
	"bufio"
	"bytes"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// let is a Handler that lets everyone in, as the session it holds.
type let struct{ Session }

func (l let) Upgrade(*Request) (Session, *Refusal) { return l.Session, nil }

func TestUpgrader_answer_to_a_handler_without_a_decision(t *testing.T) {
	u := newUpgrader(let{nil}, 8<<10)
	session, response := u.answer([]byte(upgradeRequest("/")), netip.AddrPort{})
	if session != nil || !bytes.HasPrefix(response, []byte("HTTP/1.1 500 ")) {
		t.Errorf("session %v, response %q", session, response)
	}
}

// chooser is a Handler that lets everyone in, and selects one subprotocol if it can.
type chooser string

func (c chooser) Upgrade(r *Request) (Session, *Refusal) {
	r.Select(string(c))
	return nobody{}, nil
}

func TestUpgrader_subprotocols(t *testing.T) {
	u := newUpgrader(chooser("presence.v1"), 8<<10)
	for _, c := range []struct {
		name   string
		fields []string
		status string
		want   []string // what the response selects
	}{
		{"none offered", nil, "101", nil},
		{"the only one", []string{"presence.v1"}, "101", []string{"presence.v1"}},
		{"among others", []string{"bearer.a-b_c.d, presence.v1,x"}, "101", []string{"presence.v1"}},
		{"in several fields", []string{"x", "y ,\tpresence.v1"}, "101", []string{"presence.v1"}},
		{"offered twice", []string{"presence.v1, presence.v1"}, "101", []string{"presence.v1"}},
		{"empty items", []string{",, presence.v1 ,"}, "101", []string{"presence.v1"}},
		{"another", []string{"presence.v2"}, "101", nil},
		{"in another case", []string{"Presence.v1"}, "101", nil},
		{"a part of a name", []string{"presence.v11, xpresence.v1"}, "101", nil},
		{"not a token", []string{"presence.v1, a b"}, "400", nil},
		{"not a token of ASCII", []string{"presence.v1, \xe9"}, "400", nil},
		{"quoted", []string{`"presence.v1"`}, "400", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var extra []string
			for _, f := range c.fields {
				extra = append(extra, "Sec-WebSocket-Protocol: "+f)
			}
			session, response := u.answer([]byte(upgradeRequest("/", extra...)), netip.AddrPort{})
			r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(response)), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = r.Body.Close()
			got := r.Header.Values("Sec-WebSocket-Protocol")
			if !strings.HasPrefix(r.Status, c.status) || !slices.Equal(got, c.want) || (session != nil) != (c.status == "101") {
				t.Errorf("status %s, selected %q, session %v; want %s, %q", r.Status, got, session, c.status, c.want)
			}
		})
	}
}

// A request that is refused selects nothing, whatever the handler has selected.
func TestUpgrader_subprotocol_of_a_refusal(t *testing.T) {
	u := newUpgrader(refuser{}, 8<<10)
	_, response := u.answer([]byte(upgradeRequest("/", "Sec-WebSocket-Protocol: presence.v1")), netip.AddrPort{})
	if bytes.Contains(response, []byte("Sec-WebSocket-Protocol")) || !bytes.HasPrefix(response, []byte("HTTP/1.1 401 ")) {
		t.Errorf("response %q", response)
	}
}

type refuser struct{}

func (refuser) Upgrade(r *Request) (Session, *Refusal) {
	r.Select("presence.v1")
	return nil, &Refusal{Status: http.StatusUnauthorized, Challenge: "Bearer"}
}

// That subprotocols are offered and one is selected allocates nothing.
func TestUpgrader_subprotocols_do_not_allocate(t *testing.T) {
	u := newUpgrader(chooser("presence.v1"), 8<<10)
	// The least of many: the race detector makes sync.Pool lose what ws keeps in it.
	allocations := func(extra ...string) float64 {
		head := []byte(upgradeRequest("/", extra...))
		least := math.Inf(1)
		for range 100 {
			least = min(least, testing.AllocsPerRun(1, func() { u.answer(head, netip.AddrPort{}) }))
		}
		return least
	}
	without, with := allocations(), allocations("Sec-WebSocket-Protocol: presence.v1, bearer.abc")
	if with > without {
		t.Errorf("%v allocations with subprotocols, %v without", with, without)
	}
}

// Whatever header is taken for an upgrade gets exactly one response, which lets it
// in if and only if there is a session.
func FuzzUpgrader(f *testing.F) {
	f.Add([]byte(upgradeRequest("/")))
	f.Add([]byte(upgradeRequest("/ws?user=1", "Origin: x", "Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Extensions: permessage-deflate")))
	f.Add([]byte(upgradeRequest("/", "-Connection")))
	f.Add([]byte(upgradeRequest("/", "Sec-WebSocket-Protocol: presence.v1,, bearer.a.b.c ,")))
	u := newUpgrader(chooser("presence.v1"), 8<<10)
	f.Fuzz(func(t *testing.T, b []byte) {
		end := headerEnd(b, 0)
		if end == 0 || end > 8<<10 || readIntent(b[:end]) != wantsUpgrade {
			return
		}
		session, response := u.answer(b[:end], netip.AddrPort{})
		in := bufio.NewReader(bytes.NewReader(response))
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("%q is answered %q: %v", b, response, err)
		}
		if in := r.StatusCode == http.StatusSwitchingProtocols; in != (session != nil) {
			t.Fatalf("%q is answered %d, session %v", b, r.StatusCode, session)
		}
	})
}

type nobody struct{}

func (nobody) Open(Conn)     {}
func (nobody) Text([]byte)   {}
func (nobody) Closed(Reason) {}
