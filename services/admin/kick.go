package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

// Kicker closes connections on whatever node; *presence.Member does.
type Kicker interface {
	Kick(ctx context.Context, o presence.KickOrder) ([]events.Position, error)
	Kicked(ctx context.Context, asked []events.Position) (pending []events.Position)
}

var _ Kicker = (*presence.Member)(nil)

// How long POST /kick waits until those who are kicked have gone.
const (
	defaultKickWait = 5 * time.Second
	maxKickWait     = time.Minute
)

// kickAnswer is the answer of POST /kick.
type kickAnswer struct {
	Asked   int      `json:"asked"`   // connections; 0 if nobody is online
	Gone    int      `json:"gone"`    // of them, those whose disconnect is recorded
	Pending []string `json:"pending"` // the others, at most 1,000 of them
}

func (a api) kick(w http.ResponseWriter, r *http.Request) {
	if !noParameters(w, r) {
		return
	}
	var user, connection, reason, wait string
	if !readBody(w, r, fields{"user": &user, "connection": &connection, "reason": &reason, "wait": &wait}) {
		return
	}
	order, patience, err := parseKick(user, connection, reason, wait)
	if err != nil {
		fail(w, http.StatusBadRequest, protocol.BadRequest, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
	asked, err := a.cfg.Kicker.Kick(ctx, order)
	cancel()
	if !a.answered(w, r, err) {
		return
	}
	a.cfg.Log.Info("an operator kicks", zap.String("user", user), zap.String("connection", connection),
		zap.Int("connections", len(asked)), zap.String("reason", reason))
	ctx, cancel = context.WithTimeout(r.Context(), patience)
	defer cancel()
	pending := a.cfg.Kicker.Kicked(ctx, asked)
	answer := kickAnswer{Asked: len(asked), Gone: len(asked) - len(pending), Pending: []string{}}
	for _, id := range pending[:min(len(pending), presence.MaxKicks)] {
		answer.Pending = append(answer.Pending, id.String())
	}
	reply(w, answer)
}

// parseKick reads an order. One that names nobody is refused: it would be taken for one
// to kick everybody.
func parseKick(user, connection, reason, wait string) (o presence.KickOrder, patience time.Duration, err error) {
	o, patience = presence.KickOrder{User: user, Reason: reason}, defaultKickWait
	switch {
	case user == "" && connection == "":
		return o, 0, errors.New("whom? Give a user or a connection")
	case user != "" && connection != "":
		return o, 0, errors.New("give a user or a connection, not both")
	case user != "":
		err = events.ValidateUser(user)
	default:
		o.Conn, err = events.ParsePosition(connection)
	}
	if err == nil {
		err = presence.ValidateKickReason(reason)
	}
	if err == nil && wait != "" {
		patience, err = time.ParseDuration(wait)
		if err != nil || patience < 0 || patience > maxKickWait {
			err = errors.New("wait must be a time between 0s and 1m, such as 5s")
		}
	}
	return o, patience, err
}
