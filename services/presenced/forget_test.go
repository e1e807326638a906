package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/mongostore/mongotest"
	"github.com/presenced/presence/services/presence"
)

// runs runs a command line to its end.
func runs(t *testing.T, args ...string) (code exitCode, out, log string) {
	t.Helper()
	var o, l logged
	code = run(t.Context(), environment{args: args, lookup: noVariables, stdout: &o, stderr: &l})
	return code, o.String(), l.String()
}

// presenced forget says what there is of a user, and takes it out when it is told to: from
// every byte of the database, and of nobody else.
func TestForget(t *testing.T) {
	b := embeddedBackend(t)
	tg := start(t, b)
	for _, user := range []string{"zebedee", "ana", "zebedee"} {
		g := come(t, tg, user, ws.Dialer{})
		_ = g.conn.Close()
		eventually(t, user+" has left", func() bool { return len(tg.online(t)) == 0 })
	}
	if code, _, log := runs(t, append([]string{"forget", "zebedee", "--apply"}, b.flags...)...); code != exitStore || !strings.Contains(log, "presence.db") {
		t.Errorf("while it is served: exit %d, %s", code, log)
	}
	tg.stop()
	file := filepath.Join(b.flags[len(b.flags)-1], "presence.db")
	has := func(name string) bool {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(raw, []byte(name))
	}
	for _, c := range []struct {
		args []string
		says string
		kept bool
	}{
		{nil, ": 2 connections, in 0 parts of snapshots, to forget (dry run; --apply forgets)\n", true},
		{[]string{"-o", "json"}, `"applied":false,"connections":2,"snapshots":0,"webhooks":false,"open":0,"unfinished":false}`, true},
		{[]string{"--apply"}, ": 2 connections, in 0 parts of snapshots, forgotten\n", false},
		{[]string{"--apply", "-o", "json"}, `"applied":true,"connections":0,`, false},
		{nil, ": 0 connections, in 0 parts of snapshots, to forget", false},
	} {
		code, out, log := runs(t, append(append([]string{"forget", "zebedee"}, c.args...), b.flags...)...)
		if code != exitOK || !strings.Contains(out, c.says) || strings.Contains(log, "zebedee") || strings.Contains(out+log, "forgotten-") {
			t.Errorf("%q: exit %d: %s%s", c.args, code, out, log)
		}
		if has("zebedee") != c.kept || !has("ana") {
			t.Errorf("after %q the file has the name: %t; it has ana's: %t", c.args, has("zebedee"), has("ana"))
		}
		if code, out, _ := runs(t, append([]string{"verify"}, b.flags...)...); code != exitOK {
			t.Errorf("after %q verify says %s", c.args, out)
		}
	}
	o := b.open(t)
	page, err := presence.NewHistory(o.Store).Sessions(t.Context(), presence.SessionQuery{User: "zebedee", Limit: 9})
	if err != nil || len(page.Sessions) != 0 {
		t.Errorf("his history: %+v, %v", page, err)
	}
	if got := arrivals(t, b); len(got) != 3 || got[0].User != got[2].User || !events.IsTombstone(got[0].User) || got[0].Remote+got[0].Agent != "" || got[1].User != "ana" || got[1].Remote == "" {
		t.Errorf("the log has %+v", got)
	}
}

// What waits for a receiver of webhooks that is away names the user too, until he is
// forgotten; also if nothing is posted any more. When it is, the receiver is told all anew.
func TestForget_Webhooks(t *testing.T) { onEveryStore(t, forgetsWebhooks) }

func forgetsWebhooks(t *testing.T, b backend) {
	l := listen(t)
	tg := start(t, b, l.flags()...)
	dial(t, tg, "ana")
	l.believes(t, "ana")
	l.does(true, false)
	zebedee := dial(t, tg, "zebedee")
	eventually(t, "his join was posted", func() bool { return l.had("zebedee") })
	_ = zebedee.conn.Close()
	eventually(t, "he has left", func() bool { return len(tg.online(t)) == 1 })
	tg.stop()

	named := "what was kept for the receiver of webhooks names him too"
	for _, c := range []struct {
		args []string
		says string
		kept bool
	}{
		{nil, named, true},
		{[]string{"-o", "json"}, `"webhooks":true,`, true},
		{[]string{"--apply"}, named, false},
		{[]string{"--apply", "-o", "json"}, `"connections":0,"snapshots":0,"webhooks":false,`, false},
	} {
		code, out, log := runs(t, append(append([]string{"forget", "zebedee"}, c.args...), b.flags...)...)
		if code != exitOK || !strings.Contains(out, c.says) || strings.Contains(log, "zebedee") {
			t.Errorf("%q: exit %d: %s%s", c.args, code, out, log)
		}
		if named := kept(t, b, "zebedee"); named != c.kept {
			t.Errorf("after %q the database has the name: %t", c.args, named)
		}
	}

	l.does(false, false)
	tg = start(t, b, l.flags()...)
	dial(t, tg, "bob")
	l.believes(t, "bob")
}

// kept reports whether a name is in what is kept for webhooks, and for the embedded store
// in any byte of its file.
func kept(t *testing.T, b backend, name string) bool {
	t.Helper()
	if b.name == storeEmbedded {
		raw, err := os.ReadFile(filepath.Join(b.flags[len(b.flags)-1], "presence.db"))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(raw, []byte(name))
	}
	h, err := b.open(t).Hooks.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(fmt.Sprintf("%+v", h), name)
}

// A connection that is open is left, and the exit code says so; when it has ended it can be
// forgotten as well.
func TestForget_Open(t *testing.T) {
	b := embeddedBackend(t)
	old, _ := addOldEpochs(t, b) // ana's last connection there has not ended
	args := append([]string{"forget", "ana"}, b.flags...)
	if code, out, _ := runs(t, args...); code != exitOK || !strings.Contains(out, "still open: 1 connection;") {
		t.Errorf("dry run: exit %d, %s", code, out)
	}
	code, out, log := runs(t, append(args, "--apply")...)
	if code != exitOpen || !strings.Contains(out, ": 2 connections,") || !strings.Contains(out, "still open: 1 connection;") || !strings.Contains(log, "run forget again") {
		t.Errorf("exit %d, %s%s", code, out, log)
	}
	start(t, b).stop() // ends what the dead process left open
	if code, out, _ := runs(t, append(args, "--apply")...); code != exitOK || !strings.Contains(out, ": 1 connection,") {
		t.Errorf("exit %d, %s", code, out)
	}
	page, err := presence.NewHistory(b.open(t).Store).OnlineAt(t.Context(), old.Add(time.Minute), presence.UserQuery{Limit: 9})
	if err != nil || page.Total != 1 || !events.IsTombstone(page.Users[0].User) {
		t.Errorf("online then: %+v, %v", page, err)
	}
}

func TestForget_Refuses(t *testing.T) {
	b := embeddedBackend(t)
	tombstone := events.Tombstone("abcdefghijklmnopqrstuvwxyz")
	for _, args := range [][]string{
		{}, {"ana", "bob"}, {""}, {" ana"}, {strings.Repeat("a", 129)}, {"ana", "-o", "xml"}, {tombstone},
	} {
		if code, text := fails(t, append(append([]string{"forget", "--apply"}, args...), b.flags...)...); code != exitUsage {
			t.Errorf("%q: exit %d: %s", args, code, text)
		}
	}
	if code, text := fails(t, append([]string{"forget", "ana", "--apply"}, b.flags...)...); code != exitStore || !strings.Contains(text, "presence.db") {
		t.Errorf("no database: exit %d: %s", code, text)
	}
	if files, err := os.ReadDir(b.flags[len(b.flags)-1]); err != nil || len(files) != 0 {
		t.Errorf("it made %v, %v", files, err)
	}
}

// Nobody connects as who is forgotten.
func TestDoor_Tombstone(t *testing.T) {
	tg := start(t, embeddedBackend(t))
	for user, want := range map[string]int{events.Tombstone("abcdefghijklmnopqrstuvwxyz"): 400, "forgotten-ana": 101} {
		status, text := knockAs(t, tg, user, nil)
		if status != want || status == 400 && !strings.Contains(text, "forgotten") {
			t.Errorf("%s: %d %s, want %d", user, status, text, want)
		}
	}
}

// On MongoDB what there is to forget can be asked for beside a node that serves; and what
// is forgotten is so in the database that the next one serves from.
func TestForget_MongoDB(t *testing.T) {
	b := backend{storeMongoDB, []string{"--mongodb-uri", mongotest.URI(t), "--db-database", mongotest.Database(t)}}
	tg := start(t, b)
	for _, user := range []string{"zebedee", "ana"} {
		_ = come(t, tg, user, ws.Dialer{}).conn.Close()
		eventually(t, user+" has left", func() bool { return len(tg.online(t)) == 0 })
	}
	args := append([]string{"forget", "zebedee"}, b.flags...)
	if code, out, log := runs(t, args...); code != exitOK || !strings.Contains(out, ": 1 connection, in 0 parts of snapshots, to forget") {
		t.Errorf("beside a node: exit %d, %s%s", code, out, log)
	}
	tg.stop()
	if code, out, log := runs(t, append(args, "--apply")...); code != exitOK || !strings.Contains(out, ": 1 connection, in 0 parts of snapshots, forgotten\n") || strings.Contains(log, "zebedee") {
		t.Errorf("exit %d, %s%s", code, out, log)
	}
	start(t, b).stop()
	if got := arrivals(t, b); len(got) != 2 || !events.IsTombstone(got[0].User) || got[0].Remote != "" || got[1].User != "ana" {
		t.Errorf("the log has %+v", got)
	}
	verified(t, b)
}
