package operate

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/presenced/presence/clientctl/api"
	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/terminal"
)

// pageSize is how many connections are asked for at once.
const pageSize = 500

// Connection is one that is online.
type Connection struct {
	ID     string    `json:"id"`
	Node   string    `json:"node"`
	Since  time.Time `json:"since"`
	Remote string    `json:"remote,omitempty"`
	Agent  string    `json:"agent,omitempty"`
}

// Connections returns the connections of a user.
func Connections(ctx context.Context, c *api.Client, user string) (all []Connection, err error) {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	for {
		var page struct {
			Connections []Connection
			Next        string
		}
		if err := c.Get(ctx, query, &page, "online", user); err != nil {
			return nil, err
		}
		all = append(all, page.Connections...)
		switch page.Next {
		case "":
			return all, nil
		case query.Get("after"):
			return nil, fault.Errorf(fault.Failed, "the server sends the same page again and again")
		}
		query.Set("after", page.Next)
	}
}

// Order is whom to kick: one of User and Connection.
type Order struct {
	User       string `json:"user,omitempty"`
	Connection string `json:"connection,omitempty"`
	Reason     string `json:"reason,omitempty"`
	Wait       string `json:"wait"` // how long the server waits until they have gone
}

// Kicked is what came of an order.
type Kicked struct {
	Asked   int      `json:"asked"`
	Gone    int      `json:"gone"`
	Pending []string `json:"pending"` // not all of them, if they are many
}

// Kick closes connections.
func Kick(ctx context.Context, c *api.Client, o Order) (k Kicked, err error) {
	err = c.Post(ctx, o, &k, "kick")
	return k, err
}

// Stats is what a server counts.
type Stats struct {
	Node    map[string]any `json:"node"`
	Cluster struct {
		Nodes       int            `json:"nodes"`
		Connections int            `json:"connections"`
		Users       *int           `json:"users,omitempty"`
		Versions    map[string]int `json:"versions"`
	} `json:"cluster"`
}

// GetStats asks for counts; users says whether to count those of all nodes too.
func GetStats(ctx context.Context, c *api.Client, users bool) (s Stats, err error) {
	query := url.Values{}
	if users {
		query.Set("users", "true")
	}
	err = c.Get(ctx, query, &s, "stats")
	return s, err
}

// Problem is one thing that does not hold.
type Problem struct {
	Kind   string `json:"kind"`
	Stream string `json:"stream"`
	ID     string `json:"id,omitempty"`
	Detail string `json:"detail"`
}

// Report sums up what a verification found.
type Report struct {
	Holds    bool   `json:"holds"`
	Streams  int    `json:"streams"`
	Events   uint64 `json:"events"`
	Open     int    `json:"open"`
	Problems int    `json:"problems"`
}

// Listener is told what a verification says, while it goes on.
type Listener struct {
	Running func(seconds float64)
	Problem func(Problem) error
}

// Verify has the server verify its log, which may take a minute or more.
func Verify(ctx context.Context, c *api.Client, l Listener) (r Report, err error) {
	ended := false
	err = c.PostLines(ctx, struct{}{}, func(text []byte) error {
		var line struct {
			Running *float64 `json:"runningSeconds"`
			Problem *Problem `json:"problem"`
			Report  *Report  `json:"report"`
			Error   *struct {
				Message string `json:"message"`
			} `json:"error"`
		}
		if err := json.Unmarshal(text, &line); err != nil {
			return fault.Errorf(fault.Failed, "a line of the answer cannot be read: %w", err)
		}
		switch {
		case line.Running != nil:
			l.Running(*line.Running)
		case line.Problem != nil:
			return l.Problem(*line.Problem)
		case line.Error != nil:
			return fault.Errorf(fault.Failed, "the log could not be verified: %s", terminal.Escape(line.Error.Message))
		case line.Report != nil:
			r, ended = *line.Report, true
		}
		return nil
	}, "verify")
	if err == nil && !ended {
		err = fault.Errorf(fault.Unreachable, "the server ended before its report did")
	}
	return r, err
}
