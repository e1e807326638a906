package session_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/auth"
	"github.com/presenced/presence/services/protocol"
	"github.com/presenced/presence/services/session"
)

// tokens is an Authenticator whose tokens are "USER SECONDS RIGHT", or the error that
// they are named after.
type tokens struct{}

func (tokens) Identify(auth.Credentials) (auth.Identity, error) { panic("not asked here") }

func (tokens) Renew(user string, token []byte) (auth.Identity, error) {
	switch string(token) {
	case "bad":
		return auth.Identity{}, auth.ErrToken
	case "not yet":
		return auth.Identity{}, auth.ErrKeyNotYet
	}
	var i auth.Identity
	var seconds int
	if _, err := fmt.Sscan(string(token), &i.User, &seconds, &i.SeesAll); err != nil {
		panic(err)
	}
	if i.User != user {
		return auth.Identity{}, auth.ErrOtherUser
	}
	i.Expires = time.Now().Add(time.Duration(seconds) * time.Second)
	return i, nil
}

// proven opens a session of ana whose token ends after a while, and runs the expiry, for
// a test that is in a bubble of synctest.
func proven(t *testing.T, good time.Duration) (*session.Session, *socket) {
	t.Helper()
	h := newHost(t, new(members))
	h.Auth = tokens{}
	ctx, stop := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { h.Expiry.Run(ctx) })
	t.Cleanup(func() {
		stop()
		run.Wait()
	})
	c, s := new(session.Session), newSocket()
	if err := h.Admit(c, session.Peer{User: "ana", Expires: time.Now().Add(good)}); err != nil {
		t.Fatal(err)
	}
	c.Open(s)
	return c, s
}

// wantClosed holds whether the session has closed its connection.
func (s *socket) wantClosed(t *testing.T, when string, want bool) {
	t.Helper()
	synctest.Wait()
	select {
	case got := <-s.closed:
		if !want || !strings.HasPrefix(got, "4500 ") {
			t.Errorf("%s: closed with %s", when, got)
		}
	default:
		if want {
			t.Errorf("%s: still open", when)
		}
	}
}

// A connection ends within a second after its token, and not before.
func TestSession_Expiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := proven(t, 90*time.Second+time.Millisecond)
		defer c.Closed(events.Kicked)
		time.Sleep(90 * time.Second)
		s.wantClosed(t, "before", false)
		time.Sleep(time.Second)
		s.wantClosed(t, "after", true)
		time.Sleep(time.Hour)
		s.wantClosed(t, "a second time", false)
	})
}

// A session that has ended is left alone.
func TestSession_Expiry_AfterClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := proven(t, time.Minute)
		c.Closed(events.Client)
		time.Sleep(time.Hour)
		s.wantClosed(t, "after its end", false)
	})
}

// A token of the same user moves the end, to earlier too; what is refused moves nothing.
func TestSession_Text_Token(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := proven(t, time.Minute)
		defer c.Closed(events.Kicked)
		ask := func(token string) protocol.Message {
			c.Text(fmt.Appendf(nil, `{"type":"token","id":"t","token":%q}`, token))
			m := s.last(t)
			if m.ID != "t" || strings.Contains(s.sent[len(s.sent)-1], token) {
				t.Errorf("%s: the answer is %s", token, s.sent[len(s.sent)-1])
			}
			return m
		}
		time.Sleep(30 * time.Second)
		for token, want := range map[string]protocol.Code{
			"bad": protocol.Unauthorized, "bob 9000 true": protocol.Forbidden, "not yet": protocol.Internal,
		} {
			if m := ask(token); m.Code != want || c.SeesAll() {
				t.Errorf("%s: %+v", token, m)
			}
		}
		if m := ask("ana 300 true"); m.Type != protocol.TypeToken || time.Until(m.Expires) != 5*time.Minute || !c.SeesAll() {
			t.Errorf("a good token: %+v", m)
		}
		time.Sleep(299 * time.Second)
		s.wantClosed(t, "before the end of the second token", false)
		if m := ask("ana 600 false"); m.Type != protocol.TypeToken || c.SeesAll() {
			t.Errorf("a third token: %+v", m)
		}
		ask("ana 10 false")
		time.Sleep(12 * time.Second)
		s.wantClosed(t, "after the end of the last token", true)
		if m := ask("ana 300 false"); m.Type != protocol.TypeToken {
			t.Errorf("too late, but before it is closed: %+v", m)
		}
	})
}

// Without authentication there is nothing to renew, and nothing to expire.
func TestSession_Text_Token_Anonymous(t *testing.T) {
	s := newSocket()
	c := open(t, newHost(t, new(members)), s)
	defer c.Closed(events.Client)
	c.Text([]byte(`{"type":"token","token":"x"}`))
	if m := s.last(t); m.Code != protocol.Forbidden || !strings.Contains(m.Text, "does not authenticate") {
		t.Errorf("got %+v", m)
	}
	if c.Proven() || c.SeesAll() {
		t.Error("the client has proven something")
	}
}

func TestHost_Admit_Proof(t *testing.T) {
	h := newHost(t, new(members))
	var c session.Session
	if err := h.Admit(&c, session.Peer{User: "ana", Expires: time.Now().Add(time.Hour), SeesAll: true}); err != nil {
		t.Fatal(err)
	}
	if !c.Proven() || !c.SeesAll() {
		t.Error("the proof is lost")
	}
	c.Closed(events.Client) // never opened
}
