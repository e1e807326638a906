package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/roster"
	"github.com/presenced/presence/services/presence/storetest"
	"github.com/presenced/presence/services/protocol"
	"github.com/presenced/presence/services/session"
)

// asked is a store that answers when it is let.
type asked struct {
	queries chan presence.UserQuery
	answers chan presence.UserPage
	fails   error
}

func newAsked() *asked {
	return &asked{queries: make(chan presence.UserQuery, 100), answers: make(chan presence.UserPage, 100)}
}

func (a *asked) Users(ctx context.Context, q presence.UserQuery) (presence.UserPage, error) {
	a.queries <- q
	if a.fails != nil {
		return presence.UserPage{}, a.fails
	}
	select {
	case p := <-a.answers:
		return p, nil
	case <-ctx.Done():
		return presence.UserPage{}, fmt.Errorf("%w: %w", events.ErrUnavailable, context.Cause(ctx))
	}
}

// seeing is a host whose sessions may ask who is online.
func seeing(t *testing.T, users session.Users) *session.Host {
	t.Helper()
	h := newHost(t, new(members))
	h.Limits.MaxUsers = 1000
	h.Asker = session.NewAsker(users, zap.NewNop())
	h.Roster = roster.New(roster.Config{Store: storetest.NewMemory().Store(), Grace: time.Second})
	t.Cleanup(h.Asker.Close)
	t.Cleanup(h.Roster.Close)
	return h
}

func TestSession_Who(t *testing.T) {
	users := newAsked()
	s := newSocket()
	c := open(t, seeing(t, users), s)
	defer c.Closed(events.Client)
	for text, want := range map[string]presence.UserQuery{
		`{"type":"who","id":"w","users":["bob","ana"]}`: {Users: []string{"bob", "ana"}, Limit: presence.MaxUserPage},
		`{"type":"who","id":"w","users":[]}`:            {Users: []string{}, Limit: presence.MaxUserPage},
		`{"type":"who","id":"w"}`:                       {Limit: 100},
		`{"type":"who","id":"w","limit":7,"after":"a"}`: {Limit: 7, After: "a"},
	} {
		since := time.UnixMilli(1_800_000_000_000)
		users.answers <- presence.UserPage{Users: []presence.User{{User: "ana", Since: since, Connections: 2, Nodes: []string{"secret"}}}, Next: "ana", Total: 3}
		message := []byte(text)
		c.Text(message)
		clear(message) // it is only valid during the call
		m := s.post(t)
		if m.Type != protocol.TypeWho || m.ID != "w" || m.Next != "ana" || m.Total != 3 || len(m.Users) != 1 {
			t.Fatalf("%s: %+v", text, m)
		}
		if u := m.Users[0]; u.User != "ana" || u.Connections != 2 || !u.Since.Equal(since) {
			t.Errorf("%s: %+v", text, u)
		}
		if got := <-users.queries; fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
			t.Errorf("%s: asked %#v, want %#v", text, got, want)
		}
	}
	if len(s.sent) != 0 {
		t.Errorf("answered on the event loop: %q", s.sent)
	}
}

// A store that does not answer holds up nobody: the loop goes on, one connection has at
// most one question that is asked and four that wait, and all of them together keep the
// store busy with four.
func TestSession_Who_StoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := newAsked()
		h := seeing(t, users)
		s := newSocket()
		c := open(t, h, s)
		for range 5 {
			c.Text([]byte(`{"type":"who"}`))
		}
		if len(s.sent) != 0 {
			t.Fatalf("refused: %q", s.sent)
		}
		c.Text([]byte(`{"type":"who","id":"x"}`))
		if m := s.last(t); m.Code != protocol.Busy || !m.Retryable || m.ID != "x" {
			t.Errorf("the sixth: %+v", m)
		}
		c.Text([]byte(`{"type":"ping"}`))
		if m := s.last(t); m.Type != protocol.TypePong {
			t.Errorf("meanwhile: %+v", m)
		}
		var others []*session.Session
		for range 10 {
			o := open(t, h, newSocket())
			o.Text([]byte(`{"type":"who"}`))
			others = append(others, o)
		}
		synctest.Wait()
		if n := len(users.queries); n != 4 {
			t.Errorf("%d are asked at a time, want 4", n)
		}
		c.Closed(events.Client)
		<-time.After(6 * time.Second)
		synctest.Wait()
		if m := s.post(t); m.Code != protocol.Internal || !m.Retryable {
			t.Errorf("after the timeout: %+v", m)
		}
		if len(s.posted) != 0 {
			t.Errorf("%d questions were asked for who has left", len(s.posted))
		}
		<-time.After(time.Minute)
		if n := len(users.queries); n != 1+10 {
			t.Errorf("%d questions in all, want 11", n)
		}
		for _, o := range others {
			o.Closed(events.Client)
		}
		h.Asker.Close()
		h.Roster.Close()
	})
}

// Whoever asks too often does not keep the others from their turn.
func TestSession_Who_InTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := newAsked()
		h := seeing(t, users)
		var blockers []*session.Session
		for range 3 { // all but one of the four that are asked at a time
			blocker := open(t, h, newSocket())
			blocker.Text([]byte(`{"type":"who"}`))
			blockers = append(blockers, blocker)
		}
		greedy, modest := open(t, h, newSocket()), open(t, h, newSocket())
		defer greedy.Closed(events.Client)
		defer modest.Closed(events.Client)
		for i := range 4 {
			greedy.Text(fmt.Appendf(nil, `{"type":"who","limit":%d}`, i+1))
		}
		synctest.Wait()
		modest.Text([]byte(`{"type":"who","limit":500}`))
		for range 4 {
			<-users.queries
		}
		for range 4 { // any of the four may be the greedy one's
			users.answers <- presence.UserPage{}
		}
		synctest.Wait()
		if q := <-users.queries; q.Limit != 500 {
			t.Errorf("the greedy client's next, %d, comes before the modest one's first", q.Limit)
		}
		for _, b := range blockers {
			b.Closed(events.Client)
		}
		h.Asker.Close()
		h.Roster.Close()
	})
}

func TestSession_Who_StoreAway(t *testing.T) {
	users := newAsked()
	users.fails = errors.Join(events.ErrUnavailable, errors.New("dial tcp 10.1.2.3"))
	s := newSocket()
	h := seeing(t, users)
	c := open(t, h, s)
	defer c.Closed(events.Client)
	c.Text([]byte(`{"type":"who","id":5}`))
	if m := s.post(t); m.Code != protocol.Internal || !m.Retryable || fmt.Sprint(m.ID) != "5" || strings.Contains(m.Text, "10.1") {
		t.Errorf("%+v", m)
	}
	h.Asker.Close()
	h.Roster.Close()
	for _, text := range []string{`{"type":"who","id":"z"}`, `{"type":"watch","id":"z"}`} {
		c.Text([]byte(text))
		if m := s.last(t); m.Code != protocol.Internal || m.ID != "z" {
			t.Errorf("%s of a server that leaves: %+v", text, m)
		}
	}
}

// A store that fails every other question is said once to fail, and once to work again when
// it has failed none for a while.
func TestSession_Who_StoreFlips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, lines := observer.New(zap.InfoLevel)
		users := newAsked()
		h := seeing(t, users)
		h.Asker = session.NewAsker(users, zap.New(core))
		t.Cleanup(h.Asker.Close)
		s := newSocket()
		c := open(t, h, s)
		defer c.Closed(events.Client)
		who := func(fails error) {
			t.Helper()
			users.fails = fails
			users.answers <- presence.UserPage{}
			c.Text([]byte(`{"type":"who"}`))
			if m := s.post(t); (m.Code == protocol.Internal) != (fails != nil) {
				t.Errorf("the store says %v: %+v", fails, m)
			}
		}
		for range 10 {
			who(events.ErrUnavailable)
			who(nil)
		}
		if got := lines.TakeAll(); len(got) != 1 || got[0].Level != zap.WarnLevel {
			t.Errorf("of 10 failures by turns: %v, want one warning", got)
		}
		<-time.After(time.Minute)
		who(nil)
		who(nil)
		if got := lines.TakeAll(); len(got) != 1 || got[0].Level != zap.InfoLevel {
			t.Errorf("a minute later: %v, want one line", got)
		}
		who(events.ErrUnavailable)
		if got := lines.Len(); got != 1 {
			t.Errorf("it fails anew: %d lines", got)
		}
		h.Asker.Close()
		h.Roster.Close()
	})
}

// What may be asked follows from the host, and from a client's token, for who and watch
// alike.
func TestSession_Sight(t *testing.T) {
	const all, some = `"id":"s"`, `"id":"s","users":["bob"]`
	for _, tt := range []struct {
		host           session.Sight
		token          bool
		mayAll, mayOne bool
	}{
		{session.SeesAll, false, true, true},
		{session.SeesListed, false, false, true},
		{session.SeesListed, true, true, true},
		{session.SeesNobody, false, false, false},
		{session.SeesNobody, true, false, false},
	} {
		users := newAsked()
		h := seeing(t, users)
		h.Sees = tt.host
		s := newSocket()
		var c session.Session
		if err := h.Admit(&c, session.Peer{User: "ana", Expires: time.Now().Add(time.Hour), SeesAll: tt.token}); err != nil {
			t.Fatal(err)
		}
		c.Open(s)
		for _, command := range []string{"who", "watch"} {
			for fields, may := range map[string]bool{all: tt.mayAll, some: tt.mayOne} {
				users.answers <- presence.UserPage{}
				before := len(s.sent)
				c.Text([]byte(`{"type":"` + command + `",` + fields + `}`))
				if may {
					if m := s.post(t); m.Type != command || m.ID != "s" {
						t.Errorf("%+v: %s %s: %+v", tt, command, fields, m)
					}
				} else if m := s.last(t); len(s.sent) == before || m.Code != protocol.Forbidden || m.Retryable || m.ID != "s" {
					t.Errorf("%+v: %s %s: %+v", tt, command, fields, m)
				}
			}
		}
		c.Closed(events.Client)
	}
}

// A new token that is not for everyone ends a watch of everyone, and says so; one of a list
// goes on.
func TestSession_Sight_NewToken(t *testing.T) {
	h := seeing(t, newAsked())
	h.Sees, h.Auth = session.SeesListed, tokens{}
	s := newSocket()
	var c session.Session
	if err := h.Admit(&c, session.Peer{User: "ana", Expires: time.Now().Add(time.Hour), SeesAll: true}); err != nil {
		t.Fatal(err)
	}
	c.Open(s)
	defer c.Closed(events.Client)
	renew := func(all bool) {
		c.Text(fmt.Appendf(nil, `{"type":"token","token":"ana 3600 %v"}`, all))
		if m := s.last(t); m.Type != protocol.TypeToken {
			t.Fatalf("%+v", m)
		}
	}
	c.Text([]byte(`{"type":"watch"}`))
	s.post(t)
	renew(true)
	if n := h.Roster.Stats().Watchers; n != 1 {
		t.Errorf("%d watches after a token that allows it", n)
	}
	renew(false)
	if m := s.post(t); m.Type != protocol.TypeError || m.Code != protocol.Forbidden || m.ID != nil {
		t.Errorf("%+v", m)
	}
	c.Text([]byte(`{"type":"watch","users":["bob"]}`))
	s.post(t)
	renew(false)
	if n := h.Roster.Stats().Watchers; n != 1 {
		t.Errorf("%d watches of a list", n)
	}
}

func TestParseSight(t *testing.T) {
	for name, want := range map[string]session.Sight{"all": session.SeesAll, "listed": session.SeesListed, "off": session.SeesNobody} {
		if got, err := session.ParseSight(name); got != want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "ALL", "none", "true"} {
		if _, err := session.ParseSight(name); !errors.Is(err, session.ErrNoSight) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// A watch is answered with a snapshot; another one takes its place; after the answer to
// unwatch, and after the end of the connection, nothing comes.
func TestSession_Watch(t *testing.T) {
	h := seeing(t, newAsked())
	s := newSocket()
	c := open(t, h, s)
	c.Text([]byte(`{"type":"unwatch","id":0}`))
	if m := s.last(t); m.Type != protocol.TypeUnwatch || fmt.Sprint(m.ID) != "0" {
		t.Errorf("without a watch: %+v", m)
	}
	message := []byte(`{"type":"watch","id":"first","users":["ana","bob","ana"]}`)
	c.Text(message)
	clear(message)
	if m := s.post(t); m.Type != protocol.TypeWatch || m.ID != "first" || m.Accepted == nil || *m.Accepted != 2 || m.Part != 1 || m.More || m.Level != "users" {
		t.Errorf("%+v", m)
	}
	c.Text([]byte(`{"type":"watch","id":"second","level":"connections"}`))
	if m := s.post(t); m.ID != "second" || m.Accepted != nil || m.Level != "connections" {
		t.Errorf("%+v", m)
	}
	if n := h.Roster.Stats().Watchers; n != 1 {
		t.Errorf("%d watches", n)
	}
	c.Text([]byte(`{"type":"unwatch","id":"u"}`))
	if m := s.post(t); m.Type != protocol.TypeUnwatch || m.ID != "u" {
		t.Errorf("%+v", m)
	}
	c.Text([]byte(`{"type":"watch"}`))
	s.post(t)
	c.Closed(events.Client)
	for deadline := time.Now().Add(time.Minute); h.Roster.Stats().Watchers > 0; {
		if time.Now().After(deadline) {
			t.Fatal("the watch of a client that has left goes on")
		}
	}
}
