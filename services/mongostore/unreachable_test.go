package mongostore_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/mongostore"
	"github.com/presenced/presence/services/mongostore/mongotest"
	"github.com/presenced/presence/services/presence"
)

// nobody is an address at which nothing listens.
func nobody(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// blackHole is an address at which connections are accepted and nothing is answered.
func blackHole(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String() // the kernel accepts
}

// hangUp is an address at which every connection is closed.
func hangUp(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

func TestOpen_says_within_10s_why_the_address_is_of_no_use(t *testing.T) {
	tests := []struct {
		name   string
		config func(t *testing.T) (mongostore.Config, string)
		want   []string
	}{
		{"nobody listens, DB_HOST", func(t *testing.T) (mongostore.Config, string) {
			addr := nobody(t)
			return mongostore.Config{Host: addr, User: "app", Password: "Hunter2"}, addr
		}, []string{"DB_HOST (--db-host)", "connection refused"}},
		{"nobody listens, MONGODB_URI", func(t *testing.T) (mongostore.Config, string) {
			addr := nobody(t)
			return mongostore.Config{URI: "mongodb://app:Hunter2@" + addr}, addr
		}, []string{"MONGODB_URI (--mongodb-uri)", "connection refused"}},
		{"nobody answers", func(t *testing.T) (mongostore.Config, string) {
			addr := blackHole(t)
			return mongostore.Config{Host: addr, User: "app", Password: "Hunter2"}, addr
		}, []string{"DB_HOST (--db-host)", "does not answer"}},
		{"it hangs up", func(t *testing.T) (mongostore.Config, string) {
			addr := hangUp(t)
			return mongostore.Config{URI: "mongodb://app:Hunter2@" + addr + "/?connectTimeoutMS=60000"}, addr
		}, []string{"MONGODB_URI (--mongodb-uri)", "TLS"}},
		{"no such name", func(t *testing.T) (mongostore.Config, string) {
			return mongostore.Config{Host: "db.invalid:1"}, "db.invalid:1"
		}, []string{"DB_HOST (--db-host)", "db.invalid"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config, addr := tt.config(t)
			began := time.Now()
			_, err := mongostore.Open(t.Context(), config, zaptest.NewLogger(t))
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %s, want at most 10 s", took)
			}
			if !errors.Is(err, events.ErrUnavailable) {
				t.Fatalf("%v, want %v", err, events.ErrUnavailable)
			}
			for _, want := range append(tt.want, addr) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not have %q: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), "Hunter2") {
				t.Errorf("the password is in the error: %v", err)
			}
		})
	}
}

// A server that dies is unavailable, and nothing else; when it is back, the same store
// goes on.
func TestDB_survives_its_server(t *testing.T) {
	server := mongotest.Start(t)
	store := open(t, mongostore.Config{URI: server.URI, Database: "presence"}).Store()
	stream := events.Stream{Node: "n1", Epoch: 1}
	opened := events.Event{
		ID: stream.At(0), Type: events.Opened, At: events.Milliseconds(time.Now()), Process: "p",
	}
	if n, err := store.Log.Append(t.Context(), []events.Event{opened}); n != 1 || err != nil {
		t.Fatalf("append: %d, %v", n, err)
	}

	server.Kill()
	next := events.Event{ID: stream.At(1), Type: events.Connected, At: opened.At, User: "42"}
	if n, err := store.Log.Append(t.Context(), []events.Event{next}); n != 0 || !errors.Is(err, events.ErrUnavailable) {
		t.Errorf("append to a dead server: %d, %v, want 0, %v", n, err, events.ErrUnavailable)
	}
	if _, err := store.Log.Tail(t.Context(), stream); !errors.Is(err, events.ErrUnavailable) {
		t.Errorf("tail of a dead server: %v, want %v", err, events.ErrUnavailable)
	}
	node := presence.Node{Stream: stream, Beat: 1, StartedAt: opened.At}
	if err := store.Nodes.Beat(t.Context(), node, 0); !errors.Is(err, events.ErrUnavailable) {
		t.Errorf("beat at a dead server: %v, want %v", err, events.ErrUnavailable)
	}

	server.Restart(t)
	tail, err := retried(t, func() (events.Event, error) { return store.Log.Tail(t.Context(), stream) })
	if err != nil || tail != opened {
		t.Fatalf("tail after the restart: %v, %v, want %v", tail, err, opened)
	}
	if n, err := store.Log.Append(t.Context(), []events.Event{next}); n != 1 || err != nil {
		t.Errorf("append after the restart: %d, %v, want 1", n, err)
	}
}

// retried repeats a read while the store is unavailable, as its users do: the driver
// looks for a lost server at most twice a second.
func retried(t *testing.T, read func() (events.Event, error)) (events.Event, error) {
	deadline := time.Now().Add(30 * time.Second)
	for {
		e, err := read()
		if !errors.Is(err, events.ErrUnavailable) || time.Now().After(deadline) || t.Context().Err() != nil {
			return e, err
		}
	}
}
