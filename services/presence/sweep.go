package presence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
)

// How long to wait between two sweeps, at random so that nodes do not all read at
// once, and how long a stream may be without an owner until it is taken over.
const (
	sweepMin    = 3 * time.Second
	sweepMax    = 7 * time.Second
	sweepOrphan = 12 * time.Second

	// sweepKicks is how long kicks of a stream that has ended are kept: its owner may be
	// alive, only cut off, and is then to find them when it joins again.
	sweepKicks = 10 * time.Minute
)

// orphans are streams in a state that should not last, and since when this node has
// seen them so.
type orphans map[events.Stream]time.Time

// sweep looks for what a late write has brought back: connections in online of streams
// that have ended, or of which no node document tells any more.
func (m *Member) sweep() {
	seen, kicks := make(orphans), make(orphans)
	for sleep(m.ctx, m.between(sweepMin, sweepMax)) {
		err := m.sweepOnce(m.ctx, seen)
		if err == nil && m.store.Kicks != nil {
			err = m.sweepKicks(m.ctx, kicks)
		}
		switch {
		case err == nil:
			m.health.clear("sweep")
		case m.ctx.Err() == nil:
			m.health.note("sweep", err)
			clear(seen) // a wait that was not watched does not count
			clear(kicks)
		}
	}
}

func (m *Member) sweepOnce(ctx context.Context, seen orphans) error {
	strays, err := m.strays(ctx)
	if err != nil {
		return err
	}
	still := make(map[events.Stream]bool, len(strays))
	for _, s := range strays {
		tail, err := m.tailOf(ctx, s)
		if err != nil && !senseless(err) { // who cannot be read is left to a takeover, and keeps no other
			return err
		}
		if err == nil && ended(tail) {
			if err := m.dropStray(ctx, s, tail); err != nil {
				return err
			}
			continue
		}
		still[s] = true
		if seen.forAWhile(s, sweepOrphan, time.Now()) {
			m.takeOverBeside(s, "no node document")
		}
	}
	seen.keep(still)
	return nil
}

// sweepKicks removes the kicks of streams of other nodes that ended a while ago. Those of
// its own node this node removes by itself.
func (m *Member) sweepKicks(ctx context.Context, seen orphans) error {
	streams, err := m.store.Kicks.Streams(ctx)
	if err != nil {
		return fmt.Errorf("list streams of kicks: %w", err)
	}
	still := make(map[events.Stream]bool)
	for _, s := range streams {
		if s.Node == m.cfg.Node {
			continue
		}
		tail, err := m.tailOf(ctx, s)
		if err != nil && !senseless(err) {
			return err
		}
		if still[s] = err == nil && ended(tail); !still[s] || !seen.forAWhile(s, sweepKicks, time.Now()) {
			continue
		}
		if err := dropKicks(ctx, m.store.Kicks, s); err != nil {
			return fmt.Errorf("drop kicks of %s: %w", s, err)
		}
	}
	seen.keep(still)
	return nil
}

// keep forgets the streams that are not in that state any more.
func (o orphans) keep(still map[events.Stream]bool) {
	for s := range o {
		if !still[s] {
			delete(o, s)
		}
	}
}

// forAWhile reports whether a stream has been an orphan for d.
func (o orphans) forAWhile(s events.Stream, d time.Duration, now time.Time) bool {
	since, known := o[s]
	if !known {
		o[s] = now
	}
	return known && now.Sub(since) >= d
}

// strays are the streams of online that have no node document, and are not this
// node's own.
func (m *Member) strays(ctx context.Context) ([]events.Stream, error) {
	// Online first: a stream that begins in between has its node document by then.
	streams, err := m.store.Online.Streams(ctx)
	if err != nil {
		return nil, fmt.Errorf("list streams of online: %w", err)
	}
	nodes, err := m.store.Nodes.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read nodes: %w", err)
	}
	owned := map[events.Stream]bool{m.Stream(): true}
	for _, n := range nodes {
		owned[n.Stream] = true
	}
	strays := slices.DeleteFunc(streams, func(s events.Stream) bool { return owned[s] })
	if len(strays) == 0 {
		return nil, nil
	}
	// Once more: its owner or a peer may have ended one between the two reads.
	streams, err = m.store.Online.Streams(ctx)
	if err != nil {
		return nil, fmt.Errorf("list streams of online: %w", err)
	}
	return slices.DeleteFunc(strays, func(s events.Stream) bool { return !slices.Contains(streams, s) }), nil
}

// tailOf returns the last event of a stream. It is the zero event if the log does not
// have the stream at all, as after a restore of an older backup.
func (m *Member) tailOf(ctx context.Context, s events.Stream) (events.Event, error) {
	tail, err := m.store.Log.Tail(ctx, s)
	if errors.Is(err, events.ErrNotFound) {
		return events.Event{}, nil
	}
	if err != nil {
		return events.Event{}, fmt.Errorf("read tail of %s: %w", s, err)
	}
	return tail, nil
}

// ended reports whether nothing of its owner follows a stream's tail.
func ended(tail events.Event) bool { return tail.ID.IsZero() || tail.Seals() }

// dropStray removes what online still has of a stream that has ended. If its node was
// lost, and its node document too, nothing else tells of a takeover that died after the
// seal: so what that had to append is appended first (I4, I10).
func (m *Member) dropStray(ctx context.Context, s events.Stream, tail events.Event) error {
	if tail.Reason == events.NodeLost {
		_, err := m.endOpen(ctx, s)
		if err != nil && !senseless(err) {
			return fmt.Errorf("end %s: %w", s, err)
		}
		m.stick(s, err) // nobody knows who is to be ended; but none of them is there
	}
	if err := m.store.Online.DropStream(ctx, s); err != nil {
		return fmt.Errorf("drop %s from online: %w", s, err)
	}
	m.count.swept.Add(1)
	m.log.Warn("ghosts of an ended stream removed from online", zap.Stringer("stream", s))
	return nil
}
