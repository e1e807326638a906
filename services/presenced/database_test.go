package main

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/services/mongostore/mongotest"
)

// What the README shows: mongosh sees the users who are connected appear and
// disappear, and the facts stay.
func TestServe_SeenByMongosh(t *testing.T) {
	database := mongotest.Database(t)
	uri := mongotest.URI(t)
	tg := start(t, backend{storeMongoDB, []string{"--mongodb-uri", uri, "--db-database", database}})
	ask := func(js string) string {
		return strings.TrimSpace(mongotest.Mongosh(t, uri, fmt.Sprintf("db = db.getSiblingDB(%q); %s", database, js)))
	}
	const whoIsOnline = `print(db.online.find().sort({_id: 1}).toArray().map(c => c.user).join(" "))`
	const facts = `print(db.events.find().sort({_id: 1}).toArray().map(e => e.type).join(" "))`

	ana, _ := dial(t, tg, "ana"), dial(t, tg, "bob")
	if got := ask(whoIsOnline); got != "ana bob" {
		t.Errorf("online with both connected: %q", got)
	}
	_ = ana.conn.Close()
	eventually(t, "ana has left", func() bool { return len(tg.online(t)) == 1 })
	if got := ask(whoIsOnline); got != "bob" {
		t.Errorf("online after ana has left: %q", got)
	}
	tg.stop()
	if got := ask(whoIsOnline); got != "" {
		t.Errorf("online after the server has left: %q", got)
	}
	if got, want := ask(facts), "opened connected connected disconnected disconnected sealed"; got != want {
		t.Errorf("events %q, want %q", got, want)
	}
}

// A database that cannot be reached ends presenced within 10 s with an error that
// names the variable, and no password is ever printed.
func TestServe_DatabaseUnreachable(t *testing.T) {
	closed := closedPort(t)
	const secret = "s3cr3t/p@ss:word%"
	tests := map[string]struct {
		flags []string
		names string
	}{
		"uri":            {[]string{"--mongodb-uri", "mongodb://" + closed + "/?x=1"}, "MONGODB_URI"},
		"host":           {[]string{"--db-host", closed}, "DB_HOST"},
		"host with user": {[]string{"--db-host", closed, "--db-user", "app", "--db-password", secret}, "DB_HOST"},
		"bad uri":        {[]string{"--mongodb-uri", "mongodb://app:s3cr3t/p@ss@" + closed}, "MONGODB_URI"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			code, text := fails(t, backend{flags: tt.flags}.args()...)
			if code == exitOK || !strings.Contains(text, tt.names) {
				t.Errorf("exit code %d: %s", code, text)
			}
			if strings.Contains(text, "s3cr3t") {
				t.Errorf("the password is printed: %s", text)
			}
			if took := time.Since(began); took > patience {
				t.Errorf("took %s", took)
			}
		})
	}
}

// closedPort is an address on which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
