package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// memoryOnline is the presence.Online of a Memory.
type memoryOnline struct{ m *Memory }

var _ presence.Online = memoryOnline{}

func (o memoryOnline) Apply(ctx context.Context, add []presence.Connection, remove []events.Position) error {
	if err := alive(ctx); err != nil {
		return err
	}
	o.m.mu.Lock()
	defer o.m.mu.Unlock()
	for _, c := range add {
		o.m.add(c)
	}
	for _, id := range remove {
		o.m.remove(id)
	}
	return nil
}

func (m *Memory) add(c presence.Connection) {
	stream := m.online[c.ID.Stream]
	i, found := findConnection(stream, c.ID)
	if !found {
		m.online[c.ID.Stream] = slices.Insert(stream, i, c)
	}
}

func (m *Memory) remove(id events.Position) {
	stream := m.online[id.Stream]
	i, found := findConnection(stream, id)
	if !found {
		return
	}
	if len(stream) == 1 {
		delete(m.online, id.Stream)
		return
	}
	m.online[id.Stream] = slices.Delete(stream, i, i+1)
}

func findConnection(stream []presence.Connection, id events.Position) (int, bool) {
	return slices.BinarySearchFunc(stream, id, func(c presence.Connection, id events.Position) int {
		return bySeq(c.ID, id)
	})
}

func (o memoryOnline) DropStream(ctx context.Context, s events.Stream) error {
	if err := alive(ctx); err != nil {
		return err
	}
	o.m.mu.Lock()
	defer o.m.mu.Unlock()
	delete(o.m.online, s)
	return nil
}

func (o memoryOnline) OfStream(ctx context.Context, after events.Position, limit int) ([]presence.Connection, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	o.m.mu.RLock()
	defer o.m.mu.RUnlock()
	stream := o.m.online[after.Stream]
	first, found := findConnection(stream, after)
	if found {
		first++
	}
	stream = stream[first:]
	return slices.Clone(stream[:max(0, min(limit, len(stream)))]), nil
}

func (o memoryOnline) IDs(ctx context.Context, after events.Position, limit int) ([]events.Position, error) {
	page, err := o.OfStream(ctx, after, limit)
	return idsOf(page), err
}

func idsOf(page []presence.Connection) []events.Position {
	var ids []events.Position
	for _, c := range page {
		ids = append(ids, c.ID)
	}
	return ids
}

func (o memoryOnline) OfUser(ctx context.Context, user string, after events.Position, limit int) ([]presence.Connection, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	o.m.mu.RLock()
	defer o.m.mu.RUnlock()
	var found []presence.Connection
	for _, stream := range o.m.online {
		for _, c := range stream {
			if c.User == user && (after.IsZero() || c.ID.Compare(after) > 0) {
				found = append(found, c)
			}
		}
	}
	slices.SortFunc(found, func(a, b presence.Connection) int { return a.ID.Compare(b.ID) })
	return found[:max(0, min(limit, len(found)))], nil
}

func (o memoryOnline) Streams(ctx context.Context) ([]events.Stream, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	o.m.mu.RLock()
	defer o.m.mu.RUnlock()
	return sortedStreams(o.m.online), nil
}

func (o memoryOnline) Users(ctx context.Context, q presence.UserQuery) (presence.UserPage, error) {
	if q.Limit < 1 || q.Limit > presence.MaxUserPage || len(q.Users) > presence.MaxUserPage {
		return presence.UserPage{}, fmt.Errorf("%w: user query: limit %d, %d users", events.ErrInvalid, q.Limit, len(q.Users))
	}
	if err := alive(ctx); err != nil {
		return presence.UserPage{}, err
	}
	o.m.mu.RLock()
	defer o.m.mu.RUnlock()
	page := presence.UserPage{Total: o.m.total()}
	page.Users = o.m.users(func(user string) bool {
		return user > q.After && (q.Users == nil || slices.Contains(q.Users, user))
	})
	if len(page.Users) > q.Limit {
		page.Users = page.Users[:q.Limit]
		page.Next = page.Users[q.Limit-1].User
	}
	return page, nil
}

func (m *Memory) total() (n int) {
	for _, stream := range m.online {
		n += len(stream)
	}
	return n
}

// users groups the connections of the users that are asked for, ascending by user.
func (m *Memory) users(asked func(user string) bool) []presence.User {
	grouped := make(map[string]presence.User)
	for s, stream := range m.online {
		for _, c := range stream {
			if asked(c.User) {
				grouped[c.User] = with(grouped[c.User], c, s.Node)
			}
		}
	}
	users := make([]presence.User, 0, len(grouped))
	for _, u := range grouped {
		slices.Sort(u.Nodes)
		users = append(users, u)
	}
	slices.SortFunc(users, func(a, b presence.User) int { return strings.Compare(a.User, b.User) })
	return users
}

// with is u, or nobody yet, with one more connection.
func with(u presence.User, c presence.Connection, node string) presence.User {
	if u.Connections == 0 || c.Since.Before(u.Since) {
		u.Since = c.Since
	}
	u.User = c.User
	u.Connections++
	if !slices.Contains(u.Nodes, node) {
		u.Nodes = append(u.Nodes, node)
	}
	return u
}
