package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// Users implements presence.Online. It reads the connections of the users that it
// returns, and of one more; a list of names is a seek for each.
func (o online) Users(ctx context.Context, q presence.UserQuery) (page presence.UserPage, err error) {
	if q.Limit < 1 || q.Limit > presence.MaxUserPage || len(q.Users) > presence.MaxUserPage {
		return page, fmt.Errorf("%w: user query: limit %d, %d users", events.ErrInvalid, q.Limit, len(q.Users))
	}
	err = o.d.view(ctx, "users", func(tx *bbolt.Tx) error {
		page.Total = int(tx.Bucket(onlineBucket).Sequence())
		r := roster{page: &page, limit: q.Limit}
		if q.Users == nil {
			return r.from(tx.Bucket(usersBucket), append([]byte(q.After), 1), nil)
		}
		return r.named(tx.Bucket(usersBucket), q)
	})
	if err != nil {
		return presence.UserPage{}, err
	}
	for _, u := range page.Users {
		slices.Sort(u.Nodes)
	}
	return page, nil
}

// roster fills a page from the keys of users, which come ascending by user.
type roster struct {
	page  *presence.UserPage
	limit int
}

// named takes the users that q names.
func (r roster) named(b *bbolt.Bucket, q presence.UserQuery) error {
	names := slices.Clone(q.Users)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if name <= q.After || events.ValidateUser(name) != nil {
			continue
		}
		prefix := append([]byte(name), 0)
		if err := r.from(b, prefix, prefix); err != nil || r.page.Next != "" {
			return err
		}
	}
	return nil
}

// from takes the keys with a prefix, from first on, until the page is full.
func (r roster) from(b *bbolt.Bucket, first, prefix []byte) error {
	return each(b, first, prefix, func(key, value []byte) (bool, error) {
		user, id, ok := bytes.Cut(key, []byte{0})
		node, _, ok2 := bytes.Cut(id, []byte{'/'})
		if !ok || !ok2 || len(value) != sinceSize {
			return false, damaged(key, errors.New("no user, position and time"))
		}
		return r.take(user, node, decodeSince(value)), nil
	})
}

// take takes one connection. It returns false if the page is full, and then says
// where the next one begins.
func (r roster) take(user, node []byte, since time.Time) bool {
	last := len(r.page.Users) - 1
	if last < 0 || r.page.Users[last].User != string(user) {
		if len(r.page.Users) == r.limit {
			r.page.Next = r.page.Users[last].User
			return false
		}
		r.page.Users = append(r.page.Users, presence.User{User: string(user), Since: since})
		last++
	}
	u := &r.page.Users[last]
	u.Connections++
	if since.Before(u.Since) {
		u.Since = since
	}
	if !slices.Contains(u.Nodes, string(node)) {
		u.Nodes = append(u.Nodes, string(node))
	}
	return true
}
