package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/boltstore"
	"github.com/presenced/presence/services/presence"
)

// addOldEpochs adds to the embedded store two epochs of n1, of a hundred days ago and of
// yesterday, in each of which ana was there for an hour, and one that is not ended.
func addOldEpochs(t *testing.T, b backend) (old, young time.Time) {
	t.Helper()
	db, err := boltstore.Open(b.flags[len(b.flags)-1])
	if err != nil {
		t.Fatal(err)
	}
	now := events.Milliseconds(time.Now())
	old, young = now.AddDate(0, 0, -100), now.AddDate(0, 0, -1)
	for i, at := range []time.Time{old, young, now} {
		s := events.Stream{Node: "n1", Epoch: uint32(i + 1)}
		run := []events.Event{
			{ID: s.At(0), Type: events.Opened, At: at, Process: "p"},
			{ID: s.At(1), Type: events.Connected, At: at, User: "ana"},
			{ID: s.At(2), Type: events.Disconnected, At: at.Add(time.Hour), User: "ana", Conn: s.At(1), Reason: events.Client},
			{ID: s.At(3), Type: events.Sealed, At: at.Add(time.Hour), By: "n1", Reason: events.Shutdown},
		}
		if at.Equal(now) {
			run = run[:2]
		}
		if _, err := db.Store().Log.Append(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return old, young
}

// presenced retain says what is old, and deletes it only when it is told to, once.
func TestRetain(t *testing.T) {
	b := embeddedBackend(t)
	old, young := addOldEpochs(t, b)
	wasThere := func(at time.Time) error {
		o := b.open(t)
		defer func() { _ = o.close(t.Context()) }()
		page, err := presence.NewHistory(o.Store).OnlineAt(t.Context(), at, presence.UserQuery{Limit: 1})
		if err == nil && (len(page.Users) != 1 || page.Users[0].User != "ana") {
			t.Errorf("at %v: %+v", at, page)
		}
		return err
	}
	for _, c := range []struct {
		age   string
		apply bool
		says  string
		kept  bool // ana's hour of a hundred days ago
	}{
		{"120d", true, ": 0 events of 0 streams", true},
		{"90d", false, "to delete (dry run", true},
		{"90d", true, "n1/00000001\t4 events\tall of it\n", false},
		{"90d", true, ": 0 events of 0 streams", false},
	} {
		args := append([]string{"retain", "--older-than", c.age}, b.flags...)
		if c.apply {
			args = append(args, "--apply")
		}
		var out, log logged
		code := run(t.Context(), environment{args: args, lookup: noVariables, stdout: &out, stderr: &log})
		if code != exitOK || !strings.Contains(out.String(), c.says) {
			t.Errorf("%v: exit %d: %s%s", args, code, out.String(), log.String())
		}
		if err := wasThere(old.Add(time.Minute)); (err == nil) != c.kept {
			t.Errorf("after %v: %v", args, err)
		}
		if err := wasThere(young.Add(time.Minute)); err != nil {
			t.Error(err)
		}
	}
}

// A stream that makes no sense is named, and kept; the others go.
func TestRetain_Broken(t *testing.T) {
	b := embeddedBackend(t)
	old, _ := addOldEpochs(t, b)
	s := events.Stream{Node: "n2", Epoch: 1}
	db, err := boltstore.Open(b.flags[len(b.flags)-1])
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Store().Log.Append(t.Context(), []events.Event{
		{ID: s.At(0), Type: events.Opened, At: old, Process: "p"},
		{ID: s.At(1), Type: events.Connected, At: old, User: "ana"},
		{ID: s.At(2), Type: events.Disconnected, At: old, User: "ana", Conn: s.At(1), Reason: events.Client},
		{ID: s.At(3), Type: events.Disconnected, At: old, User: "ana", Conn: s.At(1), Reason: events.Client},
		{ID: s.At(4), Type: events.Sealed, At: old, By: "n1", Reason: events.NodeLost, LastSeen: old},
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	for _, apply := range [][]string{nil, {"--apply"}, {"--apply"}} {
		args := append(append([]string{"retain", "--older-than", "90d"}, b.flags...), apply...)
		var out, log logged
		code := run(t.Context(), environment{args: args, lookup: noVariables, stdout: &out, stderr: &log})
		if code != exitOK || strings.Count(out.String(), "n2/00000001\tleft alone\tstream grammar broken: ") != 1 {
			t.Errorf("%v: exit %d: %s%s", args, code, out.String(), log.String())
		}
	}
	o := b.open(t)
	defer func() { _ = o.close(t.Context()) }()
	streams, err := o.Log.Streams(t.Context(), events.Stream{}, 9)
	if err != nil || len(streams) != 3 || streams[2] != s {
		t.Errorf("left are %v, %v", streams, err)
	}
}

func TestRetain_Refuses(t *testing.T) {
	b := embeddedBackend(t)
	for _, age := range []string{"", "90", "d", "-3d", "1m", "0w", "1.5d", "99999999d", "d90"} {
		code, text := fails(t, append([]string{"retain", "--older-than=" + age, "--apply"}, b.flags...)...)
		if code != exitUsage || !strings.Contains(text, "--older-than") {
			t.Errorf("%q: exit %d: %s", age, code, text)
		}
	}
	if code, text := fails(t, append([]string{"retain", "--older-than", "90d", "--apply"}, b.flags...)...); code != exitStore || !strings.Contains(text, "presence.db") {
		t.Errorf("no database: exit %d: %s", code, text)
	}
}
