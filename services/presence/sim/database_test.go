package sim

import (
	"context"
	"errors"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// database is a replica set: a primary, which executes, and what the majority has,
// which is read and survives. Without lag they are one.
type database struct {
	primary   *storetest.Memory
	committed *storetest.Memory
	clock     clock // of the primary: it stamps the beats
	lag       bool
	behind    []executed // on the primary, not yet committed
	commits   int        // writes committed, ever
}

// executed is a write, or its first part, as the primary executed it.
type executed struct {
	o    *op
	part int
}

// init makes an empty database.
func (db *database) init(lag bool) {
	db.primary, db.lag = db.memory(), lag
	db.committed = db.primary
	if lag {
		db.committed = db.memory()
	}
}

// memory is an empty store whose clock is the database's.
func (db *database) memory() *storetest.Memory {
	m := storetest.NewMemory()
	m.Now = db.clock.now
	return m
}

// uncommitted is how many writes the majority has not.
func (db *database) uncommitted() int { return len(db.behind) }

// execute executes the first part of an operation. Its answer is due when it, and all
// before it, are committed.
func (w *world) execute(o *op, part int, why string) {
	w.log(entry{o: o, did: why, n: part})
	o.executed = true
	if !o.writes() {
		o.answer = o.on(w.db.committed.Store(), part)
		return
	}
	w.checkWrite(o, part)
	o.answer = o.on(w.db.primary.Store(), part)
	if !w.db.lag {
		w.db.commits++
		o.commitAt = w.db.commits
		w.committed(executed{o, part})
		return
	}
	w.db.behind = append(w.db.behind, executed{o, part})
	o.commitAt = w.db.commits + len(w.db.behind)
	if o.answer.err != nil {
		o.commitAt = 0 // a duplicate is one even if what is there may be rolled back
	}
}

// commit lets the majority have the next n writes.
func (w *world) commit(n int) {
	w.note("commit %d of %d", n, len(w.db.behind))
	for _, x := range w.db.behind[:n] {
		x.o.on(w.db.committed.Store(), x.part)
		w.db.commits++
		w.committed(x)
	}
	w.db.behind = append([]executed(nil), w.db.behind[n:]...)
}

// failover makes a node primary that has what the majority has, and no more. Who
// waits for the answer to a write is told that it is not known.
func (w *world) failover() {
	w.note("failover: %d writes are rolled back", len(w.db.behind))
	w.db.behind = nil
	w.db.primary = w.clone(w.db.committed)
	for i := 0; i < len(w.pending); {
		o := w.pending[i]
		if o.executed && o.commitAt > w.db.commits {
			w.forget(o)
			w.reply(o, unavailable)
			continue
		}
		i++
	}
}

// clone is a copy of what the algorithms keep in a store.
func (w *world) clone(m *storetest.Memory) *storetest.Memory {
	c := w.db.memory()
	from, to, ctx := m.Store(), c.Store(), context.Background()
	must := func(err error) {
		if err != nil {
			w.fail("clone: %v", err)
		}
	}
	for s := range w.truth.folds {
		stream, err := from.Log.Read(ctx, s.At(0), all)
		must(err)
		_, err = to.Log.Append(ctx, stream)
		must(err)
		must(to.Online.Apply(ctx, w.onlineOf(s), nil))
		must(copySnapshots(ctx, from.Snapshots, to.Snapshots, s.At(0)))
	}
	nodes, err := from.Nodes.All(ctx)
	must(err)
	for _, n := range nodes {
		c.Now = func() time.Time { return n.BeatAt }
		must(to.Nodes.Join(ctx, n))
	}
	c.Now = w.db.clock.now
	return c
}

// copySnapshots copies the snapshots of a stream from a position on.
func copySnapshots(ctx context.Context, from, to presence.Snapshots, p events.Position) error {
	for {
		at, err := from.After(ctx, p)
		if errors.Is(err, events.ErrNotFound) {
			return nil
		}
		chunks, err := from.Read(ctx, at)
		if err == nil {
			err = to.Add(ctx, chunks)
		}
		if err != nil {
			return err
		}
		p = at.Next()
	}
}

// all is more than any stream has.
const all = 1 << 20

// on executes the first part of an operation on a store.
func (o *op) on(s presence.Store, part int) (a answer) {
	ctx := context.Background()
	switch o.kind {
	case storetest.LogAppend:
		a.n, a.err = s.Log.Append(ctx, o.run[:part])
	case storetest.LogRead:
		a.events, a.err = s.Log.Read(ctx, o.from, o.limit)
	case storetest.LogTail:
		a.event, a.err = s.Log.Tail(ctx, o.stream)
	case storetest.LogHighest:
		a.event, a.err = s.Log.Highest(ctx, o.name)
	case storetest.LogStreams:
		a.streams, a.err = s.Log.Streams(ctx, o.stream, o.limit)
	case storetest.OnlineApply:
		added := min(part, len(o.add))
		a.err = s.Online.Apply(ctx, o.add[:added], o.remove[:part-added])
	case storetest.OnlineDropStream:
		a.err = o.drop(ctx, s, part)
	case storetest.OnlineOfStream:
		a.conns, a.err = s.Online.OfStream(ctx, o.from, o.limit)
	case storetest.OnlineStreams:
		a.streams, a.err = s.Online.Streams(ctx)
	case storetest.NodesJoin, storetest.NodesBeat, storetest.NodesRemove:
		if part > 0 {
			a.err = o.onNodes(ctx, s)
		}
	case storetest.NodesAll:
		a.nodes, a.err = s.Nodes.All(ctx)
	case storetest.SnapshotsAdd:
		a.err = s.Snapshots.Add(ctx, o.chunks[:part])
	case storetest.SnapshotsRead:
		a.chunks, a.err = s.Snapshots.Read(ctx, o.from)
	case storetest.SnapshotsBefore:
		a.at, a.err = s.Snapshots.Before(ctx, o.from)
	case storetest.SnapshotsAfter:
		a.at, a.err = s.Snapshots.After(ctx, o.from)
	case storetest.RecorderRecord, storetest.OnlineUsers:
		a.err = errors.ErrUnsupported
	}
	return a
}

func (o *op) onNodes(ctx context.Context, s presence.Store) error {
	switch o.kind {
	case storetest.NodesJoin:
		return s.Nodes.Join(ctx, o.node)
	case storetest.NodesBeat:
		return s.Nodes.Beat(ctx, o.node, o.acked)
	}
	return s.Nodes.Remove(ctx, o.stream)
}

// drop drops a stream, or, in part, half of it.
func (o *op) drop(ctx context.Context, s presence.Store, part int) error {
	if part > 0 {
		return s.Online.DropStream(ctx, o.stream)
	}
	there, err := s.Online.OfStream(ctx, o.stream.At(0), all)
	if err != nil {
		return err
	}
	var ids []events.Position
	for _, c := range there[:len(there)/2] {
		ids = append(ids, c.ID)
	}
	return s.Online.Apply(ctx, nil, ids)
}
