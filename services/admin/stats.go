package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

// NodeStats is what GET /stats says of the node that is asked.
type NodeStats struct {
	Node      string    `json:"node"`
	Epoch     uint32    `json:"epoch"` // 0 while it joins again
	Version   string    `json:"version"`
	Go        string    `json:"go"` // the version of the toolchain
	StartedAt time.Time `json:"startedAt"`
	Uptime    int64     `json:"uptimeSeconds"`
	Ready     bool      `json:"ready"`

	Connections int `json:"connections"` // recorded, and still there
	Users       int `json:"users"`       // of those connections
	Sockets     int `json:"sockets"`     // open WebSocket connections, also if not yet recorded
	Handshakes  int `json:"handshakes"`  // sockets that are not yet upgraded
	Queued      int `json:"queued"`      // events that wait to be recorded
	Room        int `json:"room"`        // for more events; below 2 clients are refused
	Failing     int `json:"failing"`     // steps that the store fails at the moment
	Computing   int `json:"computing"`   // Fibonacci computations that run
	Waiting     int `json:"waiting"`     // and that wait for a worker

	Recorded  uint64 `json:"recorded"`  // events since the start
	Fenced    uint64 `json:"fenced"`    // how often this node's stream was sealed by another
	Takeovers uint64 `json:"takeovers"` // streams of dead nodes that this node ended
	Mended    uint64 `json:"mended"`    // connections that reconcile added to online or removed from it
	Swept     uint64 `json:"swept"`     // ended streams whose ghosts were removed from online
	Kicked    uint64 `json:"kicked"`    // clients of this node that were told to go for an operator
}

// stats is the answer of GET /stats.
type stats struct {
	Node    NodeStats    `json:"node"`
	Cluster clusterStats `json:"cluster"`
}

// clusterStats is what the store says of all nodes.
type clusterStats struct {
	Nodes       int            `json:"nodes"`           // that have not left, also those that are dead and not yet taken over
	Connections int            `json:"connections"`     // online, may be a second old
	Users       *int           `json:"users,omitempty"` // online, if they were to be counted
	Versions    map[string]int `json:"versions"`        // how many nodes run which
}

func (a api) stats(w http.ResponseWriter, r *http.Request) {
	count := false
	if err := (parameters{"users": flag(&count)}).read(r.URL.RawQuery); err != nil {
		fail(w, http.StatusBadRequest, protocol.BadRequest, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), historyTimeout)
	defer cancel()
	cluster, err := a.cluster(ctx, count)
	if !a.answered(w, r, err) {
		return
	}
	reply(w, stats{a.cfg.Stats(), cluster})
}

// cluster counts what there is on all nodes. To count users is to walk through all of
// their connections.
func (a api) cluster(ctx context.Context, count bool) (clusterStats, error) {
	c := clusterStats{Versions: make(map[string]int)}
	nodes, err := a.cfg.Store.Nodes.All(ctx)
	if err != nil {
		return c, err
	}
	c.Nodes = len(nodes)
	for _, n := range nodes {
		c.Versions[n.Version]++
	}
	q := presence.UserQuery{Limit: 1}
	if count {
		q.Limit, c.Users = presence.MaxUserPage, new(int)
	}
	for {
		page, err := a.cfg.Users.Users(ctx, q)
		if err != nil {
			return c, err
		}
		if q.After == "" {
			c.Connections = page.Total
		}
		if !count {
			return c, nil
		}
		*c.Users += len(page.Users)
		if q.After = page.Next; q.After == "" {
			return c, nil
		}
	}
}
