package presence

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/presenced/presence/events"
)

// crowd is who was there at a time.
type crowd struct {
	at     time.Time
	wanted map[string]bool // nil: everybody
	after  string
	users  map[string]UserAt
	page   AtPage
}

func newCrowd(at time.Time, q UserQuery) *crowd {
	c := &crowd{at: at, after: q.After, users: make(map[string]UserAt), page: AtPage{At: at}}
	if q.Users != nil {
		c.wanted = make(map[string]bool, len(q.Users))
		for _, user := range q.Users {
			c.wanted[user] = true
		}
	}
	return c
}

// add counts a connection. What is online outweighs what is unknown, so a client whose
// old connection is unknown while its new one is there is counted once.
func (c *crowd) add(e events.Event, state State) {
	if state == StateOnline {
		c.page.Total++
	} else {
		c.page.Unknown++
	}
	if e.User <= c.after || c.wanted != nil && !c.wanted[e.User] {
		return
	}
	u, there := c.users[e.User]
	if !there || state < u.State {
		u = UserAt{User: e.User, Since: e.At, State: state}
	}
	if state == u.State {
		u.Connections++
		if e.At.Before(u.Since) {
			u.Since = e.At
		}
	}
	c.users[e.User] = u
}

// answer is the page of at most limit users.
func (c *crowd) answer(limit int) AtPage {
	users := slices.SortedFunc(maps.Values(c.users), func(a, b UserAt) int { return strings.Compare(a.User, b.User) })
	if len(users) > limit {
		users = users[:limit:limit]
		c.page.Next = users[limit-1].User
	}
	c.page.Users = users
	return c.page
}

func (h *History) onlineAt(ctx context.Context, at time.Time, q UserQuery, horizon time.Time) (AtPage, error) {
	if at.Before(horizon) {
		return AtPage{}, forgotten(at, horizon)
	}
	spans, err := h.spans(ctx)
	if err != nil {
		return AtPage{}, err
	}
	c, broken := newCrowd(at, q), make(brokenSet)
	for stream, s := range spans {
		if !s.overlaps(at) {
			continue
		}
		if err := broken.meet(stream, h.addAt(ctx, s, c)); err != nil {
			return AtPage{}, fmt.Errorf("%s: %w", stream, err)
		}
	}
	c.page.Broken = broken.list()
	return c.answer(q.Limit), nil
}

// addAt counts the connections of a stream that were open at a time, all or none.
func (h *History) addAt(ctx context.Context, s span, c *crowd) error {
	f, err := h.openAt(ctx, s, c.at)
	if err != nil {
		return err
	}
	open := f.Open()
	// Who left by a later event of the owner was there until then, whatever the beats say.
	left := make(map[events.Position]bool)
	if s.doubtful(c.at) {
		if err := foldOn(ctx, h.store.Log, s.tail.ID.Stream, f, through(s.lastSeq())); err != nil {
			return err
		}
		left = leftSince(open, f)
	}
	for _, e := range open {
		state := StateOnline
		if !left[e.ID] {
			state = s.stateAt(c.at, e.At)
		}
		c.add(e, state)
	}
	return nil
}

// leftSince are those of the connections that are not open any more.
func leftSince(open []events.Event, f *events.Fold) map[events.Position]bool {
	left := make(map[events.Position]bool, len(open))
	for _, e := range open {
		left[e.ID] = true
	}
	for _, e := range f.Open() {
		delete(left, e.ID)
	}
	return left
}
