package admin

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

// connectionPage is the answer of GET /online/{user}.
type connectionPage struct {
	User        string       `json:"user"`
	Connections []connection `json:"connections"`    // none: the user is not online
	Next        string       `json:"next,omitempty"` // the after of the next page
}

type connection struct {
	ID     string    `json:"id"`
	Node   string    `json:"node"`
	Since  time.Time `json:"since"`
	Remote string    `json:"remote,omitempty"`
	Agent  string    `json:"agent,omitempty"`
}

func (a api) onlineUser(w http.ResponseWriter, r *http.Request) {
	user, size, after := r.PathValue("user"), defaultLimit, events.Position{}
	err := events.ValidateUser(user)
	if err != nil {
		err = fmt.Errorf("user %.130q: %w", user, err)
	} else {
		err = parameters{"limit": limit(&size), "after": position(&after)}.read(r.URL.RawQuery)
	}
	if err != nil {
		fail(w, http.StatusBadRequest, protocol.BadRequest, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
	defer cancel()
	page, err := a.cfg.Store.Online.OfUser(ctx, user, after, size+1) // one more says whether there is a next page
	if !a.answered(w, r, err) {
		return
	}
	answer := connectionPage{User: user, Connections: make([]connection, 0, len(page))}
	if len(page) > size {
		page = page[:size]
		answer.Next = page[size-1].ID.String()
	}
	for _, c := range page {
		answer.Connections = append(answer.Connections, connectionOf(c))
	}
	reply(w, answer)
}

func connectionOf(c presence.Connection) connection {
	return connection{c.ID.String(), c.ID.Node, c.Since.UTC(), c.Remote, c.Agent}
}
