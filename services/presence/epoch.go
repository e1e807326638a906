package presence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/presenced/presence/events"
)

// maxBatch is the most events of one batch.
const maxBatch = 1000

// epoch is one life of the node id: it owns one stream, from the claim to its end.
// Its loops (append, beat, reconcile) are started by start and waited for by
// finish, or by themselves when one of them fails.
type epoch struct {
	// static after construction
	m         *Member
	stream    events.Stream
	startedAt time.Time
	ctx       context.Context // of the loops; its cause says why they ended
	cancel    context.CancelCauseFunc
	loops     sync.WaitGroup
	leaving   chan struct{} // closed by finish: the append loop ends when all is recorded
	ended     chan struct{} // closed when all loops have ended, and the member knows of it
	appended  chan struct{} // closed when the append loop has ended, in whatever way
	findings  chan finding  // size 0: reconcile hands over, the append loop mends between batches

	// written by the appender
	tail atomic.Uint64 // seq of the last recorded event

	// owned by the appender; by finish after appended is closed
	next  uint64 // seq
	at    int64  // At of the last event, Unix milliseconds
	batch []item
	run   []events.Event
}

// errLeaving is the cause for which the loops of an epoch are cancelled in good order.
var errLeaving = errors.New("the node is leaving")

func newEpoch(m *Member, opened events.Event) *epoch {
	ctx, cancel := context.WithCancelCause(context.Background())
	return &epoch{
		m: m, stream: opened.ID.Stream, startedAt: opened.At, ctx: ctx, cancel: cancel,
		leaving: make(chan struct{}), ended: make(chan struct{}), appended: make(chan struct{}), findings: make(chan finding),
		next: 1, at: opened.At.UnixMilli(),
		batch: make([]item, 0, maxBatch), run: make([]events.Event, 0, maxBatch),
	}
}

// start starts the loops, and whoever tells the member when they end by themselves.
func (e *epoch) start() {
	e.loops.Go(func() {
		defer close(e.appended)
		e.guard(e.appendLoop(e.ctx))
	})
	e.loops.Go(func() { e.guard(e.beatLoop(e.ctx)) })
	e.loops.Go(func() { e.guard(e.reconcileLoop(e.ctx)) })
	go func() {
		defer close(e.ended)
		e.loops.Wait()
		if err := context.Cause(e.ctx); !errors.Is(err, errLeaving) {
			e.m.fail(err)
		}
	}()
}

// guard ends the other loops when one has failed.
func (e *epoch) guard(err error) {
	if err != nil {
		e.cancel(err)
	}
}

// finish lets the append loop record what is left, until ctx ends, and waits for all
// loops. It returns nil if everything is recorded.
func (e *epoch) finish(ctx context.Context) error {
	close(e.leaving)
	recorded := true
	select {
	case <-e.appended:
	case <-ctx.Done():
		recorded = false
	}
	e.cancel(errLeaving)
	<-e.ended
	if !errors.Is(context.Cause(e.ctx), errLeaving) {
		return e.m.Err()
	}
	if !recorded {
		queued, live := e.m.table.waiting()
		return fmt.Errorf("leave %s: at least %d events and %d disconnects are not recorded: %w",
			e.stream, queued, live, context.Cause(ctx))
	}
	return nil
}

// appendLoop is the appender: it records what is queued, a batch at a time, until it
// is cancelled, or the node leaves and nothing is left to record.
func (e *epoch) appendLoop(ctx context.Context) error {
	for {
		batch := e.m.table.take(e.batch)
		if len(batch) > 0 {
			if err := e.recordBatch(ctx, batch); err != nil {
				return err
			}
		}
		more, err := e.pause(ctx, len(batch) > 0)
		if !more || err != nil {
			return err
		}
	}
}

// pause does what is to be done between two batches. If the last one was empty it
// waits until there is something to do. It reports whether to go on.
func (e *epoch) pause(ctx context.Context, busy bool) (more bool, err error) {
	if busy {
		select {
		case f := <-e.findings:
			return true, e.mend(ctx, f)
		default:
			return true, nil
		}
	}
	select {
	case <-e.m.table.wake:
		return true, nil
	case f := <-e.findings:
		return true, e.mend(ctx, f)
	case <-e.leaving:
		return e.disconnectRest(), nil
	case <-ctx.Done():
		return false, nil
	}
}

// disconnectRest queues the disconnects of what is still connected when the node
// leaves, and reports whether there is anything left to record.
func (e *epoch) disconnectRest() bool {
	e.m.table.disconnectAll(events.Shutdown, time.Now().UnixMilli())
	queued, _ := e.m.table.waiting()
	return queued > 0
}

// recordBatch gives the items of a batch their positions, once, records them,
// however often it takes, and tells the connections.
func (e *epoch) recordBatch(ctx context.Context, batch []item) error {
	e.run = e.run[:0]
	for _, it := range batch {
		e.run = append(e.run, e.event(it))
	}
	if err := e.record(ctx, e.run); err != nil {
		return err
	}
	e.tail.Store(e.next - 1)
	for _, it := range e.m.table.recorded(batch) {
		it.conn.client.Recorded(e.stream.At(it.conn.seq))
	}
	clear(e.run)
	return nil
}

func (e *epoch) record(ctx context.Context, run []events.Event) error {
	return e.m.persist(ctx, step{"record", func(ctx context.Context) error {
		n, err := e.m.store.Recorder.Record(ctx, run)
		run = run[n:]
		return err
	}})
}

// event makes the event of an item, at the next position of the stream. Its time is
// when it happened, but never before that of the event before it.
func (e *epoch) event(it item) events.Event {
	e.at = max(e.at, it.at)
	ev := events.Event{
		ID:   e.stream.At(e.next),
		At:   time.UnixMilli(e.at).UTC(),
		User: it.conn.user,
	}
	if it.reason == 0 {
		it.conn.seq, it.conn.since = e.next, e.at
		ev.Type = events.Connected
		ev.Remote, ev.Agent = it.conn.remote.Value(), it.conn.agent.Value()
	} else {
		ev.Type, ev.Reason = events.Disconnected, it.reason
		ev.Conn = e.stream.At(it.conn.seq)
	}
	e.next++
	return ev
}

// seal is the event that ends the stream in good order, after the last batch.
func (e *epoch) seal() events.Event {
	return events.Event{
		ID:     e.stream.At(e.next),
		Type:   events.Sealed,
		At:     time.UnixMilli(max(e.at, time.Now().UnixMilli())).UTC(),
		By:     e.m.cfg.Node,
		Reason: events.Shutdown,
	}
}
