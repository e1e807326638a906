package mongostore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/mongostore"
	"github.com/presenced/presence/services/presence"
)

func TestOpen_says_what_to_look_at_when_the_server_does_not_let_it_in(t *testing.T) {
	auth := func(command string, _ bson.Raw, _ int) bson.D {
		if command == "saslStart" {
			return failure(18, "AuthenticationFailed", "Authentication failed.")
		}
		return nil
	}
	rights := func(command string, _ bson.Raw, _ int) bson.D {
		if command == "find" {
			return failure(13, "Unauthorized", "command find requires authentication")
		}
		return nil
	}
	tests := []struct {
		name   string
		answer func(string, bson.Raw, int) bson.D
		config func(s *fakeServer) mongostore.Config
		want   []string
	}{
		{"wrong password, DB_PASSWORD", auth, func(s *fakeServer) mongostore.Config {
			return mongostore.Config{Host: s.Addr, User: "app", Password: "Hunter2"}
		}, []string{"DB_USER (--db-user)", "DB_PASSWORD (--db-password)", "DB_AUTH_SOURCE", `"admin"`, "Authentication failed"}},
		{"wrong password, MONGODB_URI", auth, func(s *fakeServer) mongostore.Config {
			return mongostore.Config{URI: "mongodb://app:Hunter2@" + s.Addr}
		}, []string{"MONGODB_URI (--mongodb-uri)", "authSource", "Authentication failed"}},
		{"no user", rights, func(s *fakeServer) mongostore.Config {
			return mongostore.Config{Host: s.Addr}
		}, []string{"DB_USER (--db-user)", "database presence", "readWrite", "requires authentication"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serveFake(t, tt.answer)
			_, err := mongostore.Open(t.Context(), tt.config(s), zap.NewNop())
			if !errors.Is(err, events.ErrRefused) {
				t.Fatalf("%v, want %v", err, events.ErrRefused)
			}
			for _, want := range append(tt.want, s.Addr) {
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

// run is a dense run of n events of a stream, from seq on.
func run(seq uint64, n int) []events.Event {
	list := make([]events.Event, n)
	for i := range list {
		list[i] = events.Event{ID: golden.At(seq + uint64(i)), Type: events.Connected, At: at, User: "42"}
	}
	return list
}

// What the URI says of concerns does not reach the server.
func TestDB_asks_for_majority_whatever_the_URI_says(t *testing.T) {
	s := serveFake(t, nil)
	weak := "/?w=1&journal=false&readConcernLevel=local&readPreference=secondaryPreferred"
	store := open(t, mongostore.Config{URI: s.URI + weak}).Store()
	if _, err := store.Log.Append(t.Context(), run(1, 3)); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Log.Tail(t.Context(), golden); !errors.Is(err, events.ErrNotFound) {
		t.Fatal(err)
	}
	if err := store.Nodes.Remove(t.Context(), golden); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"insert", "delete"} {
		for _, c := range s.received(name) {
			w, _ := c.body.LookupErr("writeConcern")
			if got := w.String(); got != `{"w": "majority","j": true}` && got != `{"j": true,"w": "majority"}` {
				t.Errorf("%s has the write concern %s", name, got)
			}
			if c.body.Lookup("txnNumber").Type != 0 {
				t.Errorf("%s is retried by the driver", name)
			}
		}
	}
	for _, c := range s.received("find") {
		if got := c.body.Lookup("readConcern", "level").StringValue(); got != "majority" {
			t.Errorf("find has the read concern %q", got)
		}
		if c.body.Lookup("$readPreference").Type != 0 && c.body.Lookup("$readPreference", "mode").StringValue() != "primary" {
			t.Errorf("find does not prefer the primary")
		}
	}
}

// On MongoDB a thousand events are one command; what FerretDB cannot do shapes nothing.
func TestLog_Append_sends_1000_events_at_once(t *testing.T) {
	s := serveFake(t, nil)
	store := open(t, mongostore.Config{URI: s.URI}).Store()
	if n, err := store.Log.Append(t.Context(), run(1, 1001)); n != 1001 || err != nil {
		t.Fatal(n, err)
	}
	inserts := s.received("insert")
	if len(inserts) != 2 || inserts[0].docs != 1000 || inserts[1].docs != 1 {
		t.Errorf("%d commands, want one of 1000 events and one of 1", len(inserts))
	}
}

// However the run is cut into commands, n counts from its first event.
func TestLog_Append_counts_over_several_commands(t *testing.T) {
	duplicate := bson.D{{Key: "ok", Value: 1.0}, {Key: "n", Value: 7}, {Key: "writeErrors", Value: bson.A{bson.D{
		{Key: "index", Value: 7}, {Key: "code", Value: 11000}, {Key: "keyPattern", Value: bson.D{{Key: "_id", Value: 1}}},
		{Key: "errmsg", Value: "E11000"}}}}}
	unconfirmed := bson.D{{Key: "ok", Value: 1.0}, {Key: "n", Value: 500}, {Key: "writeConcernError", Value: bson.D{
		{Key: "code", Value: 64}, {Key: "codeName", Value: "WriteConcernTimeout"}, {Key: "errmsg", Value: "waiting"}}}}
	full := bson.D{{Key: "ok", Value: 1.0}, {Key: "n", Value: 9}, {Key: "writeErrors", Value: bson.A{bson.D{
		{Key: "index", Value: 9}, {Key: "code", Value: 14031}, {Key: "errmsg", Value: "no space"}}}}}
	tests := []struct {
		name   string
		second bson.D // the answer to the second command
		n      int
		class  error
	}{
		{"taken", duplicate, 1007, nil},
		{"not by a majority", unconfirmed, 1000, events.ErrUnavailable},
		{"disk full", full, 1009, events.ErrRefused},
		{"no primary any more", failure(10107, "NotWritablePrimary", "not primary"), 1000, events.ErrUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serveFake(t, func(command string, _ bson.Raw, docs int) bson.D {
				if command == "insert" && docs < 1000 {
					return tt.second
				}
				return nil
			})
			store := open(t, mongostore.Config{URI: s.URI}).Store()
			n, err := store.Log.Append(t.Context(), run(1, 1500))
			if n != tt.n {
				t.Errorf("%d durable, want %d", n, tt.n)
			}
			var occupied *events.OccupiedError
			switch {
			case tt.class != nil && !errors.Is(err, tt.class):
				t.Errorf("%v, want %v", err, tt.class)
			case tt.class == nil && (!errors.As(err, &occupied) || occupied.At != golden.At(1008)):
				t.Errorf("%v, want one that says %s is occupied", err, golden.At(1008))
			}
		})
	}
}

// A server that stops answering holds nobody for longer than the operation's time.
func TestNodes_Beat_gives_up_on_a_silent_server(t *testing.T) {
	silent := make(chan struct{})
	s := serveFake(t, func(command string, _ bson.Raw, _ int) bson.D {
		if command == "update" {
			<-silent
		}
		return nil
	})
	defer close(silent)
	store := open(t, mongostore.Config{URI: s.URI}).Store()
	began := time.Now()
	err := store.Nodes.Beat(t.Context(), presence.Node{Stream: golden, Beat: 2, StartedAt: at}, 1)
	if took := time.Since(began); !errors.Is(err, events.ErrUnavailable) || took > 4*time.Second {
		t.Errorf("after %s: %v, want %v after 2 s", took, err, events.ErrUnavailable)
	}
}

func TestOpen_warns_of_weak_servers_and_goes_on(t *testing.T) {
	hello := func(more ...bson.E) bson.D { return append(ordinary("hello", 0), more...) }
	tests := []struct {
		name   string
		answer func(command string, _ bson.Raw, _ int) bson.D
		want   string // a part of the warning; empty: none
	}{
		{"standalone", nil, "standalone"},
		{"sharded", func(command string, _ bson.Raw, _ int) bson.D {
			if command == "hello" {
				return hello(bson.E{Key: "msg", Value: "isdbgrid"})
			}
			return nil
		}, ""},
		{"in memory", func(command string, _ bson.Raw, _ int) bson.D {
			if command == "serverStatus" {
				return bson.D{{Key: "storageEngine", Value: bson.D{{Key: "name", Value: "inMemory"}, {Key: "persistent", Value: false}}}, {Key: "ok", Value: 1.0}}
			}
			return nil
		}, "keeps nothing on disk"},
		{"no right to make collections", func(command string, _ bson.Raw, _ int) bson.D {
			if command == "create" {
				return failure(13, "Unauthorized", "not authorized on presence to execute command create")
			}
			return nil
		}, "did not make what was missing"},
		{"no right to make views", func(command string, body bson.Raw, _ int) bson.D {
			if command == "create" && body.Lookup("viewOn").Type != 0 {
				return failure(13, "Unauthorized", "not authorized")
			}
			return nil
		}, "view for people"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serveFake(t, tt.answer)
			core, logs := observer.New(zap.WarnLevel)
			db, err := mongostore.Open(t.Context(), mongostore.Config{URI: s.URI}, zap.New(core))
			if err != nil {
				t.Fatal(err)
			}
			closeDB(t, db)
			found := tt.want == "" && logs.Len() == 0
			for _, entry := range logs.All() {
				found = found || tt.want != "" && strings.Contains(entry.Message, tt.want)
			}
			if !found {
				t.Errorf("warnings %v, want one with %q", logs.All(), tt.want)
			}
		})
	}
}

// An index that the user may not make must be there: else the start fails, and says which
// index, which right and which settings.
func TestOpen_without_the_right_to_make_indexes(t *testing.T) {
	there := bson.A{}
	for _, keys := range []bson.D{
		{{Key: "user", Value: 1}, {Key: "at", Value: -1.0}, {Key: "_id", Value: int64(-1)}},
		{{Key: "type", Value: 1}, {Key: "at", Value: 1}},
		{{Key: "user", Value: 1}, {Key: "_id", Value: 1}},
	} {
		there = append(there, bson.D{{Key: "v", Value: 2}, {Key: "key", Value: keys}, {Key: "name", Value: "made by hand"}})
	}
	for name, c := range map[string]struct {
		seen bson.A // nil: he may not see them either
		ok   bool
	}{
		"all are there":       {there, true},
		"one is missing":      {there[:2], false},
		"none is there":       {bson.A{}, false},
		"he may not see them": {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveFake(t, func(command string, _ bson.Raw, _ int) bson.D {
				switch {
				case command == "createIndexes", command == "listIndexes" && c.seen == nil:
					return failure(13, "Unauthorized", "not authorized on presence to execute command "+command)
				case command == "listIndexes":
					return bson.D{{Key: "ok", Value: 1.0}, {Key: "cursor", Value: bson.D{
						{Key: "id", Value: int64(0)}, {Key: "ns", Value: "presence.events"}, {Key: "firstBatch", Value: c.seen}}}}
				}
				return nil
			})
			core, logs := observer.New(zap.WarnLevel)
			db, err := mongostore.Open(t.Context(), mongostore.Config{Host: s.Addr}, zap.New(core))
			if c.ok {
				if err != nil || logs.FilterMessageSnippet("index").Len() != 0 {
					t.Fatal(err, logs.All())
				}
				closeDB(t, db)
				return
			}
			if !errors.Is(err, events.ErrRefused) {
				t.Fatalf("%v, want %v", err, events.ErrRefused)
			}
			for _, says := range []string{s.Addr, `"user":1`, "presence.", "presence-roles.js", "DB_USER (--db-user)", "createIndexes"} {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("the error does not have %q: %v", says, err)
				}
			}
		})
	}
}

// The view is made, and where it is there already, brought up to date.
func TestOpen_keeps_the_view_up_to_date(t *testing.T) {
	s := serveFake(t, func(command string, body bson.Raw, _ int) bson.D {
		if command == "create" {
			return failure(48, "NamespaceExists", "it exists")
		}
		return nil
	})
	open(t, mongostore.Config{URI: s.URI})
	changes := s.received("collMod")
	if len(changes) != 1 || changes[0].body.Lookup("collMod").StringValue() != "online_users" {
		t.Fatalf("%d collMod, want one of online_users", len(changes))
	}
	for _, c := range s.received("createIndexes") {
		if c.body.Lookup("createIndexes").StringValue() != "events" || !strings.Contains(c.body.String(), "type_1_at_1") {
			continue
		}
		if !strings.Contains(c.body.String(), `"partialFilterExpression"`) {
			t.Errorf("the index that lists streams is not partial: %s", c.body)
		}
		return
	}
	t.Error("no index lists streams")
}
