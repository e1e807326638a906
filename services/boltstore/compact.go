package boltstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"go.etcd.io/bbolt"
)

// compactSuffix is what the name of the file that Compact writes ends with.
const compactSuffix = ".compact"

// compactAtOnce is how many bytes Compact writes in one commit.
const compactAtOnce = 16 << 20

// Compact writes the file anew, without the pages that are free, in which what was deleted
// or replaced can still be read, and closes it. It needs as much room on the disk as the
// file has without them. Nobody else may use d meanwhile. If it fails or is killed, the
// file is as it was; what it has written so far goes with the next Open.
//
// The disk may keep the bytes of the old file for a while, as it does of every file that
// is deleted.
func (d *DB) Compact(ctx context.Context) error {
	next := d.path + compactSuffix
	err := d.view(ctx, "compact "+d.path, func(*bbolt.Tx) error { return d.copyTo(next) })
	if err != nil {
		return errors.Join(err, os.Remove(next))
	}
	if runtime.GOOS == "windows" { // which renames over no file that is open
		if err := d.Close(); err != nil {
			return err
		}
	}
	// The old file is locked until it is closed, and who waits for it looks again: see open.
	if err := os.Rename(next, d.path); err != nil {
		return fmt.Errorf("compact %s: %w", d.path, err)
	}
	syncDir(filepath.Dir(d.path))
	return d.Close()
}

// copyTo writes what is in the database to a new file, durably.
func (d *DB) copyTo(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	to, err := bbolt.Open(path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, Timeout: lockWait})
	if err != nil {
		return err
	}
	return errors.Join(bbolt.Compact(to, d.bolt, compactAtOnce), to.Close())
}

// opener opens the file of a database, and knows it.
type opener struct{ file *os.File }

func (o *opener) open(name string, flag int, perm os.FileMode) (f *os.File, err error) {
	o.file, err = os.OpenFile(name, flag, perm)
	return o.file, err
}

// replaced reports whether path names another file by now than the one that was opened: a
// Compact by another process has ended while this one waited for its lock.
func (o *opener) replaced(path string) bool {
	mine, err := o.file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && !os.SameFile(mine, there)
}
