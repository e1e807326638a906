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
// Its loops (append, beat, reconcile, kick) are started by start and waited for by
// finish, or by lost when one of them has failed.
type epoch struct {
	// static after construction
	m         *Member
	stream    events.Stream
	startedAt time.Time
	ctx       context.Context // of the loops; its cause says why they ended
	cancel    context.CancelCauseFunc
	loops     sync.WaitGroup
	leaving   chan struct{}  // closed by finish: the append loop ends when all is recorded
	appended  chan struct{}  // closed when the append loop has ended, in whatever way
	notes     chan chan note // size 0: reconcile asks, the append loop answers between batches
	findings  chan finding   // size 0: reconcile hands over, the append loop mends between batches
	kicks     chan kickRound // size 0: the kick loop hands over, the append loop judges between batches
	began     time.Time      // of the loops, by the monotonic clock

	// written by the appender
	tail atomic.Uint64 // seq of the last recorded event

	// owned by the appender; by whoever waited for the loops after that
	next   uint64  // seq
	at     int64   // At of the last event, Unix milliseconds
	batch  []item  // taken from the queue, and not yet recorded
	moving []*Conn // taken from the stale, and not yet recorded
	run    []events.Event
	done   uint64                    // items of the queue that are recorded
	former map[events.Position]*Conn // by the ids that connections had in earlier epochs; nil: none, or long ago
}

func newEpoch(m *Member, opened events.Event) *epoch {
	ctx, cancel := context.WithCancelCause(context.Background())
	return &epoch{
		m: m, stream: opened.ID.Stream, startedAt: opened.At, ctx: ctx, cancel: cancel,
		leaving: make(chan struct{}), appended: make(chan struct{}),
		notes: make(chan chan note), findings: make(chan finding), kicks: make(chan kickRound),
		next: 1, at: opened.At.UnixMilli(),
		batch: make([]item, 0, maxBatch), run: make([]events.Event, 0, maxBatch),
	}
}

// start starts the loops.
func (e *epoch) start() {
	e.began = time.Now()
	e.loops.Go(func() {
		defer close(e.appended)
		e.guard(e.appendLoop(e.ctx))
	})
	e.loops.Go(func() { e.guard(e.beatLoop(e.ctx)) })
	e.loops.Go(func() { e.reconcileLoop(e.ctx) })
	if e.m.store.Kicks != nil {
		e.loops.Go(func() { e.kickLoop(e.ctx) })
	}
}

// lost waits until all loops have ended by themselves, and with them their calls in
// flight, and returns why.
func (e *epoch) lost() error {
	e.loops.Wait()
	e.remember()
	e.m.table.lose(e.batch, e.moving)
	return context.Cause(e.ctx)
}

// guard ends the other loops when one has failed.
func (e *epoch) guard(err error) {
	if err != nil {
		e.cancel(err)
	}
}

// finish lets the append loop record what is left, until ctx ends, and waits for all
// loops. It returns nil if everything is recorded, and why the stream was lost if it
// was. If ctx has ended already, nothing is begun.
func (e *epoch) finish(ctx context.Context) error {
	if ctx.Err() == nil {
		close(e.leaving)
	}
	recorded := true
	select {
	case <-e.appended:
	case <-ctx.Done():
		recorded = false
	}
	e.cancel(errLeaving)
	e.loops.Wait()
	if err := context.Cause(e.ctx); !errors.Is(err, errLeaving) {
		return err
	}
	if !recorded {
		left := e.m.table.stats()
		return fmt.Errorf("leave %s: at least %d events and %d disconnects are not recorded: %w",
			e.stream, left.Queued, left.Connections, context.Cause(ctx))
	}
	return nil
}

// appendLoop is the appender: it records the connections of a stream that was lost
// before, and then what is queued, a batch at a time, until it is cancelled, or the
// node leaves and nothing is left to record.
func (e *epoch) appendLoop(ctx context.Context) error {
	if err := e.rejoin(ctx); err != nil {
		return err
	}
	for {
		e.batch = e.m.table.take(e.batch)
		busy := len(e.batch) > 0
		if busy {
			if err := e.recordBatch(ctx); err != nil {
				return err
			}
		}
		more, err := e.pause(ctx, busy)
		if !more || err != nil {
			return err
		}
	}
}

// rejoin records the connections that are still there from a stream that was lost, a
// batch at a time. They take no room in the queue.
func (e *epoch) rejoin(ctx context.Context) error {
	for !e.isLeaving() {
		e.moving = e.m.table.takeStale(make([]*Conn, 0, maxBatch))
		if len(e.moving) == 0 {
			break
		}
		now := e.m.now().UnixMilli()
		e.run = e.run[:0]
		for _, c := range e.moving {
			e.run = append(e.run, e.connected(c, now))
		}
		if err := e.record(ctx, e.run); err != nil {
			return err
		}
		moved := e.m.table.moved(e.moving, e.stream.Epoch)
		e.moving = nil
		for _, c := range moved {
			c.client.Recorded(e.stream.At(c.seq))
		}
	}
	clear(e.run)
	return nil
}

func (e *epoch) isLeaving() bool {
	select {
	case <-e.leaving:
		return true
	default:
		return false
	}
}

// pause does what is to be done between two batches. If the last one was empty it
// waits until there is something to do. It reports whether to go on.
func (e *epoch) pause(ctx context.Context, busy bool) (more bool, err error) {
	if busy {
		select {
		case made := <-e.notes:
			made <- e.note()
			return true, nil
		case f := <-e.findings:
			return true, e.mend(ctx, f)
		case r := <-e.kicks:
			e.judgeKicks(r)
			return true, nil
		default:
			return true, nil
		}
	}
	select {
	case <-e.m.table.wake:
		return true, nil
	case made := <-e.notes:
		made <- e.note()
		return true, nil
	case f := <-e.findings:
		return true, e.mend(ctx, f)
	case r := <-e.kicks:
		e.judgeKicks(r)
		return true, nil
	case <-e.leaving:
		return e.disconnectRest(), nil
	case <-ctx.Done():
		return false, nil
	}
}

// disconnectRest queues the disconnects of what is still connected when the node
// leaves, and reports whether there is anything left to record.
func (e *epoch) disconnectRest() bool {
	e.m.table.disconnectAll(events.Shutdown, e.m.now().UnixMilli())
	return e.m.table.stats().Queued > 0
}

// recordBatch gives the items of the batch their positions, once, records them,
// however often it takes, and tells the connections.
func (e *epoch) recordBatch(ctx context.Context) error {
	e.run = e.run[:0]
	for _, it := range e.batch {
		if it.reason == 0 {
			e.run = append(e.run, e.connected(it.conn, it.at))
		} else {
			e.run = append(e.run, e.disconnected(it))
		}
	}
	if err := e.record(ctx, e.run); err != nil {
		return err
	}
	welcome := e.m.table.recorded(e.batch, e.stream.Epoch)
	e.done += uint64(len(e.batch))
	e.batch = e.batch[:0]
	for _, it := range welcome {
		it.conn.client.Recorded(e.stream.At(it.conn.seq))
	}
	clear(welcome) // who leaves is not to be kept in memory
	clear(e.run)
	return nil
}

// record records a run, however often it takes.
func (e *epoch) record(ctx context.Context, run []events.Event) error {
	rest, began := run, time.Now()
	err := e.m.persist(ctx, step{"record", func(ctx context.Context) error {
		n, err := e.m.store.Recorder.Record(ctx, rest)
		rest = rest[n:]
		return err
	}})
	if err == nil {
		e.tail.Store(e.next - 1)
		e.m.count.recorded.Add(uint64(len(run)))
		e.m.cfg.Recorded(len(run), time.Since(began))
	}
	return err
}

// event is an event at the next position of the stream. Its time is when it happened,
// but never before that of the event before it.
func (e *epoch) event(t events.Type, user string, at int64) events.Event {
	e.at = max(e.at, at)
	ev := events.Event{ID: e.stream.At(e.next), Type: t, At: time.UnixMilli(e.at).UTC(), User: user}
	e.next++
	return ev
}

// connected makes the connected event of a connection, which resumes the one that it
// was last recorded as.
func (e *epoch) connected(c *Conn, at int64) events.Event {
	ev := e.event(events.Connected, c.user, at)
	c.seq, c.since = ev.ID.Seq, e.at
	ev.Remote, ev.Agent = c.remote.Value(), c.agent.Value()
	if c.ackedSeq != 0 {
		ev.Resumes = events.Stream{Node: e.stream.Node, Epoch: c.ackedEpoch}.At(c.ackedSeq)
	}
	return ev
}

func (e *epoch) disconnected(it item) events.Event {
	ev := e.event(events.Disconnected, it.conn.user, it.at)
	ev.Reason, ev.Conn = it.reason, e.stream.At(it.conn.seq)
	return ev
}

// seal is the event that ends the stream in good order, after the last batch.
func (e *epoch) seal() events.Event {
	return events.Event{
		ID:     e.stream.At(e.next),
		Type:   events.Sealed,
		At:     time.UnixMilli(max(e.at, e.m.now().UnixMilli())).UTC(),
		By:     e.m.cfg.Node,
		Reason: events.Shutdown,
	}
}
