package presence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
)

// How long Boot watches the node document of an unsealed epoch for a sign of life,
// and how often it looks. A live process beats every 2 s.
const (
	bootWatch = 7 * time.Second
	bootLook  = 500 * time.Millisecond
)

// errLost says that another claimed the epoch first.
var errLost = errors.New("the epoch was claimed by another process")

// boot ends the older epochs of this node id and claims the next one. It returns the
// opened event of the claim.
func (m *Member) boot(ctx context.Context) (events.Event, error) {
	for {
		if err := m.endOlder(ctx); err != nil {
			return events.Event{}, err
		}
		opened, err := m.claim(ctx)
		if err == nil {
			return opened, m.join(ctx, opened)
		}
		if !errors.Is(err, errLost) {
			return events.Event{}, err
		}
	}
}

// endOlder takes over the highest epoch of this node id if it is unsealed and its
// process dead, and completes the takeovers and leaves that older epochs began.
func (m *Member) endOlder(ctx context.Context) error {
	last, err := m.watchHighest(ctx)
	if errors.Is(err, events.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if !last.Seals() {
		if err := m.endLost(ctx, last.ID.Stream); err != nil {
			return err
		}
	}
	return m.completeOlder(ctx, last.ID.Epoch)
}

// watchHighest returns the last event of the highest epoch of this node id, which is
// sealed, or whose process gave no sign of life while it was watched. An epoch that
// another process has begun meanwhile is watched from its own beginning: the silence
// of the one before says nothing about it.
func (m *Member) watchHighest(ctx context.Context) (events.Event, error) {
	var watched events.Stream
	for {
		last, err := m.highest(ctx)
		if err != nil || last.Seals() || m.store.Exclusive || last.ID.Stream == watched {
			return last, err
		}
		watched = last.ID.Stream
		if err := m.watch(ctx, watched); err != nil {
			return events.Event{}, err
		}
	}
}

// completeOlder takes over, to the end, the streams of this node id up to an epoch
// that still have a node document: it goes last, so it says that something is left.
func (m *Member) completeOlder(ctx context.Context, upTo uint32) error {
	nodes, err := m.allNodes(ctx)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n.Stream.Node == m.cfg.Node && n.Stream.Epoch <= upTo {
			if err := m.endLost(ctx, n.Stream); err != nil {
				return err
			}
		}
	}
	return nil
}

// watch returns nil if the owner of a stream gave no sign of life for bootWatch, and
// ErrDuplicateNode if it did. The last look is after that time, also when this process
// was paused between two looks.
func (m *Member) watch(ctx context.Context, s events.Stream) error {
	first, seen, err := m.nodeOf(ctx, s)
	if err != nil {
		return err
	}
	m.log.Info("an older epoch of this node id is not sealed; watching for its process",
		zap.Stringer("stream", s), zap.String("addr", first.Addr), zap.Duration("for", bootWatch))
	for began := time.Now(); ; {
		if !sleep(ctx, bootLook) {
			return context.Cause(ctx)
		}
		looked := time.Now()
		now, there, err := m.nodeOf(ctx, s)
		if err != nil {
			return err
		}
		if there && (!seen || now.Beat != first.Beat) {
			return fmt.Errorf("node id %q: %w: it listens on %s, and its epoch is %d; give this one another NODE_ID (--node-id)",
				m.cfg.Node, ErrDuplicateNode, now.Addr, s.Epoch)
		}
		if looked.Sub(began) >= bootWatch {
			return nil
		}
	}
}

// claim inserts the opened event of the next epoch. It returns errLost if another
// process did so first.
func (m *Member) claim(ctx context.Context) (events.Event, error) {
	epoch := uint32(1)
	last, err := m.highest(ctx)
	switch {
	case err == nil && !last.Seals():
		return events.Event{}, errLost
	case err == nil:
		epoch = last.ID.Epoch + 1
	case !errors.Is(err, events.ErrNotFound):
		return events.Event{}, err
	}
	opened := events.Event{
		ID:      events.Stream{Node: m.cfg.Node, Epoch: epoch}.At(0),
		Type:    events.Opened,
		At:      m.now(),
		Process: m.process,
		Addr:    m.cfg.Addr,
		Version: m.cfg.Version,
	}
	err = m.persist(ctx, step{"claim", func(ctx context.Context) error {
		_, err := appendRun(ctx, m.store.Log, []events.Event{opened}, m.sameClaim)
		return err
	}})
	if err == nil {
		m.setStream(opened.ID.Stream)
	}
	return opened, err
}

// sameClaim judges the event found at seq 0 of the epoch that this process claims:
// its own earlier try has its token.
func (m *Member) sameClaim(found, _ events.Event) error {
	if found.Process != m.process {
		return errLost
	}
	return nil
}

// join inserts the node document of a claimed epoch. The first connected event is
// appended only after that.
func (m *Member) join(ctx context.Context, opened events.Event) error {
	n := m.nodeAt(opened.ID.Stream, opened.At)
	n.Beat, n.Tail = firstBeat, opened.ID
	err := m.persist(ctx, step{"join", func(ctx context.Context) error { return m.store.Nodes.Join(ctx, n) }})
	if err == nil {
		m.log.Info("joined", zap.Stringer("stream", opened.ID.Stream))
	}
	return err
}

// nodeAt is the node document of a stream of this node, without what changes.
func (m *Member) nodeAt(s events.Stream, startedAt time.Time) Node {
	return Node{Stream: s, Addr: m.cfg.Addr, Version: m.cfg.Version, StartedAt: startedAt}
}

// highest is Log.Highest, repeated until it answers.
func (m *Member) highest(ctx context.Context) (last events.Event, err error) {
	err = m.persist(ctx, step{"read highest epoch", func(ctx context.Context) error {
		last, err = m.store.Log.Highest(ctx, m.cfg.Node)
		return err
	}})
	return last, err
}

// allNodes is Nodes.All, repeated until it answers.
func (m *Member) allNodes(ctx context.Context) (nodes []Node, err error) {
	err = m.persist(ctx, step{"read nodes", func(ctx context.Context) error {
		nodes, err = m.store.Nodes.All(ctx)
		return err
	}})
	return nodes, err
}

// nodeOf is the node document of a stream, if there is one.
func (m *Member) nodeOf(ctx context.Context, s events.Stream) (Node, bool, error) {
	nodes, err := m.allNodes(ctx)
	for _, n := range nodes {
		if n.Stream == s {
			return n, true, err
		}
	}
	return Node{}, false, err
}
