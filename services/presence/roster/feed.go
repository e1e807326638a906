package roster

import (
	"time"

	"github.com/presenced/presence/services/protocol"
)

// feed is what some watchers, who were all told the same, are still to be told: the
// difference between what is and what they know.
type feed struct {
	level   protocol.Level
	shared  bool // everyone's
	to      []*Watch
	joining []*Watch        // of everyone's feed: those who will be told with the others, once they know the same
	changes map[string]mark // by user, or by id of the connection
	due     time.Time       // the next message comes no sooner
	queued  bool            // it is in book.queued
}

// mark is one who is told wrong so far: had says what they know, and the opposite is true.
type mark struct {
	had   bool
	user  string
	since int64 // Unix milliseconds
}

// note takes note that one came, or left. Who came and left again, or the reverse, since
// the last message is not told of.
func (f *feed) note(key, user string, since int64, online bool) {
	if m, there := f.changes[key]; there && m.had == online {
		delete(f.changes, key)
		return
	}
	if f.changes == nil {
		f.changes = make(map[string]mark)
	}
	f.changes[key] = mark{had: !online, user: user, since: since}
}

// take takes up to most changes into c, in its space.
func (f *feed) take(most int, c *protocol.Changes) {
	*c = protocol.Changes{Joins: c.Joins[:0], Leaves: c.Leaves[:0]}
	n := 0
	for key, m := range f.changes {
		if n == most {
			c.More = true
			break
		}
		n++
		delete(f.changes, key)
		p := protocol.Present{User: m.user}
		if f.level == protocol.ByConnection {
			p.Connection = key
		}
		if m.had {
			c.Leaves = append(c.Leaves, p)
		} else {
			p.Since = time.UnixMilli(m.since)
			c.Joins = append(c.Joins, p)
		}
	}
	if len(f.changes) == 0 {
		f.changes = nil // a map keeps the room of the most that it ever had
	}
}
