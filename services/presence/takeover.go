package presence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
)

// takeOver ends the stream of a dead node, in four steps, each repeated until it is
// acknowledged. Any number of peers may do it at once, any of them may die in it,
// and doing it again on a stream that has ended changes nothing (I10):
//
//  1. seal it: this insert is the fence, the owner's next append collides with it;
//  2. append a disconnected event for each connection that was open at the seal;
//  3. drop the stream from online;
//  4. remove its node document, which says until then that there is work left.
//
// The seal stands after the log's last event, never after what the node document
// says: that lags.
//
// Of a stream that cannot be folded nobody knows who is to be ended. It is dropped from
// online, since it is sealed, and the error wraps errBroken; its node document stays, so
// that the takeover is completed if what is missing is put back.
func (m *Member) takeOver(ctx context.Context, s events.Stream) error {
	began := time.Now()
	if err := m.sealLost(ctx, s); err != nil {
		return fmt.Errorf("take over %s: %w", s, err)
	}
	drop := step{"drop online", func(ctx context.Context) error { return m.store.Online.DropStream(ctx, s) }}
	open, err := m.endOpen(ctx, s)
	switch {
	case senseless(err):
		if failed := m.persist(ctx, drop); failed != nil {
			return fmt.Errorf("take over %s: %w", s, failed)
		}
		return fmt.Errorf("take over %s: %w: %w", s, errBroken, err)
	case err != nil:
		return fmt.Errorf("take over %s: %w", s, err)
	}
	for _, st := range []step{
		drop,
		{"remove node", func(ctx context.Context) error { return m.store.Nodes.Remove(ctx, s) }},
	} {
		if err := m.persist(ctx, st); err != nil {
			return fmt.Errorf("take over %s: %w", s, err)
		}
	}
	m.count.takeovers.Add(1)
	m.count.reaped.Add(uint64(open))
	m.log.Info("stream taken over", zap.Stringer("stream", s), zap.Int("connections", open),
		zap.Duration("took", time.Since(began)))
	return nil
}

// errBroken says that a stream is sealed, and not in online any more, but that its events
// make no sense, so that its connections could not be ended.
var errBroken = errors.New("the log is broken, and its connections cannot be ended: see presenced verify")

// senseless reports whether err says of a stream that its events make no sense: one is
// missing, or is none that this program could have written. No time heals that.
func senseless(err error) bool {
	return !heals(err) && (errors.Is(err, events.ErrGrammar) || errors.Is(err, events.ErrInvalid))
}

// endLost takes over a stream that this process has lost, or that an earlier one of its
// node id has left. One that is broken keeps this node from nothing: it is sealed.
func (m *Member) endLost(ctx context.Context, s events.Stream) error {
	err := m.takeOver(ctx, s)
	if errors.Is(err, errBroken) {
		m.stick(s, err)
		return nil
	}
	return err
}

// stuckMost is how long it takes at most until a takeover that failed is tried again. Each
// try may read the stream from its beginning, and a stream may be broken for good.
const stuckMost = time.Minute

// stuck is a stream whose last takeover by this process failed.
type stuck struct {
	tries int
	until time.Time // until then it is not tried again
}

// stick takes note of how a takeover ended, and says once, however often it is tried, that
// it failed. The next try comes after a wait that grows.
func (m *Member) stick(s events.Stream, err error) {
	m.mu.Lock()
	last := m.stuck[s]
	delete(m.stuck, s)
	if err != nil {
		wait := min(leaseEvery<<min(last.tries, 10), stuckMost)
		m.stuck[s] = stuck{last.tries + 1, time.Now().Add(wait)}
	}
	m.mu.Unlock()
	if err != nil && last.tries == 0 {
		m.log.Error("takeover failed; it will be tried again", zap.Stringer("stream", s), zap.Error(err))
	}
}

// sealLost makes sure that a stream is sealed. Whoever's seal it is, it is one.
func (m *Member) sealLost(ctx context.Context, s events.Stream) error {
	return m.persist(ctx, step{"seal", func(ctx context.Context) error {
		for {
			err := m.trySeal(ctx, s)
			if _, occupied := errors.AsType[*events.OccupiedError](err); !occupied {
				return err
			}
			// The owner, or a peer, has just written there: again from the new tail.
		}
	}})
}

// trySeal appends a seal after the stream's tail, unless it is sealed.
func (m *Member) trySeal(ctx context.Context, s events.Stream) error {
	seen, err := m.lastBeat(ctx, s)
	if err != nil {
		return err
	}
	tail, err := m.store.Log.Tail(ctx, s)
	if err != nil || tail.Seals() {
		return err
	}
	at := m.notBefore(tail.At)
	seal := events.Event{
		ID:       tail.ID.Next(),
		Type:     events.Sealed,
		At:       at,
		By:       m.cfg.Node,
		Reason:   events.NodeLost,
		LastSeen: lastSign(seen, tail.At, at),
	}
	_, err = m.store.Log.Append(ctx, []events.Event{seal})
	if err == nil {
		m.cfg.Declared(seal.At.Sub(seal.LastSeen))
	}
	return err
}

// lastSign is a lost node's last sign of life: its last beat, or its last event if that
// is later. It is never after the seal. The beat is told by the store's clock, the event
// by the owner's, the seal by a peer's; they may differ, and a stream has one time.
func lastSign(beat, event, seal time.Time) time.Time {
	if sign := later(beat, event); sign.Before(seal) {
		return sign
	}
	return seal
}

// lastBeat is when the owner of a stream last gave a sign of life, by the store's
// clock; the zero time if its document is gone.
func (m *Member) lastBeat(ctx context.Context, s events.Stream) (time.Time, error) {
	nodes, err := m.store.Nodes.All(ctx)
	if err != nil {
		return time.Time{}, err
	}
	for _, n := range nodes {
		if n.Stream == s && !n.BeatAt.IsZero() {
			return events.Milliseconds(n.BeatAt), nil
		}
	}
	return time.Time{}, nil
}

// endOpen appends the disconnected events of the connections that were open at the
// seal, the i-th at seal+1+i, and returns how many there are.
func (m *Member) endOpen(ctx context.Context, s events.Stream) (int, error) {
	f, err := m.foldToSeal(ctx, s)
	if err != nil {
		return 0, err
	}
	seal, open := f.Seal(), f.Open()
	at, next := m.notBefore(seal.At), 0
	err = m.persist(ctx, step{"append node_lost", func(ctx context.Context) error {
		for next < len(open) {
			run := lostRun(seal, open, next, at)
			n, err := appendRun(ctx, m.store.Log, run, func(found, mine events.Event) error {
				// A peer was here. What follows must not be older than what it wrote.
				at = later(at, found.At)
				return alreadyLost(found, mine)
			})
			next += n
			if err != nil && !errors.Is(err, errPeer) {
				return err
			}
		}
		return nil
	}})
	return len(open), err
}

// errPeer says that a peer has written some of a takeover's events.
var errPeer = errors.New("a peer takes over the same stream")

// alreadyLost judges what is found in the place of a takeover's event: the same event
// by an earlier try or by a peer. Only its time may differ, which may be later than
// this node's, so the rest of the run is made again after it, and its user, who may have
// been forgotten.
func alreadyLost(found, mine events.Event) error {
	same := found
	same.At = mine.At
	switch {
	case !same.StandsFor(mine):
		return fmt.Errorf("%s holds %s and not the end of %s: %w", found.ID, found.Type, mine.Conn, events.ErrInvalid)
	case found.At.After(mine.At):
		return errPeer
	}
	return nil
}

// lostRun is up to a batch of the takeover's events, from the one of open[from] on.
func lostRun(seal events.Event, open []events.Event, from int, at time.Time) []events.Event {
	to := min(from+maxBatch, len(open))
	run := make([]events.Event, 0, to-from)
	for i := from; i < to; i++ {
		run = append(run, events.Event{
			ID:       seal.ID.At(seal.ID.Seq + 1 + uint64(i)),
			Type:     events.Disconnected,
			At:       at,
			User:     open[i].User,
			Conn:     open[i].ID,
			Reason:   events.NodeLost,
			LastSeen: seal.LastSeen,
		})
	}
	return run
}

// foldToSeal folds a sealed stream through its seal, and no further.
func (m *Member) foldToSeal(ctx context.Context, s events.Stream) (f *events.Fold, err error) {
	err = m.persist(ctx, step{"read stream", func(ctx context.Context) error {
		if f, err = foldSealed(ctx, m.store, s); err != nil {
			return err
		}
		if !f.Sealed() {
			return fmt.Errorf("%s: the seal is not visible yet: %w", s, events.ErrUnavailable)
		}
		return nil
	}})
	return f, err
}

// foldSealed folds from the newest snapshot: a stream may have been written for months,
// and who was connected to a dead node is to be offline within seconds.
func foldSealed(ctx context.Context, store Store, s events.Stream) (*events.Fold, error) {
	return foldNewest(ctx, store, s, (*events.Fold).Sealed)
}

// notBefore is the time now, or t if that is later: in a stream time never goes back,
// whoever writes.
func (m *Member) notBefore(t time.Time) time.Time { return later(m.now(), t) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
