package boltstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// mustRefuseToOpen fails unless opening is refused with want, and says all of these.
func mustRefuseToOpen(t *testing.T, open func(string) (*DB, error), dir string, want error, says ...string) {
	t.Helper()
	d, err := open(dir)
	if err == nil {
		t.Fatal("it opened", d.Close())
	}
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %q", err, want)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%q does not say %q", err, s)
		}
	}
}

func closeDB(t *testing.T, d *DB) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_makes_a_directory_and_file_for_this_user_only(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "var", "data")
	d := openIn(t, dir)
	for path, want := range map[string]os.FileMode{dir: 0o700, d.Path(): 0o600, filepath.Join(dir, "presence.db"): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
}

func TestOpen_a_second_process_is_told_who_has_it(t *testing.T) {
	dir := t.TempDir()
	c := startChild(t, "hold", dir)
	if said := c.line(t); said != "open" {
		t.Fatal(said)
	}
	for _, open := range []func(string) (*DB, error){Open, OpenReadOnly} {
		mustRefuseToOpen(t, open, dir, ErrLocked, "another presenced uses", filepath.Join(dir, FileName), "for one node", "stop it", "DATA_DIR", "MONGODB_URI")
	}
	c.kill()
	openIn(t, dir)
}

func TestOpen_twice_in_one_process_is_refused(t *testing.T) {
	dir := t.TempDir()
	openIn(t, dir)
	mustRefuseToOpen(t, Open, dir, ErrLocked)
}

func TestOpen_again_has_all_that_was_written(t *testing.T) {
	dir := t.TempDir()
	w := &writer{stream: events.Stream{Node: "n1", Epoch: 1}}
	n := presence.Node{Stream: w.stream, Beat: 1}
	for range 5 {
		d, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		mustRecord(t, d, w.run(40))
		if err := d.Store().Nodes.Join(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		closeDB(t, d)
	}
	d := openIn(t, dir)
	if got := fold(t, d.Store(), w.stream).Tail().ID.Seq; got != 199 {
		t.Fatalf("the stream ends at %d, want 199", got)
	}
	page, err := d.Store().Online.Users(t.Context(), presence.UserQuery{Limit: 1})
	if err != nil || page.Total != len(w.open) {
		t.Fatalf("total is %d, %v, want %d", page.Total, err, len(w.open))
	}
	all, err := d.Store().Nodes.All(t.Context())
	if err != nil || len(all) != 1 || all[0].Stream != n.Stream {
		t.Fatal(all, err)
	}
}

func TestOpen_refuses_another_format(t *testing.T) {
	for found, says := range map[string]string{"2": "format 2, and this program reads format 1", "": "presence.db", "x": "presence.db"} {
		dir := t.TempDir()
		changeFile(t, dir, func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Put(formatKey, []byte(found)) })
		mustRefuseToOpen(t, Open, dir, ErrFormat, says)
		mustRefuseToOpen(t, OpenReadOnly, dir, ErrFormat, says)
	}
}

func TestOpen_refuses_a_file_of_another_program(t *testing.T) {
	dir := t.TempDir()
	changeFile(t, dir, func(tx *bbolt.Tx) error { return tx.DeleteBucket(metaBucket) })
	mustRefuseToOpen(t, Open, dir, ErrFormat, "another program")
}

func TestOpen_refuses_a_file_without_a_bucket(t *testing.T) {
	dir := t.TempDir()
	changeFile(t, dir, func(tx *bbolt.Tx) error { return tx.DeleteBucket(usersBucket) })
	mustRefuseToOpen(t, Open, dir, ErrCorrupt, "users")
}

func TestOpen_says_that_the_directory_is_a_file(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mustRefuseToOpen(t, Open, path, syscall.ENOTDIR, path)
}

// changeFile makes a database, and changes its file as a program would that knows
// nothing of it.
func changeFile(t *testing.T, dir string, change func(*bbolt.Tx) error) {
	t.Helper()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.bolt.Update(change); err != nil {
		t.Fatal(err)
	}
	closeDB(t, d)
}

func TestOpenReadOnly_makes_nothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	mustRefuseToOpen(t, OpenReadOnly, dir, ErrNoDatabase, dir, "DATA_DIR")
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the directory was made: %v", err)
	}

	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, FileName)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mustRefuseToOpen(t, OpenReadOnly, dir, ErrNoDatabase, path)
}

func TestOpenReadOnly_reads_and_refuses_to_write(t *testing.T) {
	dir := t.TempDir()
	w := &writer{stream: events.Stream{Node: "n1", Epoch: 1}}
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	mustRecord(t, d, w.run(50))
	closeDB(t, d)

	before := readFile(t, dir)
	first, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	mustRefuseToOpen(t, Open, dir, ErrLocked)
	fold(t, first.Store(), w.stream)
	for _, err := range []error{
		first.Check(t.Context()),
		second.Check(t.Context()),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, err := range writes(t.Context(), first.Store(), w) {
		if !errors.Is(err, events.ErrRefused) {
			t.Errorf("%s: error %v, want events.ErrRefused", name, err)
		}
	}
	closeDB(t, first)
	closeDB(t, second)
	if readFile(t, dir) != before {
		t.Fatal("the file has changed")
	}
}

// writes makes one write of each kind, and returns its error.
func writes(ctx context.Context, s presence.Store, w *writer) map[string]error {
	run := w.run(3)
	n := presence.Node{Stream: w.stream, Beat: 1}
	_, record := s.Recorder.Record(ctx, run)
	_, appended := s.Log.Append(ctx, run)
	return map[string]error{
		"Record":     record,
		"Append":     appended,
		"Apply":      s.Online.Apply(ctx, nil, []events.Position{w.stream.At(1)}),
		"DropStream": s.Online.DropStream(ctx, w.stream),
		"Join":       s.Nodes.Join(ctx, n),
		"Beat":       s.Nodes.Beat(ctx, n, 1),
		"Remove":     s.Nodes.Remove(ctx, w.stream),
	}
}

func readFile(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDB_after_Close_is_unavailable(t *testing.T) {
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	closeDB(t, d)
	w := &writer{stream: events.Stream{Node: "n1", Epoch: 1}}
	for name, err := range writes(t.Context(), d.Store(), w) {
		if !errors.Is(err, events.ErrUnavailable) {
			t.Errorf("%s: error %v, want events.ErrUnavailable", name, err)
		}
	}
	if _, err := d.Store().Nodes.All(t.Context()); !errors.Is(err, events.ErrUnavailable) {
		t.Error(err)
	}
}
