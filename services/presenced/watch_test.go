package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/services/protocol"
)

// watcher is a client that watches, and does what docs/PROTOCOL.md tells it to.
type watcher struct {
	*client
	online map[string]string // by user or by connection: the user
	whole  bool
}

// watches sends a watch command, and takes its snapshot.
func watches(t *testing.T, c *client, command string) *watcher {
	t.Helper()
	w := &watcher{client: c}
	c.say(t, command)
	w.until(t, "the snapshot", func() bool { return w.whole })
	return w
}

// until takes what comes until it makes the watcher believe what holds.
func (w *watcher) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for !holds() {
		w.take(t, receive(t, w.messages, what))
	}
}

func (w *watcher) take(t *testing.T, m protocol.Message) {
	t.Helper()
	switch m.Type {
	case protocol.TypeWatch:
		if m.Part == 1 {
			w.online = make(map[string]string)
		}
		for _, p := range append(m.Users, m.Connections...) {
			w.online[p.Connection+p.User] = p.User
		}
		w.whole = !m.More
	case protocol.TypePresence:
		for _, p := range m.Joins {
			w.online[p.Connection+p.User] = p.User
		}
		for _, p := range m.Leaves {
			if _, there := w.online[p.Connection+p.User]; !there {
				t.Errorf("a leave of %+v, who is not known: %v", p, w.online)
			}
			delete(w.online, p.Connection+p.User)
		}
	default:
		t.Fatalf("a watcher is told %+v", m)
	}
}

func (w *watcher) users() string { return strings.Join(slices.Sorted(maps.Values(w.online)), " ") }

// Two clients see each other come and go; one who watches a list hears of nobody else; who
// says the same.
func TestServe_Watch(t *testing.T) { onEveryStore(t, watchEachOther) }

func watchEachOther(t *testing.T, b backend) {
	tg := start(t, b, "--grace", "100ms")
	ana := watches(t, dial(t, tg, "ana"), `{"type":"watch","id":"w"}`)
	if got := ana.users(); got != "ana" {
		t.Errorf("the snapshot has %q", got)
	}
	bob := dial(t, tg, "bob")
	ana.until(t, "bob", func() bool { return ana.users() == "ana bob" })
	listed := watches(t, bob, `{"type":"watch","users":["zoe","ana"]}`)
	raw := watches(t, dial(t, tg, "eve"), `{"type":"watch","level":"connections"}`)
	if a, e := listed.users(), raw.users(); a != "ana" || e != "ana bob eve" {
		t.Errorf("snapshots %q and %q", a, e)
	}
	if ana.online["ana"] == "" || raw.online[bob.welcome.Connection+"bob"] == "" {
		t.Errorf("users %v, connections %v", ana.online, raw.online)
	}
	dial(t, tg, "cat")
	_ = dial(t, tg, "zoe").conn.Close()
	ana.until(t, "cat, and not zoe", func() bool { return ana.users() == "ana bob cat eve" })
	raw.until(t, "cat, and not zoe", func() bool { return raw.users() == "ana bob cat eve" })
	if m := raw.ask(t, `{"type":"unwatch","id":1}`); m.Type != protocol.TypeUnwatch {
		t.Errorf("%+v", m)
	}
	// Watchers are told by the log, and who asks by online, which comes after it; the total
	// may be a second old.
	m := raw.ask(t, `{"type":"who","id":"x","limit":3}`)
	for began := time.Now(); m.Total != 4 && time.Since(began) < patience; m = raw.ask(t, `{"type":"who","id":"x","limit":3}`) {
		<-time.After(100 * time.Millisecond)
	}
	if names(m.Users) != "ana bob cat" || m.Next != "cat" || m.Total != 4 {
		t.Errorf("the first page: %+v", m)
	}
	if m := raw.ask(t, `{"type":"who","limit":3,"after":"cat"}`); names(m.Users) != "eve" || m.Next != "" {
		t.Errorf("the second page: %+v", m)
	}
	if m := raw.ask(t, `{"type":"who","users":["eve","nobody","ana"]}`); names(m.Users) != "ana eve" || m.Users[0].Connections != 1 {
		t.Errorf("a list: %+v", m)
	}
	_ = ana.conn.Close()
	listed.until(t, "ana leaves", func() bool { return listed.users() == "" })
}

func names(list []protocol.Present) string {
	var users []string
	for _, p := range list {
		users = append(users, p.User)
	}
	return strings.Join(users, " ")
}

// WHO says what may be asked.
func TestServe_Who_Forbidden(t *testing.T) {
	for who, may := range map[string]map[string]bool{
		"listed": {`"users":["ana"]`: true, `"x":1`: false},
		"off":    {`"users":["ana"]`: false, `"x":1`: false},
	} {
		t.Run(who, func(t *testing.T) {
			tg := start(t, embeddedBackend(t), "--who", who)
			c := dial(t, tg, "ana")
			for fields, may := range may {
				for _, command := range []string{"who", "watch"} {
					m := c.ask(t, fmt.Sprintf(`{"type":%q,%s}`, command, fields))
					if may && m.Type != command || !may && m.Code != protocol.Forbidden {
						t.Errorf("%s with %s: %+v", command, fields, m)
					}
				}
			}
		})
	}
}
