package presence

import (
	"context"
	"fmt"

	"github.com/presenced/presence/events"
)

// twoStep records in two steps, over any log and any projection.
type twoStep struct {
	log    events.Log
	online Online
}

var _ Recorder = twoStep{}

// TwoStep is the general Recorder: it appends a run to log, and when all of it is
// durable, applies it to online. Its Record returns 0 or len(run).
//
// A run is projected whole or not at all. So a connection that came and went inside
// one run never reaches online, in no try: its insert is never attempted, and so
// cannot arrive late and stay.
func TwoStep(log events.Log, online Online) Recorder { return twoStep{log, online} }

// Record implements Recorder.
func (r twoStep) Record(ctx context.Context, run []events.Event) (int, error) {
	if len(run) == 0 {
		return 0, nil
	}
	if _, err := appendRun(ctx, r.log, run, Ours); err != nil {
		return 0, err
	}
	add, remove := projection(run)
	if err := r.online.Apply(ctx, add, remove); err != nil {
		return 0, fmt.Errorf("project %s: %w", run[0].ID, err)
	}
	return len(run), nil
}

// Ours is the rule by which the owner of a stream judges an event that it finds
// where it was about to write mine: nil if it is its own earlier try, also if the user
// was forgotten since, an error that wraps ErrFenced if it is not.
func Ours(found, mine events.Event) error {
	switch {
	case found.Seals():
		return fmt.Errorf("%s holds %s by %q: %w", found.ID, found.Type, found.By, ErrFenced)
	case !found.StandsFor(mine):
		return fmt.Errorf("%s holds an event of another writer: %w", found.ID, ErrFenced)
	}
	return nil
}

// projection is what a run changes in online. A connection that came and went in it
// changes nothing.
func projection(run []events.Event) (add []Connection, remove []events.Position) {
	left := make(map[uint64]bool)
	for _, e := range run {
		if e.Type == events.Disconnected {
			left[e.Conn.Seq] = true
		}
	}
	for _, e := range run {
		switch {
		case e.Type == events.Connected && !left[e.ID.Seq]:
			add = append(add, ConnectionOf(e))
		case e.Type == events.Disconnected && e.Conn.Seq < run[0].ID.Seq:
			remove = append(remove, e.Conn)
		}
	}
	return add, remove
}
