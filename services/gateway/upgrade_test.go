package gateway

import (
	"bufio"
	"bytes"
	"net/http"
	"net/netip"
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

// Whatever header is taken for an upgrade gets exactly one response, which lets it
// in if and only if there is a session.
func FuzzUpgrader(f *testing.F) {
	f.Add([]byte(upgradeRequest("/")))
	f.Add([]byte(upgradeRequest("/ws?user=1", "Origin: x", "Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Extensions: permessage-deflate")))
	f.Add([]byte(upgradeRequest("/", "-Connection")))
	u := newUpgrader(let{nobody{}}, 8<<10)
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
