package boltstore

import (
	"fmt"
	"os"
	"strconv"

	"go.etcd.io/bbolt"
)

// format is the version of what is in the file. A program reads its own version
// only; a later one that can read this one says so in prepare.
const format = 1

var (
	metaBucket   = []byte("meta")
	eventsBucket = []byte("events")
	onlineBucket = []byte("online")
	usersBucket  = []byte("users")
	nodesBucket  = []byte("nodes")

	formatKey = []byte("format")
)

// prepare makes the buckets of a new file, and checks one that is not new.
func (d *DB) prepare() error {
	fresh := false
	err := d.read(func(tx *bbolt.Tx) error {
		name, _ := tx.Cursor().First()
		fresh = name == nil
		return nil
	})
	if err != nil || !fresh {
		return firstOf(err, d.check)
	}
	return d.write(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{metaBucket, eventsBucket, onlineBucket, usersBucket, nodesBucket} {
			if _, err := tx.CreateBucket(name); err != nil {
				return fmt.Errorf("make bucket %s: %w", name, err)
			}
		}
		return tx.Bucket(metaBucket).Put(formatKey, strconv.AppendInt(nil, format, 10))
	})
}

func firstOf(err error, otherwise func() error) error {
	if err != nil {
		return err
	}
	return otherwise()
}

// check returns an error unless the file is of this format, with all of its buckets
// and pages there.
func (d *DB) check() error {
	return d.read(func(tx *bbolt.Tx) error {
		info, err := os.Stat(d.path)
		if err != nil {
			return err
		}
		if info.Size() < tx.Size() {
			return fmt.Errorf("%w: %s has %d bytes, and should have %d: its end was cut off", ErrCorrupt, d.path, info.Size(), tx.Size())
		}
		meta := tx.Bucket(metaBucket)
		if meta == nil {
			return fmt.Errorf("%w: %s is of another program", ErrFormat, d.path)
		}
		switch found, err := strconv.Atoi(string(meta.Get(formatKey))); {
		case err != nil:
			return fmt.Errorf("%w: %s: %w", ErrFormat, d.path, err)
		case found != format:
			return fmt.Errorf("%w: %s has format %d, and this program reads format %d; use the version of presenced that wrote it, or a later one", ErrFormat, d.path, found, format)
		}
		for _, name := range [][]byte{eventsBucket, onlineBucket, usersBucket, nodesBucket} {
			if tx.Bucket(name) == nil {
				return fmt.Errorf("%w: %s has no bucket %s", ErrCorrupt, d.path, name)
			}
		}
		return nil
	})
}
