package online

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/terminal"
	"github.com/presenced/presence/services/protocol"
)

const (
	// pageSize is the most users that are asked for at once.
	pageSize = 500

	// maxPage is the most bytes of an answer: a page of users with long names on
	// many nodes has 300 KB.
	maxPage = 8 << 20

	// timeout is how long one page may take.
	timeout = 10 * time.Second
)

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
	Limit int      // at most so many; 0: all
}

// Client asks one admin API.
type Client struct {
	base *url.URL
	http *http.Client
}

// NewClient returns a client of the admin API at base, an http:// or https:// URL. It
// knows no proxy, and follows no redirects: the API has none.
func NewClient(base *url.URL) *Client {
	return &Client{base: base, http: &http.Client{
		Timeout:       timeout,
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close closes the connections that are kept.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Each calls yield with each page of users, in the server's order, until there are no
// more or the query's limit is reached. more says that there are others beyond the
// limit. Users who come or go meanwhile may be missed or seen.
func (c *Client) Each(ctx context.Context, q Query, yield func([]User) error) (more bool, err error) {
	left := q.Limit
	for after := ""; ; {
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

func (c *Client) page(ctx context.Context, users []string, limit int, after string) (page, error) {
	response, err := c.get(ctx, users, limit, after)
	if err != nil {
		return page{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxPage+1))
	switch {
	case err != nil:
		return page{}, fmt.Errorf("read the answer of %s: %w", c.base, err)
	case response.StatusCode != http.StatusOK:
		return page{}, c.refused(response.StatusCode, body)
	case len(body) > maxPage:
		return page{}, fmt.Errorf("the answer of %s is longer than %d bytes", c.base, maxPage)
	}
	var p page
	if err := json.Unmarshal(body, &p); err != nil {
		return page{}, fmt.Errorf("the answer of %s is not that of an admin API: %w", c.base, err)
	}
	return p, nil
}

func (c *Client) get(ctx context.Context, users []string, limit int, after string) (*http.Response, error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if after != "" {
		query.Set("after", after)
	}
	if len(users) > 0 {
		query["user"] = users
	}
	where := c.base.JoinPath("online")
	where.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where.String(), nil)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	switch {
	case ctx.Err() != nil:
		return nil, fault.ErrInterrupted
	case err != nil:
		return nil, fault.CannotReach(c.base.String(), "--admin or ADMIN", reason(err))
	}
	return response, nil
}

// reason is err without the URL and its query, which net/http writes before it.
func reason(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// refused is the error for an answer that is none: the server's own words if it is an
// error message of the protocol, else the status.
func (c *Client) refused(status int, body []byte) error {
	what := fmt.Sprintf("%d %s", status, http.StatusText(status))
	if m, err := protocol.Decode(body); err == nil && m.Type == protocol.TypeError {
		what = fmt.Sprintf("%s (%s)", m.Text, m.Code)
	} else if text := strings.Join(strings.Fields(string(body)), " "); text != "" {
		what += ": " + fmt.Sprintf("%.300s", text)
	}
	return fault.Errorf(fault.Refused, "%s refused: %s", c.base, terminal.Escape(what))
}
