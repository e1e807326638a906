package boltstore

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"go.etcd.io/bbolt"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

var _ = addTask("limit", recordWithinLimit)

// TestDB_a_file_that_may_not_grow_refuses_and_recovers has a child, whose files may
// not grow beyond a limit, find out what a full disk is like.
func TestDB_a_file_that_may_not_grow_refuses_and_recovers(t *testing.T) {
	dir := t.TempDir()
	c := startChild(t, "limit", dir)
	for _, what := range []string{"a page", "the file"} {
		if got, want := c.line(t), what+": refused, then recorded"; got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	c.kill()
	d := openIn(t, dir)
	fold(t, d.Store(), events.Stream{Node: "n1", Epoch: 1})
}

// recordWithinLimit records until a page may not be written beyond the limit, and
// then until the file may not be enlarged; each time again when it may.
func recordWithinLimit(dir string) error {
	signal.Ignore(unix.SIGXFSZ)
	d, err := Open(dir)
	if err != nil {
		return err
	}
	w := &writer{stream: events.Stream{Node: "n1", Epoch: 1}}
	if _, err := d.Store().Recorder.Record(noContext, w.run(1000)); err != nil {
		return err
	}
	var used int64
	if err := d.bolt.View(func(tx *bbolt.Tx) error { used = tx.Size(); return nil }); err != nil {
		return err
	}
	if err := recordUpTo(d, w, uint64(used), "write"); err != nil {
		return fmt.Errorf("a page: %w", err)
	}
	fmt.Println("a page: refused, then recorded")
	info, err := os.Stat(d.path)
	if err != nil {
		return err
	}
	if err := recordUpTo(d, w, uint64(info.Size()), "file resize"); err != nil {
		return fmt.Errorf("the file: %w", err)
	}
	fmt.Println("the file: refused, then recorded")
	return d.Close()
}

// recordUpTo records runs until one is refused because files may not have more than
// limit bytes, and again when they may.
func recordUpTo(d *DB, w *writer, limit uint64, says string) error {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: before.Max}); err != nil {
		return err
	}
	s := d.Store()
	run := w.run(1000)
	_, err := s.Recorder.Record(noContext, run)
	for ; err == nil; _, err = s.Recorder.Record(noContext, run) {
		run = w.run(1000)
	}
	for range 2 {
		if !errors.Is(err, events.ErrRefused) || errors.Is(err, events.ErrUnavailable) ||
			!strings.Contains(err.Error(), "file too large") || !strings.Contains(err.Error(), says) {
			return fmt.Errorf("not refused: %w", err)
		}
		_, err = s.Recorder.Record(noContext, run)
	}
	if tail, err := s.Log.Tail(noContext, w.stream); err != nil || tail.ID.Next() != run[0].ID {
		return fmt.Errorf("the stream ends at %s: %w", tail.ID, err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		return err
	}
	if _, err := s.Recorder.Record(noContext, run); err != nil {
		return fmt.Errorf("not recorded when there was room again: %w", err)
	}
	return nil
}

// replaceFile has the database write to another file, by its descriptor, until the
// function that it returns is called. Reads go on from the mapped one.
func replaceFile(t *testing.T, d *DB, with string) (restore func()) {
	t.Helper()
	fd := descriptor(t, d.path)
	saved, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(with, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Dup3(int(f.Fd()), fd, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(unix.Dup3(saved, fd, unix.O_CLOEXEC), unix.Close(saved)); err != nil {
			t.Fatal(err)
		}
	}
}

// descriptor is the file descriptor of this process for path.
func descriptor(t *testing.T, path string) (fd int) {
	t.Helper()
	all, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range all {
		if target, err := os.Readlink(link); err == nil && target == path {
			if _, err := fmt.Sscan(filepath.Base(link), &fd); err != nil {
				t.Fatal(err)
			}
			return fd
		}
	}
	t.Fatalf("%s is not open", path)
	return -1
}

// beating is a database with a member that has beaten until its beats use pages again
// that earlier ones left, and the file grows no more; and the next beat.
func beating(t *testing.T) (d *DB, w *writer, beat func() error) {
	t.Helper()
	d, w = filled(t)
	n := presence.Node{Stream: w.stream, Beat: 1}
	beat = func() error { return d.Store().Nodes.Beat(noContext, n, 1) }
	for range 10 {
		if err := beat(); err != nil {
			t.Fatal(err)
		}
	}
	return d, w, beat
}

func TestDB_a_full_disk_refuses_and_recovers(t *testing.T) {
	d, w, beat := beating(t)
	restore := replaceFile(t, d, "/dev/full")
	for range 3 {
		err := beat()
		if !errors.Is(err, events.ErrRefused) || errors.Is(err, events.ErrUnavailable) || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("error %v, want events.ErrRefused of ENOSPC", err)
		}
		fold(t, d.Store(), w.stream)
	}
	restore()
	if err := beat(); err != nil {
		t.Fatal(err)
	}
	mustRecord(t, d, w.run(100))
	fold(t, d.Store(), w.stream)
	if err := d.Check(t.Context()); err != nil {
		t.Error(err)
	}
	closeDB(t, d)
}

// TestDB_a_failed_sync_puts_it_out_of_service writes to /dev/null, which takes all
// and syncs nothing.
func TestDB_a_failed_sync_puts_it_out_of_service(t *testing.T) {
	d, w, beat := beating(t)
	dir := filepath.Dir(d.path)
	restore := replaceFile(t, d, "/dev/null")
	err := beat()
	restore()
	if !errors.Is(err, events.ErrUnavailable) || errors.Is(err, events.ErrRefused) || !errors.Is(err, ErrBroken) || !errors.Is(err, syscall.EINVAL) {
		t.Fatalf("error %v, want events.ErrUnavailable and ErrBroken, of EINVAL", err)
	}

	// The disk works again, and still nobody knows what it holds.
	next := w.next
	for name, err := range writes(t.Context(), d.Store(), w) {
		if !errors.Is(err, events.ErrRefused) || errors.Is(err, events.ErrUnavailable) || !errors.Is(err, ErrBroken) {
			t.Errorf("%s: error %v, want events.ErrRefused and ErrBroken", name, err)
		}
	}
	if _, err := d.Store().Log.Tail(t.Context(), w.stream); !errors.Is(err, ErrBroken) {
		t.Errorf("Tail: error %v, want ErrBroken", err)
	}
	closeDB(t, d)

	again := openIn(t, dir)
	if tail := fold(t, again.Store(), w.stream).Tail(); tail.ID.Seq+1 != next {
		t.Fatalf("the stream ends at %s, want it before %d", tail.ID, next)
	}
}

// TestDB_a_panic_in_a_write_puts_it_out_of_service: bbolt panics when it finds its
// pages damaged, perhaps with its locks held.
func TestDB_a_panic_in_a_write_puts_it_out_of_service(t *testing.T) {
	d, w := filled(t)
	err := d.update(t.Context(), "test", func(*bbolt.Tx) error { panic("page 3: not a leaf") })
	if !errors.Is(err, events.ErrUnavailable) || !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "page 3: not a leaf") {
		t.Fatal(err)
	}
	for name, err := range writes(t.Context(), d.Store(), w) {
		if !errors.Is(err, events.ErrRefused) || !errors.Is(err, ErrBroken) {
			t.Errorf("%s: error %v, want events.ErrRefused and ErrBroken", name, err)
		}
	}
	closeDB(t, d)
}
