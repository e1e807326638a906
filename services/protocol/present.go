package protocol

import (
	"strconv"
	"time"
)

// Level says what a watch tells of. The set is closed.
type Level uint8

// The levels.
const (
	ByUser       Level = iota // the first connection of a user is a join, the end of the last a leave
	ByConnection              // each connection is one
)

var levelNames = [...]string{ByUser: "users", ByConnection: "connections"}

// String is the level's name in messages.
func (l Level) String() string { return levelNames[l] }

// Present is one who is online: a user, or one connection of his.
type Present struct {
	Connection  string    `json:"connection,omitempty"` // its id; empty where users are told of
	User        string    `json:"user"`
	Since       time.Time `json:"since,omitzero"`        // the zero time where he has left
	Connections int       `json:"connections,omitempty"` // how many the user has; 0 where that is not told
}

// MaxPresent is the most that one message tells of, so that the longest fits the 1 MiB
// that may wait for a client: of user ids of 128 bytes that are all escaped, 400 KB.
const MaxPresent = 1000

// WhoPage is the answer to a who command.
type WhoPage struct {
	Users []Present
	Next  string // the after of the next page; empty: this is the last one
	Total int    // connections of all users
}

// AppendWho appends the answer to a who command.
func AppendWho(b, id []byte, p WhoPage) []byte {
	b = appendID(append(b, `{"type":"who"`...), id)
	b = appendPresent(append(b, `,"users":`...), p.Users)
	if p.Next != "" {
		b = appendString(append(b, `,"next":`...), p.Next)
	}
	b = strconv.AppendInt(append(b, `,"total":`...), int64(p.Total), 10)
	return append(b, '}')
}

// Snapshot is who is online, of those who are watched: all of it, or a part.
type Snapshot struct {
	ID       []byte // of the watch command; nil if there is none, or the server begins again
	Level    Level
	Accepted int // how many users of the list are watched; -1: everyone is
	Part     int // counts from 1; part 1 is in the place of all that was told before
	Resync   bool
	Present  []Present
	Position string // what of the log is in it; "" where More
	Stale    bool
	More     bool // another part follows
}

// AppendWatch appends a part of the answer to a watch command.
func AppendWatch(b []byte, s *Snapshot) []byte {
	b = appendID(append(b, `{"type":"watch"`...), s.ID)
	b = appendString(append(b, `,"level":`...), s.Level.String())
	if s.Accepted >= 0 {
		b = strconv.AppendInt(append(b, `,"accepted":`...), int64(s.Accepted), 10)
	}
	b = strconv.AppendInt(append(b, `,"part":`...), int64(s.Part), 10)
	b = appendFlag(b, "resync", s.Resync)
	b = append(appendString(append(b, ','), s.Level.String()), ':')
	b = appendPresent(b, s.Present)
	if s.Position != "" {
		b = appendString(append(b, `,"position":`...), s.Position)
	}
	b = appendFlag(b, "stale", s.Stale)
	return append(appendFlag(b, "more", s.More), '}')
}

// Changes are who came and who left, of those who are watched.
type Changes struct {
	Joins, Leaves []Present
	Position      string // what of the log is told with it; "" where More
	More          bool   // what came about at the same time and does not fit follows
}

// AppendPresence appends a push of changes.
func AppendPresence(b []byte, c *Changes) []byte {
	b = append(b, `{"type":"presence","joins":`...)
	b = appendPresent(b, c.Joins)
	b = appendPresent(append(b, `,"leaves":`...), c.Leaves)
	if c.Position != "" {
		b = appendString(append(b, `,"position":`...), c.Position)
	}
	return append(appendFlag(b, "more", c.More), '}')
}

// AppendStale appends a push that says whether what was told may be old.
func AppendStale(b []byte, stale bool) []byte {
	b = append(b, `{"type":"presence","stale":`...)
	return append(strconv.AppendBool(b, stale), '}')
}

// AppendUnwatch appends the answer to an unwatch command. No push comes after it.
func AppendUnwatch(b, id []byte) []byte {
	return append(appendID(append(b, `{"type":"unwatch"`...), id), '}')
}

func appendPresent(b []byte, list []Present) []byte {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendOne(b, &list[i])
	}
	return append(b, ']')
}

func appendOne(b []byte, p *Present) []byte {
	b = append(b, '{')
	if p.Connection != "" {
		b = append(appendString(append(b, `"connection":`...), p.Connection), ',')
	}
	b = appendString(append(b, `"user":`...), p.User)
	if !p.Since.IsZero() {
		b = appendTime(append(b, `,"since":`...), p.Since)
	}
	if p.Connections > 0 {
		b = strconv.AppendInt(append(b, `,"connections":`...), int64(p.Connections), 10)
	}
	return append(b, '}')
}

// appendFlag appends a field that is there only if it is true.
func appendFlag(b []byte, name string, set bool) []byte {
	if !set {
		return b
	}
	return append(appendString(append(b, ','), name), `:true`...)
}

// AppendWhoCommand appends the command that asks which of some users are online. An
// empty id is left out.
func AppendWhoCommand(b []byte, id string, users []string) []byte {
	return append(appendUsers(appendCommand(b, TypeWho, id), users), '}')
}

// AppendWhoPageCommand appends the command for a page of who is online. An empty id or
// after is left out.
func AppendWhoPageCommand(b []byte, id string, limit int, after string) []byte {
	b = strconv.AppendInt(append(appendCommand(b, TypeWho, id), `,"limit":`...), int64(limit), 10)
	if after != "" {
		b = appendString(append(b, `,"after":`...), after)
	}
	return append(b, '}')
}

// AppendWatchCommand appends the command to watch some users, or, if users is nil,
// everyone. An empty id is left out.
func AppendWatchCommand(b []byte, id string, l Level, users []string) []byte {
	b = appendCommand(b, TypeWatch, id)
	if l != ByUser {
		b = appendString(append(b, `,"level":`...), l.String())
	}
	if users != nil {
		b = appendUsers(b, users)
	}
	return append(b, '}')
}

// AppendUnwatchCommand appends the command that ends a watch. An empty id is left out.
func AppendUnwatchCommand(b []byte, id string) []byte {
	return append(appendCommand(b, TypeUnwatch, id), '}')
}

func appendUsers(b []byte, users []string) []byte {
	b = append(b, `,"users":[`...)
	for i, u := range users {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, u)
	}
	return append(b, ']')
}
