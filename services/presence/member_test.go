package presence_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newStore is a store in memory that works as a database does: many processes may use
// it, and it records in two steps.
func newStore() presence.Store {
	store := storetest.NewMemory().Store()
	store.Exclusive = false
	store.Recorder = presence.TwoStep(store.Log, store.Online)
	return store
}

// client is one connection of a test, and what it was told.
type client struct {
	presence.Conn

	mu  sync.Mutex
	ids []events.Position

	kicks  []string // the reasons
	member *presence.Member
}

// Kicked closes the connection, as a gateway does: soon.
func (c *client) Kicked(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kicks = append(c.kicks, reason)
	go c.member.Disconnect(&c.Conn, events.Kicked)
}

func (c *client) Recorded(id events.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids = append(c.ids, id)
}

// id is the connection's id, zero before it is recorded.
func (c *client) id(t *testing.T) events.Position {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch len(c.ids) {
	case 0:
		return events.Position{}
	case 1:
		return c.ids[0]
	}
	t.Fatalf("recorded %d times", len(c.ids))
	return events.Position{}
}

// all is every id that the connection was recorded as.
func (c *client) all() []events.Position {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ids)
}

func newClient(user string) *client {
	c := new(client)
	c.Init(c, user, "203.0.113.0", "test/1")
	return c
}

func connect(t *testing.T, m *presence.Member, user string) *client {
	t.Helper()
	if err := m.Admit(); err != nil {
		t.Fatalf("admit %s: %v", user, err)
	}
	c := newClient(user)
	c.member = m
	m.Connect(&c.Conn)
	return c
}

// start starts a member of node n1, which is left to die when the test ends.
func start(t *testing.T, store presence.Store, cfg presence.Config) *presence.Member {
	t.Helper()
	m, err := begin(t, store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func begin(t *testing.T, store presence.Store, cfg presence.Config) (*presence.Member, error) {
	t.Helper()
	if cfg.Node == "" {
		cfg.Node = "n1"
	}
	cfg.Addr, cfg.Version = "localhost:1", "test"
	m, err := presence.New(store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context()); err != nil {
		return nil, err
	}
	t.Cleanup(m.Die)
	return m, nil
}

func shutdown(t *testing.T, m *presence.Member) {
	t.Helper()
	if err := m.Shutdown(context.Background()); err != nil {
		t.Fatalf("shutdown: %v", err)
	}
}

// holds checks the log and online against each other, and how many are open.
func holds(t *testing.T, store presence.Store, open int) {
	t.Helper()
	report, err := presence.Verify(context.Background(), store)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Problems {
		t.Errorf("%s %s: %s", p.Kind, p.Stream, p.Detail)
	}
	if report.Open != open {
		t.Errorf("%d connections are open, want %d", report.Open, open)
	}
}

// online is the users who are online, by how many connections.
func online(t *testing.T, store presence.Store) map[string]int {
	t.Helper()
	page, err := store.Online.Users(context.Background(), presence.UserQuery{Limit: presence.MaxUserPage})
	if err != nil {
		t.Fatal(err)
	}
	users := make(map[string]int)
	for _, u := range page.Users {
		users[u.User] = u.Connections
	}
	return users
}

// stream is all events of a stream.
func stream(t *testing.T, store presence.Store, s events.Stream) []events.Event {
	t.Helper()
	all, err := store.Log.Read(context.Background(), s.At(0), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func equal(a, b map[string]int) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

var (
	n1e1 = events.Stream{Node: "n1", Epoch: 1}
	n1e2 = events.Stream{Node: "n1", Epoch: 2}
)

func TestMember_Records(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		m := start(t, store, presence.Config{})
		a, b, c := connect(t, m, "ana"), connect(t, m, "ana"), connect(t, m, "bob")
		synctest.Wait()
		if a.id(t) != n1e1.At(1) || b.id(t).IsZero() || c.id(t).IsZero() {
			t.Errorf("recorded as %v, %v, %v", a.id(t), b.id(t), c.id(t))
		}
		if got, want := online(t, store), (map[string]int{"ana": 2, "bob": 1}); !equal(got, want) {
			t.Errorf("online %v, want %v", got, want)
		}
		holds(t, store, 3)

		pass(3 * time.Second)
		m.Disconnect(&a.Conn, events.Client)
		m.Disconnect(&a.Conn, events.Timeout) // only the first counts
		synctest.Wait()
		if got, want := online(t, store), (map[string]int{"ana": 1, "bob": 1}); !equal(got, want) {
			t.Errorf("online %v, want %v", got, want)
		}
		all := stream(t, store, n1e1)
		last := all[len(all)-1]
		if last.Conn != a.id(t) || last.Reason != events.Client || last.User != "ana" || !last.At.Equal(time.Now()) {
			t.Errorf("last event %+v", last)
		}
		holds(t, store, 2)
		shutdown(t, m)
	})
}

// I4, I6: a clean shutdown leaves online empty and the stream sealed, whatever was
// still connected or queued.
func TestMember_Shutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		m := start(t, store, presence.Config{})
		for i := range 2500 {
			connect(t, m, fmt.Sprint("u", i))
		}
		shutdown(t, m)
		holds(t, store, 0)
		all := stream(t, store, n1e1)
		if seal := all[len(all)-1]; len(all) != 1+2*2500+1 || seal.Type != events.Sealed || seal.Reason != events.Shutdown {
			t.Errorf("%d events, the last %+v", len(all), seal)
		}
		nodes, err := store.Nodes.All(t.Context())
		if err != nil || len(nodes) != 0 || len(online(t, store)) != 0 {
			t.Errorf("nodes %v (%v), online %v", nodes, err, online(t, store))
		}
		if err := m.Admit(); !errors.Is(err, presence.ErrStopped) {
			t.Errorf("admit after shutdown: %v", err)
		}
	})
}

// pass lets time pass, in a test whose time is not real.
func pass(d time.Duration) { <-time.After(d) }
