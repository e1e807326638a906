package online

import (
	"time"

	"github.com/presenced/presence/clientctl/table"
)

// Change says what became of a user between two looks. The set is closed.
type Change string

// The changes, as they are shown.
const (
	Stayed Change = ""
	Came   Change = "+"
	Went   Change = "-"
)

// Changed is a user, and what became of him.
type Changed struct {
	Change Change
	User
}

// Changes compares each look with the one before. Its zero value is before the first.
type Changes struct {
	last  []User
	known bool // last is all there was
}

// Next returns users in their order, with those who went since the last look at the place
// where they stood. cut says that there are more users than these: then nothing is marked
// now and the next time, since who is not here may still be online.
func (c *Changes) Next(users []User, cut bool) []Changed {
	compare := c.known && !cut
	before := make(map[string]bool, len(c.last))
	for _, u := range c.last {
		before[u.User] = true
	}
	now := make(map[string]bool, len(users))
	for _, u := range users {
		now[u.User] = true
	}
	var out []Changed
	gone := c.gone(now)
	if !compare {
		gone = nil
	}
	out = append(out, gone[""]...)
	for _, u := range users {
		change := Stayed
		if compare && !before[u.User] {
			change = Came
		}
		out = append(append(out, Changed{change, u}), gone[u.User]...)
	}
	c.last, c.known = users, !cut
	return out
}

// gone returns who is not here any more, by the user that stood before him and still is;
// "", which is no user, has those before whom nobody was.
func (c *Changes) gone(now map[string]bool) map[string][]Changed {
	gone, place := make(map[string][]Changed), ""
	for _, u := range c.last {
		if now[u.User] {
			place = u.User
			continue
		}
		gone[place] = append(gone[place], Changed{Went, u})
	}
	return gone
}

// ChangeTable is Table with what became of each user before him.
func ChangeTable(s table.Screen, users []Changed, now time.Time) error {
	if len(users) == 0 {
		return nobody(s)
	}
	t := table.New(append([]table.Column{{Head: " ", Kind: table.Fixed, Rank: 3}}, columns...)...)
	for _, u := range users {
		t.Add(append([]table.Cell{table.Own(string(u.Change))}, row(u.User, now)...)...)
	}
	return t.Write(s)
}
