package boltstore

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"
)

// Check reads the whole file and returns an error that wraps ErrCorrupt unless every
// page is sound and used once, and users and the count agree with online. Whether
// online agrees with the log it leaves to presence, for which all stores are alike.
//
// Nobody may write meanwhile, in this process either: bbolt compares the pages of a
// transaction with the free pages of now, which a writer changes, without a lock.
func (d *DB) Check(ctx context.Context) error {
	return d.view(ctx, "check "+d.path, func(tx *bbolt.Tx) error {
		if err := checkPages(tx); err != nil {
			return err
		}
		return checkUsers(tx)
	})
}

// CheckUsers is the part of Check that may run beside writers: it returns an error that
// wraps ErrCorrupt unless users and the count agree with online.
func (d *DB) CheckUsers(ctx context.Context) error {
	return d.view(ctx, "check "+d.path, checkUsers)
}

// checkPages returns the first fault among the pages, and how many more there are.
func checkPages(tx *bbolt.Tx) error {
	var first error
	more := -1
	for err := range tx.Check() {
		if first == nil {
			first = err
		}
		more++
	}
	if first != nil {
		return fmt.Errorf("%w: %w, and %d more", ErrCorrupt, first, more)
	}
	return nil
}

// checkUsers holds that users has one key for each connection, and the count is
// their number.
func checkUsers(tx *bbolt.Tx) error {
	p := openProjection(tx)
	connections := 0
	err := each(p.online, nil, nil, func(key, value []byte) (bool, error) {
		connections++
		c, err := decodeConnection(key, value)
		if err != nil {
			return false, err
		}
		since := p.users.Get(p.userKey(c.ID, c.User))
		if string(since) != string(encodeSince(c)) {
			return false, fmt.Errorf("%w: users does not agree with online about %s", ErrCorrupt, c.ID)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	users := 0
	err = each(p.users, nil, nil, func(_, _ []byte) (bool, error) { users++; return true, nil })
	if err == nil && (users != connections || p.total != uint64(connections)) {
		err = fmt.Errorf("%w: online has %d connections, users has %d, and the count is %d", ErrCorrupt, connections, users, p.total)
	}
	return err
}
