package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

// eventPage is the answer of GET /events.
type eventPage struct {
	Events []events.Event `json:"events"`
	Next   string         `json:"next"` // the after of the next page; the same if there is nothing more now
}

func (a api) events(w http.ResponseWriter, r *http.Request) {
	q, err := parseEvents(r.URL.RawQuery)
	if err != nil {
		fail(w, http.StatusBadRequest, protocol.BadRequest, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), historyTimeout)
	defer cancel()
	if q.fromNow {
		if q.after, err = presence.Tails(ctx, a.cfg.Store); !a.answered(w, r, err) {
			return
		}
	}
	reader := presence.NewReader(a.cfg.Store, q.after)
	limit := q.limit
	if q.follow {
		limit = presence.MaxEvents
	}
	page, err := reader.Poll(ctx, limit)
	// Who follows waits for a store that is away; but what is deleted never comes.
	if q.follow && !errors.Is(err, presence.ErrForgotten) {
		a.follow(w, r, reader, q.after.String(), page)
		return
	}
	if !a.answered(w, r, err) {
		return
	}
	if page == nil {
		page = []events.Event{}
	}
	reply(w, eventPage{page, reader.Cursor().String()})
}

// aliveEvery is how often a follower is told of the cursor at least: so it knows that it
// is still connected, and the server finds out that it is not.
const aliveEvery = 15 * time.Second

// bookmark is a line of a stream of events that is no event.
type bookmark struct {
	Cursor string `json:"cursor"` // after the events before this line
}

// follow answers with a stream of lines: the cursor that was asked for, then an event each,
// and after each page of them the cursor. The first page is read already. It ends when the
// client goes, or when the server does, or where retention has deleted what comes next.
func (a api) follow(w http.ResponseWriter, r *http.Request, reader *presence.Reader, from string, page []events.Event) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	lines, out := json.NewEncoder(w), http.NewResponseController(w)
	send := func(page []events.Event) error {
		for _, e := range page {
			if err := lines.Encode(e); err != nil {
				return err
			}
		}
		if err := lines.Encode(bookmark{reader.Cursor().String()}); err != nil {
			return err
		}
		return out.Flush()
	}
	if lines.Encode(bookmark{from}) != nil || r.Method == http.MethodHead { // which hears nothing, and so would never go
		return
	}
	if len(page) > 0 && send(page) != nil || out.Flush() != nil {
		return
	}
	wake, stop := a.cfg.Bell.Listen()
	defer stop()
	for r.Context().Err() == nil {
		ctx, cancel := context.WithTimeout(r.Context(), aliveEvery)
		err := reader.Follow(ctx, wake, send)
		waited := ctx.Err() != nil
		cancel()
		if waited {
			err = send(nil)
		}
		if err != nil {
			a.cfg.Log.Debug("a follower of the log is gone", zap.Error(err))
			return
		}
	}
}

// nodeList is the answer of GET /nodes: the streams that have not ended.
type nodeList struct {
	Nodes []node `json:"nodes"`
}

type node struct {
	Node        string    `json:"node"`
	Epoch       uint32    `json:"epoch"`
	Addr        string    `json:"addr"`
	Beat        uint64    `json:"beat"`
	BeatAt      time.Time `json:"beatAt"` // by the store's clock
	Tail        string    `json:"tail,omitempty"`
	Connections int       `json:"connections"`
	Version     string    `json:"version"`
	StartedAt   time.Time `json:"startedAt"`
}

func (a api) nodes(w http.ResponseWriter, r *http.Request) {
	if !noParameters(w, r) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
	defer cancel()
	all, err := a.cfg.Store.Nodes.All(ctx)
	if !a.answered(w, r, err) {
		return
	}
	answer := nodeList{Nodes: make([]node, 0, len(all))}
	for _, n := range all {
		answer.Nodes = append(answer.Nodes, node{
			n.Stream.Node, n.Stream.Epoch, n.Addr, n.Beat, n.BeatAt, text(n.Tail), n.Connections, n.Version, n.StartedAt,
		})
	}
	reply(w, answer)
}
