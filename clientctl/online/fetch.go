package online

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/presenced/presence/clientctl/api"
)

// pageSize is the most users that are asked for at once.
const pageSize = 500

// User is one who is online.
type User struct {
	User        string    `json:"user"`
	Since       time.Time `json:"since"` // of the oldest connection
	Connections int       `json:"connections"`
	Nodes       []string  `json:"nodes,omitempty"`
}

// page is an answer of the admin API.
type page struct {
	Users []User `json:"users"`
	Next  string `json:"next"` // what to go on after; "": this is the last page
}

// Query says who is asked for.
type Query struct {
	Users []string // only these; none: all
	After string   // those after this one, in the server's order
	Limit int      // at most so many; 0: all
}

// Client asks one admin API who is online.
type Client struct{ api *api.Client }

// NewClient asks through c.
func NewClient(c *api.Client) *Client { return &Client{c} }

// Each calls yield with each page of users, in the server's order, until there are no
// more or the query's limit is reached. more says that there are others beyond the
// limit. Users who come or go meanwhile may be missed or seen.
func (c *Client) Each(ctx context.Context, q Query, yield func([]User) error) (more bool, err error) {
	left := q.Limit
	for after := q.After; ; {
		size := pageSize
		if q.Limit > 0 {
			size = min(size, left)
		}
		p, err := c.page(ctx, q.Users, size, after)
		if err != nil {
			return false, err
		}
		if q.Limit > 0 && len(p.Users) > left { // a server that knows no limit
			p.Users, p.Next = p.Users[:left], "more"
		}
		if err := yield(p.Users); err != nil {
			return false, err
		}
		left -= len(p.Users)
		switch {
		case p.Next == "":
			return false, nil
		case q.Limit > 0 && left <= 0:
			return true, nil
		case p.Next == after:
			return false, fmt.Errorf("the server sends the same page again and again")
		}
		after = p.Next
	}
}

func (c *Client) page(ctx context.Context, users []string, limit int, after string) (p page, err error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if after != "" {
		query.Set("after", after)
	}
	if len(users) > 0 {
		query["user"] = users
	}
	err = c.api.Get(ctx, query, &p, "online")
	return p, err
}
