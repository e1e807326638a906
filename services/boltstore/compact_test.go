package boltstore

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

const forgottenUser = "zebedee quasimodo"

// has reports whether a text stands anywhere in the file of a database.
func has(t *testing.T, dir, text string) bool {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(raw, []byte(text))
}

// Who is forgotten is in no byte of the file once it is compacted, and was before; all
// others are.
func TestDB_Compact_leaves_no_byte_of_who_is_forgotten(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Traces(t, d.Store(), forgottenUser)
	done, err := presence.Forget(t.Context(), d.Store(), forgottenUser, func(presence.Forgotten) {})
	if want := (presence.Forgotten{Connections: 100, Snapshots: 3, Hook: true}); err != nil || done != want {
		t.Errorf("%+v, %v, want %+v", done, err, want)
	}
	if !has(t, dir, forgottenUser) {
		t.Error("no page of before is left: this test shows nothing")
	}
	before := holdings(t, d)
	if err := d.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if has(t, dir, forgottenUser) || !has(t, dir, "agent of stays") || !has(t, dir, "agent of leaves") {
		t.Error("the file has the name, or has not the others'")
	}
	d = openIn(t, dir)
	if after := holdings(t, d); after != before {
		t.Errorf("the file has %+v, and had %+v", after, before)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("beside it are %v, %v", left, err)
	}
}

// holding is what can be counted of a database.
type holding struct{ events, online, total, sessions int }

func holdings(t *testing.T, d *DB) (h holding) {
	t.Helper()
	s := d.Store()
	stream := events.Stream{Node: "n1", Epoch: 1}
	run, err := s.Log.Read(t.Context(), stream.At(0), 10_000)
	if err != nil {
		t.Fatal(err)
	}
	online, err := s.Online.OfStream(t.Context(), stream.At(0), 10_000)
	if err != nil {
		t.Fatal(err)
	}
	users, err := s.Online.Users(t.Context(), presence.UserQuery{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	page, err := presence.NewHistory(s).Sessions(t.Context(), presence.SessionQuery{User: "leaves", Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return holding{len(run), len(online), users.Total, len(page.Sessions)}
}

// What a Compact that was killed has left is not in the way of the next, nor of an Open.
func TestDB_Compact_after_one_that_was_killed(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, FileName+compactSuffix)
	leave := func() {
		if err := os.WriteFile(left, []byte("half of a file"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	leave()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	leave()
	if err := d.Compact(t.Context()); err != nil {
		t.Error(err)
	}
	openIn(t, dir)
}

// Where there is no room for the new file the old one stays as it was.
func TestDB_Compact_that_fails(t *testing.T) {
	dir := t.TempDir()
	d := openIn(t, dir)
	if _, err := d.Store().Forgetting.Begin(t.Context(), "ana", "forgotten-x"); err != nil {
		t.Fatal(err)
	}
	inTheWay := filepath.Join(dir, FileName+compactSuffix, "file")
	if err := os.MkdirAll(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.Compact(t.Context()); err == nil {
		t.Fatal("it did not fail")
	}
	if noted, err := d.Store().Forgetting.Begun(t.Context(), "ana"); noted != "forgotten-x" || err != nil {
		t.Errorf("%q, %v", noted, err)
	}
	if err := os.RemoveAll(filepath.Dir(inTheWay)); err != nil {
		t.Fatal(err)
	}
}

// Who waits for the file while it is written anew gets the new one, and what he writes is
// not lost with the old.
func TestOpen_while_it_is_compacted(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	type opened struct {
		d   *DB
		err error
	}
	second := make(chan opened)
	go func() {
		for {
			next, err := Open(dir)
			if !errors.Is(err, ErrLocked) {
				second <- opened{next, err}
				return
			}
		}
	}()
	if err := d.Compact(t.Context()); err != nil {
		t.Error(err)
	}
	next := <-second
	if next.err != nil {
		t.Fatal(next.err)
	}
	if _, err := next.d.Store().Forgetting.Begin(t.Context(), "ana", "forgotten-x"); err != nil {
		t.Error(err)
	}
	closeDB(t, next.d)
	if noted, err := openIn(t, dir).Store().Forgetting.Begun(t.Context(), "ana"); noted != "forgotten-x" || err != nil {
		t.Errorf("what was written is %q, %v", noted, err)
	}
}

// A file that was opened before another took its place is known for it.
func TestOpener_replaced(t *testing.T) {
	dir := t.TempDir()
	path, next := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for _, name := range []string{path, next} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var o opener
	f, err := o.open(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if o.replaced(path) {
		t.Error("it is said to be replaced, and is not")
	}
	if err := os.Rename(next, path); err != nil {
		t.Skipf("this system does not rename over an open file: %v", err)
	}
	if !o.replaced(path) {
		t.Error("it is replaced, and not said to be")
	}
}
