package webhook

import (
	"cmp"
	"slices"
	"time"

	"github.com/presenced/presence/services/presence"
)

// ledger is of whom the receiver was told the opposite of what the log says (W2). It
// belongs to one goroutine.
type ledger struct {
	grace time.Duration
	odd   map[string]odd
}

// odd is one such user.
type odd struct {
	told bool      // the receiver was told that he is online
	at   time.Time // when he came, or left
	due  time.Time // when he may be told of
}

// newLedger is a ledger with what the store has kept. Nobody knows how long those who left
// had been away by then, so all get the whole grace.
func newLedger(grace time.Duration, kept []presence.HookOdd, now time.Time) *ledger {
	l := &ledger{grace: grace, odd: make(map[string]odd, len(kept))}
	for _, o := range kept {
		l.add(o.User, odd{told: o.Told, at: o.At}, now)
	}
	return l
}

func (l *ledger) add(user string, o odd, now time.Time) {
	if o.due = now; o.told {
		o.due = now.Add(l.grace)
	}
	l.odd[user] = o
}

// changed takes note that a user came or left. Who is back before that was told, or left
// before, is not told of.
func (l *ledger) changed(user string, online bool, at, now time.Time) {
	if _, there := l.odd[user]; there {
		delete(l.odd, user)
		return
	}
	l.add(user, odd{told: !online, at: at}, now)
}

// take takes up to most of what is due, the oldest first, as told. more says that there is
// more.
func (l *ledger) take(most int, now time.Time) (page []change, more bool) {
	for user, o := range l.odd {
		switch {
		case o.due.After(now):
		case o.told:
			page = append(page, change{Type: leave, User: user, At: o.at})
		default:
			page = append(page, change{Type: join, User: user, Since: o.at})
		}
	}
	slices.SortFunc(page, func(a, b change) int {
		return cmp.Or(a.when().Compare(b.when()), cmp.Compare(a.User, b.User))
	})
	if more = len(page) > most; more {
		page = page[:most]
	}
	for _, c := range page {
		delete(l.odd, c.User)
	}
	return page, more
}

func (c change) when() time.Time {
	if c.Type == join {
		return c.Since
	}
	return c.At
}

// keep is the ledger for the store.
func (l *ledger) keep() []presence.HookOdd {
	var kept []presence.HookOdd
	for user, o := range l.odd {
		kept = append(kept, presence.HookOdd{User: user, Told: o.told, At: o.at})
	}
	slices.SortFunc(kept, func(a, b presence.HookOdd) int { return cmp.Compare(a.User, b.User) })
	return kept
}
