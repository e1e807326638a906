package presence

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
)

// errLeaving is the cause for which loops are cancelled in good order.
var errLeaving = errors.New("the node is leaving")

// supervise is with the member's epochs, one after the other, from Start to Shutdown:
// when one is fenced, its clients go on in the next.
func (m *Member) supervise(e *epoch) {
	for {
		select {
		case ctx := <-m.leave:
			m.left <- m.finish(ctx, e)
			return
		case <-e.ctx.Done():
		}
		err := e.lost()
		next, err := m.after(e, err)
		if err != nil {
			m.giveUp(e, err)
			return
		}
		next.former = e.former
		e = next
		e.start()
	}
}

// after is the epoch that follows one that ended by itself.
func (m *Member) after(e *epoch, why error) (*epoch, error) {
	if !errors.Is(why, ErrFenced) {
		return nil, why
	}
	m.setStream(events.Stream{})
	m.count.fenced.Add(1)
	m.log.Warn("fenced; joining again with the connections that are still there",
		zap.Stringer("stream", e.stream), zap.Error(why))
	return m.rejoin(m.ctx, e.stream)
}

// rejoin ends the stream that was lost and claims the next epoch. It returns
// ErrDuplicateNode if another process uses the node id, and ErrLogLost if there is no
// such stream any more.
func (m *Member) rejoin(ctx context.Context, lost events.Stream) (*epoch, error) {
	if err := m.endLost(ctx, lost); errors.Is(err, events.ErrNotFound) {
		return nil, fmt.Errorf("%s: %w: the database was emptied, or another has taken its place; start this node again, and it begins anew", lost, ErrLogLost)
	} else if err != nil {
		return nil, err
	}
	for {
		if err := m.checkToken(ctx, lost); err != nil {
			return nil, err
		}
		opened, err := m.claim(ctx)
		if errors.Is(err, errLost) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := m.join(ctx, opened); err != nil {
			return nil, err
		}
		return newEpoch(m, opened), nil
	}
}

// checkToken returns ErrDuplicateNode if there is a newer epoch of this node id than
// the one that was lost: this process has claimed none.
func (m *Member) checkToken(ctx context.Context, lost events.Stream) error {
	last, err := m.highest(ctx)
	if err != nil {
		return err
	}
	if last.ID.Epoch > lost.Epoch {
		return fmt.Errorf("node id %q: %w: it has claimed epoch %d; give this one another NODE_ID (--node-id)",
			m.cfg.Node, ErrDuplicateNode, last.ID.Epoch)
	}
	return nil
}

// giveUp ends a member that cannot go on: for good, or because Shutdown was called
// while it was about to rejoin.
func (m *Member) giveUp(e *epoch, err error) {
	if !errors.Is(err, errLeaving) {
		m.table.close()
		m.log.Error("this node cannot record any more", zap.Stringer("stream", e.stream), zap.Error(err))
		m.err = err
		close(m.done)
		m.cancel(err)
	}
	ctx := <-m.leave
	if errors.Is(err, ErrLogLost) {
		m.left <- nil // there is nothing to end
		return
	}
	m.left <- errors.Join(m.endLost(ctx, e.stream), m.endClaimed(ctx, e.stream))
}

// endClaimed ends the epoch that this process has claimed, perhaps without knowing it,
// after the one that was lost, and never begun.
func (m *Member) endClaimed(ctx context.Context, lost events.Stream) error {
	last, err := m.highest(ctx)
	if err != nil || last.ID.Epoch <= lost.Epoch || last.Seals() {
		return err
	}
	opened, err := m.store.Log.Read(ctx, last.ID.At(0), 1)
	if err != nil || len(opened) == 0 || opened[0].Process != m.process {
		return err
	}
	return m.endLost(ctx, last.ID.Stream)
}

// finish ends the last epoch of a member that leaves.
func (m *Member) finish(ctx context.Context, e *epoch) error {
	err := e.finish(ctx)
	if err == nil {
		err = m.end(ctx, e)
	}
	if errors.Is(err, ErrFenced) {
		m.log.Warn("fenced while leaving", zap.Stringer("stream", e.stream), zap.Error(err))
		return m.endLost(ctx, e.stream)
	}
	return err
}

// end seals a stream whose queue is empty and whose loops have ended, and removes what
// online, kicks and nodes have of it.
func (m *Member) end(ctx context.Context, e *epoch) error {
	seal, stream := e.seal(), e.stream
	steps := []step{
		{"seal", func(ctx context.Context) error {
			_, err := appendRun(ctx, m.store.Log, []events.Event{seal}, sameSeal)
			return err
		}},
		{"drop own online", func(ctx context.Context) error { return m.store.Online.DropStream(ctx, stream) }},
		{"drop own kicks", func(ctx context.Context) error {
			if m.store.Kicks == nil {
				return nil
			}
			return dropKicks(ctx, m.store.Kicks, stream)
		}},
		{"remove own node", func(ctx context.Context) error { return m.store.Nodes.Remove(ctx, stream) }},
	}
	for _, s := range steps {
		if err := m.persist(ctx, s); err != nil {
			return fmt.Errorf("leave %s: %w", stream, err)
		}
	}
	m.log.Info("left", zap.Stringer("stream", stream))
	return nil
}

// sameSeal judges what is found where this node was about to seal its own stream.
func sameSeal(found, mine events.Event) error {
	if found != mine {
		return fmt.Errorf("%s holds %s by %q: %w", found.ID, found.Type, found.By, ErrFenced)
	}
	return nil
}
