package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/presenced/presence/services/presence"
)

// FileName is the name of the database in its directory.
const FileName = "presence.db"

// lockWait is how long Open waits for the file's lock: long enough for a process
// that is just ending, short enough for a person who started a second one.
const lockWait = time.Second

// mapped is the address space that the file is mapped into at first, in bytes. It
// takes no memory. A file that outgrows its mapping is mapped anew, twice as large,
// and waits for all readers to be done.
const mapped = 1 << 30

var (
	// ErrLocked is returned when another process has the database open.
	ErrLocked = errors.New("database in use")

	// ErrNoDatabase is returned by OpenReadOnly when there is nothing to open.
	ErrNoDatabase = errors.New("no database")

	// ErrFormat is returned when the file is none of this program's: of a later
	// version, or of another program.
	ErrFormat = errors.New("unknown database format")

	// ErrCorrupt is returned when the file is damaged.
	ErrCorrupt = errors.New("database damaged")

	// ErrBroken is returned by every operation after one that failed in such a way
	// that what the disk holds is not known. Starting again reads it.
	ErrBroken = errors.New("database out of service until the next start")
)

// DB is an open database.
type DB struct {
	// static after construction
	path string
	bolt *bbolt.DB

	broken atomic.Pointer[error] // why it is out of service, or nil
}

// Open opens the database in dir for reading and writing, and makes both if need be,
// for this user only. It returns an error that wraps ErrLocked if another process
// has it, ErrFormat if it is of a later version, and ErrCorrupt if it is damaged.
func Open(dir string) (*DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	path := filepath.Join(dir, FileName)
	_, found := os.Stat(path)
	d, err := open(path, bbolt.Options{})
	if err != nil {
		return nil, err
	}
	if err := d.prepare(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	_ = os.Remove(path + compactSuffix) // of a Compact that was killed, if any
	if found != nil {
		// That a new file is there at all must outlive a loss of power too.
		syncDir(dir)
		syncDir(filepath.Dir(dir))
	}
	return d, nil
}

// OpenReadOnly opens the database in dir for reading. It makes and changes nothing.
// It returns an error that wraps ErrNoDatabase if there is none, and otherwise the
// errors of Open. Any number of processes may read, but none while one writes.
func OpenReadOnly(dir string) (*DB, error) {
	path := filepath.Join(dir, FileName)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil, fmt.Errorf("%w: %s does not exist or is empty; nothing was ever recorded there, or DATA_DIR names another directory", ErrNoDatabase, path)
	}
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	d, err := open(path, bbolt.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// open opens the file with the settings of this store.
//
// The freelist is kept in the file. Without it (NoFreelistSync) commits were not faster,
// for a log frees few pages, and every start reads all of the file to find the free
// ones: 59 ms for 300,000 events, instead of 0.1 ms. In memory it is a hash map, so
// that finding a free page does not take longer the more there are.
//
// On error nothing stays open, but for a file in whose damaged pages bbolt panicked:
// that one stays locked until the process ends.
func open(path string, o bbolt.Options) (*DB, error) {
	o.Timeout = lockWait
	o.FreelistType = bbolt.FreelistMapType
	o.InitialMmapSize = mapped
	o.NoStatistics = true
	d := &DB{path: path}
	for {
		var file opener
		o.OpenFile = file.open
		err := guard(func() (err error) {
			d.bolt, err = bbolt.Open(path, 0o600, &o)
			return err
		})
		if err != nil {
			return nil, whyNot(path, err)
		}
		if !file.replaced(path) {
			return d, nil
		}
		if err := d.Close(); err != nil {
			return nil, err
		}
	}
}

// whyNot is the error of a file that cannot be opened.
func whyNot(path string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%w: another presenced uses %s, and the embedded store is for one node; stop it, set DATA_DIR to another directory, or give both nodes a MongoDB (MONGODB_URI)", ErrLocked, path)
	case errors.Is(err, ErrCorrupt):
		return fmt.Errorf("open %s: %w", path, err)
	case isNoBolt(err):
		return fmt.Errorf("open %s: %w: it is no bbolt file, or its first pages are damaged: %w", path, ErrCorrupt, err)
	}
	return fmt.Errorf("open the database %s: %w", path, err)
}

// isNoBolt reports whether bbolt found no root in the file.
func isNoBolt(err error) bool {
	return errors.Is(err, bolterrors.ErrInvalid) || errors.Is(err, bolterrors.ErrChecksum) ||
		errors.Is(err, bolterrors.ErrVersionMismatch) || strings.HasPrefix(err.Error(), "file size too small")
}

// Close closes the file. It waits for the operations in flight; later ones return
// events.ErrUnavailable.
func (d *DB) Close() error {
	var f *faultError
	if why := d.broken.Load(); why != nil && errors.As(*why, &f) {
		return nil // bbolt panicked in a write and holds its locks for ever; the end of the process ends them
	}
	if err := d.bolt.Close(); err != nil {
		return fmt.Errorf("close %s: %w", d.path, err)
	}
	return nil
}

// Path is the path of the file.
func (d *DB) Path() string { return d.path }

// Store returns the contracts of d.
func (d *DB) Store() presence.Store {
	return presence.Store{
		Log:       eventLog{d},
		Recorder:  recorder{d},
		Online:    online{d},
		Nodes:     nodes{d},
		Past:      past{d},
		Snapshots: snapshots{d},
		Kicks:     kicks{d},
		Hooks:     hooks{d},
		Exclusive: true,

		Retention:  retention{d},
		Forgetting: forgetting{d},
	}
}

// syncDir makes the entries of a directory durable, as far as it can: some file
// systems cannot, and a parent may be another user's.
func syncDir(dir string) {
	if f, err := os.Open(dir); err == nil {
		_ = f.Sync()
		_ = f.Close()
	}
}
