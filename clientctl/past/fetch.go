package past

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/presenced/presence/clientctl/api"
	"github.com/presenced/presence/events"
)

// pageSize is how many users, sessions or events are asked for at once.
const pageSize = 500

// UserAt is one who was online at a time, or of whom that is not known.
type UserAt struct {
	User        string    `json:"user"`
	Since       time.Time `json:"since"`
	Connections int       `json:"connections"`
	State       string    `json:"state"`
}

// Session is the life of one connection.
type Session struct {
	Connection string    `json:"connection"`
	Since      time.Time `json:"since"`
	Until      time.Time `json:"until,omitzero"`
	LastSeen   time.Time `json:"lastSeen,omitzero"`
	Reason     string    `json:"reason,omitempty"`
	State      string    `json:"state"`
	Remote     string    `json:"remote,omitempty"`
	Agent      string    `json:"agent,omitempty"`
	Resumes    string    `json:"resumes,omitempty"`
}

// Sighting is when a user was last seen.
type Sighting struct {
	User     string    `json:"user"`
	State    string    `json:"state"`
	Last     time.Time `json:"last"`
	Declared time.Time `json:"declared,omitzero"`
}

// Node is one node that has not left.
type Node struct {
	Node        string    `json:"node"`
	Epoch       uint32    `json:"epoch"`
	Addr        string    `json:"addr"`
	Beat        uint64    `json:"beat"`
	BeatAt      time.Time `json:"beatAt"`
	Tail        string    `json:"tail,omitempty"`
	Connections int       `json:"connections"`
	Version     string    `json:"version"`
	StartedAt   time.Time `json:"startedAt"`
}

// incomplete is the part of an answer about the past that says what it had to do without.
type incomplete struct {
	Broken []string `json:"broken,omitempty"` // streams
}

// tell has the streams named that an answer had to do without.
func (i incomplete) tell(c *api.Client) {
	if len(i.Broken) > 0 {
		c.Warn(fmt.Sprintf("the log of %s is broken, and who was connected there is not known: see clientctl verify",
			strings.Join(i.Broken, ", ")))
	}
}

var errCircle = errors.New("the server sends the same page again and again")

// At returns who was online at a time, of the given users or of all.
func At(ctx context.Context, c *api.Client, at time.Time, users []string) (all []UserAt, err error) {
	query := url.Values{"at": {at.UTC().Format(time.RFC3339Nano)}}
	if len(users) > 0 {
		query["user"] = users
	}
	err = pages(query, func() (string, error) {
		var page struct {
			Users []UserAt
			Next  string
			incomplete
		}
		err := c.Get(ctx, query, &page, "online")
		page.tell(c)
		all = append(all, page.Users...)
		return page.Next, err
	})
	return all, err
}

// Sessions returns the sessions of a user between two times, of which either may be zero.
func Sessions(ctx context.Context, c *api.Client, user string, from, to time.Time) (all []Session, err error) {
	query := url.Values{}
	for name, t := range map[string]time.Time{"from": from, "to": to} {
		if !t.IsZero() {
			query.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	err = pages(query, func() (string, error) {
		var page struct {
			Sessions []Session
			Next     string
			incomplete
		}
		err := c.Get(ctx, query, &page, "history", user)
		page.tell(c)
		all = append(all, page.Sessions...)
		return page.Next, err
	})
	return all, err
}

// pages gets one page after the other until there is no next.
func pages(query url.Values, get func() (next string, err error)) error {
	query.Set("limit", strconv.Itoa(pageSize))
	for {
		next, err := get()
		switch {
		case err != nil || next == "":
			return err
		case next == query.Get("after"):
			return errCircle
		}
		query.Set("after", next)
	}
}

// LastSeen returns when users were last seen. Who was never seen is left out.
func LastSeen(ctx context.Context, c *api.Client, users []string) ([]Sighting, error) {
	var answer struct {
		Users []Sighting
		incomplete
	}
	err := c.Get(ctx, url.Values{"user": users}, &answer, "last-seen")
	answer.tell(c)
	return answer.Users, err
}

// Nodes returns the nodes that have not left.
func Nodes(ctx context.Context, c *api.Client) ([]Node, error) {
	var answer struct{ Nodes []Node }
	err := c.Get(ctx, nil, &answer, "nodes")
	return answer.Nodes, err
}

// Events calls yield with each event after a cursor that is in the log now. It returns
// the cursor after the last one, also with an error.
func Events(ctx context.Context, c *api.Client, after string, yield func(events.Event) error) (string, error) {
	for {
		var page struct {
			Events []events.Event
			Next   string
		}
		query := url.Values{"after": {after}, "limit": {strconv.Itoa(pageSize)}}
		if err := c.Get(ctx, query, &page, "events"); err != nil {
			return after, err
		}
		for _, e := range page.Events {
			if err := yield(e); err != nil {
				return after, err
			}
		}
		if after = page.Next; len(page.Events) == 0 {
			return after, nil
		}
	}
}
