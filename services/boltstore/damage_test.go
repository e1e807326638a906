package boltstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// noContext is for what runs after a test, or in a child.
var noContext = context.Background()

// image is the file of a database with some hundred events, up to its last page.
func image(t *testing.T) []byte {
	t.Helper()
	d, _ := filled(t)
	defer closeDB(t, d)
	return []byte(readFile(t, filepath.Dir(d.path))[:pagesEnd(t, d)])
}

// dirWith is a new directory with this file as the database.
func dirWith(t *testing.T, file []byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FileName), file, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// filled is a database with a few hundred events in two streams.
func filled(t *testing.T) (*DB, *writer) {
	t.Helper()
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var w *writer
	for epoch := uint32(1); epoch <= 2; epoch++ {
		w = &writer{stream: events.Stream{Node: "n1", Epoch: epoch}}
		for range 10 {
			mustRecord(t, d, w.run(40))
		}
		if err := d.Store().Nodes.Join(noContext, presence.Node{Stream: w.stream, Beat: 1}); err != nil {
			t.Fatal(err)
		}
	}
	return d, w
}

// pagesEnd is where the last page of the file ends.
func pagesEnd(t *testing.T, d *DB) (n int64) {
	t.Helper()
	if err := d.bolt.View(func(tx *bbolt.Tx) error { n = tx.Size(); return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOpen_of_a_file_cut_off_is_corrupt(t *testing.T) {
	file := image(t)
	page := os.Getpagesize()
	for _, left := range []int{len(file) - 1, len(file) - page, len(file) / 2, 5 * page, 4 * page, 3 * page, 2*page + 1, 2 * page, page, 100, 1} {
		for name, open := range map[string]func(string) (*DB, error){"Open": Open, "OpenReadOnly": OpenReadOnly} {
			d, err := open(dirWith(t, file[:left]))
			if err == nil {
				t.Errorf("%s: %d of %d bytes left, and it opened", name, left, len(file))
				closeDB(t, d)
				continue
			}
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: %d of %d bytes left: error %v, want ErrCorrupt", name, left, len(file), err)
			}
		}
	}
}

func TestOpen_of_any_text_is_corrupt(t *testing.T) {
	text := make([]byte, 100_000)
	for i := range text {
		text[i] = "presence\n"[i%9]
	}
	dir := dirWith(t, text)
	mustRefuseToOpen(t, Open, dir, ErrCorrupt, "no bbolt file", filepath.Join(dir, FileName))
	mustRefuseToOpen(t, OpenReadOnly, dir, ErrCorrupt, "no bbolt file")
}

// TestDB_a_damaged_page_gives_errors_and_never_a_panic overwrites each page of a file
// in turn and does everything with it. What comes of it is an error, or the right
// answer where the page was free.
func TestDB_a_damaged_page_gives_errors_and_never_a_panic(t *testing.T) {
	file, page := image(t), os.Getpagesize()
	pages, complaints := len(file)/page, 0
	for _, with := range []byte{0x00, 0xff, 0x01} {
		for p := range pages {
			damaged := slices.Clone(file)
			for i := range page {
				damaged[p*page+i] = with
			}
			if err := useAll(dirWith(t, damaged)); err != nil {
				complaints++
			}
		}
	}
	// Two of the pages are roots, of which one is enough; some are free.
	if complaints < pages {
		t.Errorf("%d complaints about %d pages, each damaged in three ways", complaints, pages)
	}
}

// useAll opens the database and does everything once. It returns an error if any did.
func useAll(dir string) error {
	d, err := Open(dir)
	if err != nil {
		return err
	}
	s := d.Store()
	w := &writer{stream: events.Stream{Node: "n2", Epoch: 1}}
	var errs []error
	note := func(_ any, err error) { errs = append(errs, err) }
	for epoch := uint32(1); epoch <= 2; epoch++ {
		stream := events.Stream{Node: "n1", Epoch: epoch}
		note(s.Log.Read(noContext, stream.At(0), unlimited))
		note(s.Log.Tail(noContext, stream))
		note(s.Online.OfStream(noContext, stream.At(0), unlimited))
	}
	note(s.Log.Highest(noContext, "n1"))
	note(s.Log.Streams(noContext, events.Stream{}, unlimited))
	note(s.Online.Streams(noContext))
	note(s.Online.Users(noContext, presence.UserQuery{Limit: 1000}))
	note(s.Nodes.All(noContext))
	note(nil, d.Check(noContext))
	note(s.Recorder.Record(noContext, w.run(40)))
	for _, err := range writes(noContext, s, w) {
		if !errors.Is(err, presence.ErrBeatLost) {
			note(nil, err)
		}
	}
	return errors.Join(append(errs, d.Close())...)
}

// TestDB_a_damaged_value_is_refused_and_named damages one value of each kind. The
// rest of the database goes on.
func TestDB_a_damaged_value_is_refused_and_named(t *testing.T) {
	d, w := filled(t)
	defer closeDB(t, d)
	s := d.Store()
	event, shown, node := w.stream.At(3), w.open[0].ID, w.stream
	err := d.bolt.Update(func(tx *bbolt.Tx) error {
		return errors.Join(
			tx.Bucket(eventsBucket).Put([]byte(event.String()), []byte(`{"_id":`)),
			tx.Bucket(onlineBucket).Put([]byte(shown.String()), []byte(`[]`)),
			tx.Bucket(usersBucket).Put([]byte("\x02nobody"), []byte(`x`)),
			tx.Bucket(nodesBucket).Put([]byte(node.String()), nil),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	_, read := s.Log.Read(noContext, w.stream.At(0), 10)
	_, ofStream := s.Online.OfStream(noContext, w.stream.At(0), unlimited)
	_, users := s.Online.Users(noContext, presence.UserQuery{Limit: 10})
	_, all := s.Nodes.All(noContext)
	for name, err := range map[string]error{
		event.String(): read, shown.String(): ofStream, `\x02nobody`: users, node.String(): all,
		w.stream.Prefix(): s.Online.DropStream(noContext, w.stream),
	} {
		if !errors.Is(err, ErrCorrupt) || !errors.Is(err, events.ErrRefused) || errors.Is(err, events.ErrInvalid) {
			t.Errorf("%s: error %v, want ErrCorrupt, as events.ErrRefused", name, err)
		}
		if err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("%q does not name %s", err, name)
		}
	}
	other := &writer{stream: events.Stream{Node: "n2", Epoch: 1}}
	mustRecord(t, d, other.run(10))
	fold(t, s, other.stream)
	if err := d.Check(noContext); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Check: %v", err)
	}
	if err := d.CheckUsers(noContext); !errors.Is(err, ErrCorrupt) {
		t.Errorf("CheckUsers: %v", err)
	}
}
