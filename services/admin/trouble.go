package admin

import (
	"errors"
	"net/http"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/complaint"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

// calm is for how long no request must have failed until the store is said to work again.
const calm = time.Minute

// trouble is what fails at the moment: it is logged once, however many ask meanwhile.
type trouble struct{ away, failed, unverified complaint.Once }

func newTrouble() *trouble {
	return &trouble{complaint.Once{Calm: calm}, complaint.Once{Calm: calm}, complaint.Once{Calm: calm}}
}

// answered answers for a store, or a history, that did not, and reports whether it did. The
// cause is for the operator's log: it may name hosts.
func (a api) answered(w http.ResponseWriter, r *http.Request, err error) bool {
	switch {
	case err == nil:
		a.trouble.away.Works(a.cfg.Log, "the store answers the operator's API again")
		a.trouble.failed.Works(a.cfg.Log, "the store can be read again")
	case errors.Is(err, presence.ErrForgotten):
		why := "that is before what is kept of the log"
		if gap, there := errors.AsType[*presence.GapError](err); there {
			why += ": " + gap.Error()
		}
		fail(w, http.StatusGone, protocol.OutOfRange, why)
	case errors.Is(err, events.ErrInvalid):
		fail(w, http.StatusBadRequest, protocol.BadRequest, err.Error())
	case errors.Is(err, events.ErrUnavailable):
		a.complain(r, &a.trouble.away, "the store does not answer the operator's API", err)
		fail(w, http.StatusServiceUnavailable, protocol.Internal, "the store does not answer; try again")
	default:
		a.complain(r, &a.trouble.failed, "the store could not be read", err)
		fail(w, http.StatusInternalServerError, protocol.Internal, "the store failed; the server's log says why")
	}
	return err == nil
}

// complain logs what fails, but not that who asked has gone.
func (a api) complain(r *http.Request, about *complaint.Once, what string, err error) {
	if r.Context().Err() == nil {
		about.Fails(a.cfg.Log, what, err)
	}
}
