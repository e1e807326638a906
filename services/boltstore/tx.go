package boltstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"strings"
	"syscall"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// view runs read in a read transaction, and makes its error one of the contract's.
func (d *DB) view(ctx context.Context, what string, read func(*bbolt.Tx) error) error {
	err := alive(ctx)
	if err == nil {
		err = d.read(read)
	}
	return classify(what, err)
}

// update runs change in a write transaction and commits it, and makes its error one
// of the contract's. If change returns an error, nothing is written.
func (d *DB) update(ctx context.Context, what string, change func(*bbolt.Tx) error) error {
	err := alive(ctx)
	if err == nil {
		err = d.write(func(tx *bbolt.Tx) error {
			if err := alive(ctx); err != nil { // it may have ended while others wrote
				return err
			}
			return change(tx)
		})
	}
	return classify(what, err)
}

// alive returns ErrUnavailable if ctx has ended.
func alive(ctx context.Context) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", events.ErrUnavailable, context.Cause(ctx))
	}
	return nil
}

// read runs f in a read transaction. What f keeps of the bytes that it sees it has
// to copy: they are the file itself, and gone when f returns.
func (d *DB) read(f func(*bbolt.Tx) error) error {
	if why := d.broken.Load(); why != nil {
		return *why
	}
	return guard(func() error { return d.bolt.View(f) })
}

// write runs change in a write transaction and commits it, if it returns nil.
func (d *DB) write(change func(*bbolt.Tx) error) error {
	if why := d.broken.Load(); why != nil {
		return *why
	}
	committing := false
	err := guard(func() error {
		return d.bolt.Update(func(tx *bbolt.Tx) error {
			if why := d.broken.Load(); why != nil { // since this one waited for its turn
				return *why
			}
			err := change(tx)
			committing = err == nil
			return err
		})
	})
	var f *faultError
	if errors.As(err, &f) || committing && err != nil && !harmless(err) {
		return d.breaks(err)
	}
	return err
}

// breaks puts d out of service. The operation that found out is of unknown outcome;
// those after it are certainly not done.
func (d *DB) breaks(err error) error {
	later := fmt.Errorf("%w: %w: an earlier write failed: %w", events.ErrRefused, ErrBroken, err)
	d.broken.CompareAndSwap(nil, &later)
	return fmt.Errorf("%w: %w: %w", events.ErrUnavailable, ErrBroken, err)
}

// faultError is a panic of bbolt, which trusts its pages, or the fault of reading a page
// that the file does not have. It wraps ErrCorrupt.
type faultError struct{ value any }

func (f *faultError) Error() string { return fmt.Sprintf("%s: %v", ErrCorrupt, f.value) }
func (f *faultError) Unwrap() error { return ErrCorrupt }

// guard runs f and returns a panic in it as a *faultError.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = &faultError{p}
		}
	}()
	return f()
}

// harmless reports whether a commit that failed with err has surely changed nothing
// and left the database usable: bbolt could not enlarge the file, or could not write
// a page. It writes the pages that the old root does not use first, and then the
// root, whose page it has written before; so what failed was not the root. Any other
// error is of fsync, or of mapping the file.
func harmless(err error) bool {
	var write *fs.PathError
	return errors.As(err, &write) && write.Op == "write" && environment(err) ||
		strings.HasPrefix(err.Error(), "file resize error")
}

// refusals are the errors of a system that will not store more, for now.
var refusals = []syscall.Errno{
	syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EROFS, syscall.EACCES, syscall.EPERM, syscall.EMFILE, syscall.ENFILE,
}

// environment reports whether err is one of the refusals. bbolt passes some of them
// on as text only.
func environment(err error) bool {
	for _, errno := range refusals {
		if errors.Is(err, errno) || strings.HasSuffix(err.Error(), errno.Error()) {
			return true
		}
	}
	return false
}

// classify makes err one of the classes of events.Log, and says what was being done.
func classify(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case classified(err):
		return fmt.Errorf("%s: %w", what, err)
	case environment(err), errors.Is(err, ErrCorrupt), errors.Is(err, bolterrors.ErrDatabaseReadOnly):
		return fmt.Errorf("%s: %w: %w", what, events.ErrRefused, err)
	}
	return fmt.Errorf("%s: %w: %w", what, events.ErrUnavailable, err)
}

// classified reports whether err has a class already.
func classified(err error) bool {
	if _, occupied := errors.AsType[*events.OccupiedError](err); occupied {
		return true
	}
	for _, class := range []error{
		events.ErrUnavailable, events.ErrRefused, events.ErrInvalid, events.ErrNotFound,
		presence.ErrFenced, presence.ErrBeatLost, presence.ErrHookTaken,
	} {
		if errors.Is(err, class) {
			return true
		}
	}
	return false
}
