package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

// Verify folds the whole log and compares it with online, with patience for what live
// nodes are about to mend; it changes nothing.
type Verify func(ctx context.Context) (presence.Report, error)

// verifyAlive is how often who waits for a report is told that it is being made.
const verifyAlive = 5 * time.Second

// The lines of the answer of POST /verify, one of the fields each. The last one is a
// report or an error; an answer without is one that was cut off.
type verifyLine struct {
	Running *float64        `json:"runningSeconds,omitempty"`
	Problem *problem        `json:"problem,omitempty"`
	Report  *verdict        `json:"report,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"` // in the shape of an error message
}

type problem struct {
	Kind   string `json:"kind"`
	Stream string `json:"stream"`
	ID     string `json:"id,omitempty"` // of the connection, if it is about one
	Detail string `json:"detail"`
}

// verdict sums up.
type verdict struct {
	Holds    bool   `json:"holds"`
	Streams  int    `json:"streams"`
	Events   uint64 `json:"events"`
	Open     int    `json:"open"` // connections
	Problems int    `json:"problems"`
}

// verify answers with a stream of lines. One at a time is enough: it reads the whole log.
func (a api) verify(w http.ResponseWriter, r *http.Request) {
	if !noParameters(w, r) || !readBody(w, r, fields{}) {
		return
	}
	if !a.verifying.TryLock() {
		fail(w, http.StatusConflict, protocol.Busy, "the log is being verified already; try again when that is done")
		return
	}
	defer a.verifying.Unlock()
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	lines, out := json.NewEncoder(w), http.NewResponseController(w)
	say := func(l verifyLine) {
		_ = lines.Encode(l) // if the reader has gone, the context ends
		_ = out.Flush()
	}
	report, err := a.watched(r.Context(), say)
	if err != nil {
		a.complain(r, &a.trouble.unverified, "the log could not be verified", err)
		say(verifyLine{Error: protocol.AppendError(nil, &protocol.Error{
			Code: protocol.Internal, Message: "the store could not be read; the server's log says why",
		})})
		return
	}
	a.trouble.unverified.Works(a.cfg.Log, "the log can be verified again")
	for _, p := range report.Problems {
		_ = lines.Encode(verifyLine{Problem: &problem{string(p.Kind), p.Stream.String(), text(p.ID), p.Detail}})
	}
	say(verifyLine{Report: &verdict{report.Holds(), report.Streams, report.Events, report.Open, len(report.Problems)}})
}

// watched makes the report, and says now and then that it is being made.
func (a api) watched(ctx context.Context, say func(verifyLine)) (report presence.Report, err error) {
	done := make(chan struct{})
	go func() { // waited for below
		defer close(done)
		report, err = a.cfg.Verify(ctx)
	}()
	ticker := time.NewTicker(verifyAlive)
	defer ticker.Stop()
	for began := time.Now(); ; {
		seconds := time.Since(began).Round(time.Millisecond).Seconds()
		say(verifyLine{Running: &seconds})
		select {
		case <-done:
			return report, err
		case <-ticker.C:
		}
	}
}
