package storetest

import (
	"context"
	"slices"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// The contracts of a Faulty. What a write is given it copies: it may execute late,
// when its caller has put other things there.
type (
	faultyLog      struct{ f *Faulty }
	faultyRecorder struct{ f *Faulty }
	faultyOnline   struct{ f *Faulty }
	faultyNodes    struct{ f *Faulty }
)

var (
	_ events.Log        = faultyLog{}
	_ presence.Recorder = faultyRecorder{}
	_ presence.Online   = faultyOnline{}
	_ presence.Nodes    = faultyNodes{}
)

func (l faultyLog) Append(ctx context.Context, run []events.Event) (int, error) {
	run = slices.Clone(run)
	return l.f.do(ctx, operation{
		Call:  Call{Op: LogAppend, Len: len(run)},
		whole: func(ctx context.Context) (int, error) { return l.f.inner.Log.Append(ctx, run) },
		part: func(ctx context.Context, n int) (int, error) {
			return l.f.inner.Log.Append(ctx, run[:min(n, len(run))])
		},
	})
}

func (l faultyLog) Read(ctx context.Context, from events.Position, limit int) ([]events.Event, error) {
	return query(ctx, l.f, LogRead, func(ctx context.Context) ([]events.Event, error) {
		return l.f.inner.Log.Read(ctx, from, limit)
	})
}

func (l faultyLog) Tail(ctx context.Context, s events.Stream) (events.Event, error) {
	return query(ctx, l.f, LogTail, func(ctx context.Context) (events.Event, error) {
		return l.f.inner.Log.Tail(ctx, s)
	})
}

func (l faultyLog) Highest(ctx context.Context, node string) (events.Event, error) {
	return query(ctx, l.f, LogHighest, func(ctx context.Context) (events.Event, error) {
		return l.f.inner.Log.Highest(ctx, node)
	})
}

func (l faultyLog) Streams(ctx context.Context, after events.Stream, limit int) ([]events.Stream, error) {
	return query(ctx, l.f, LogStreams, func(ctx context.Context) ([]events.Stream, error) {
		return l.f.inner.Log.Streams(ctx, after, limit)
	})
}

func (r faultyRecorder) Record(ctx context.Context, run []events.Event) (int, error) {
	run = slices.Clone(run)
	return r.f.do(ctx, operation{
		Call:  Call{Op: RecorderRecord, Len: len(run)},
		whole: func(ctx context.Context) (int, error) { return r.f.inner.Recorder.Record(ctx, run) },
	})
}

func (o faultyOnline) Apply(ctx context.Context, add []presence.Connection, remove []events.Position) error {
	add, remove = slices.Clone(add), slices.Clone(remove)
	_, err := o.f.do(ctx, operation{
		Call:  Call{Op: OnlineApply, Len: len(add) + len(remove)},
		whole: result(func(ctx context.Context) error { return o.f.inner.Online.Apply(ctx, add, remove) }),
		part: func(ctx context.Context, n int) (int, error) {
			added := min(n, len(add))
			removed := min(n-added, len(remove))
			return n, o.f.inner.Online.Apply(ctx, add[:added], remove[:removed])
		},
	})
	return err
}

func (o faultyOnline) DropStream(ctx context.Context, s events.Stream) error {
	_, err := o.f.do(ctx, operation{
		Call:  Call{Op: OnlineDropStream},
		whole: result(func(ctx context.Context) error { return o.f.inner.Online.DropStream(ctx, s) }),
		part: func(ctx context.Context, n int) (int, error) {
			ids, err := o.f.inner.Online.IDs(ctx, s.At(0), n)
			if err != nil {
				return 0, err
			}
			return len(ids), o.f.inner.Online.Apply(ctx, nil, ids)
		},
	})
	return err
}

func (o faultyOnline) OfStream(ctx context.Context, after events.Position, limit int) ([]presence.Connection, error) {
	return query(ctx, o.f, OnlineOfStream, func(ctx context.Context) ([]presence.Connection, error) {
		return o.f.inner.Online.OfStream(ctx, after, limit)
	})
}

func (o faultyOnline) IDs(ctx context.Context, after events.Position, limit int) ([]events.Position, error) {
	return query(ctx, o.f, OnlineOfStream, func(ctx context.Context) ([]events.Position, error) {
		return o.f.inner.Online.IDs(ctx, after, limit)
	})
}

func (o faultyOnline) OfUser(ctx context.Context, user string, after events.Position, limit int) ([]presence.Connection, error) {
	return query(ctx, o.f, OnlineUsers, func(ctx context.Context) ([]presence.Connection, error) {
		return o.f.inner.Online.OfUser(ctx, user, after, limit)
	})
}

func (o faultyOnline) Streams(ctx context.Context) ([]events.Stream, error) {
	return query(ctx, o.f, OnlineStreams, func(ctx context.Context) ([]events.Stream, error) {
		return o.f.inner.Online.Streams(ctx)
	})
}

func (o faultyOnline) Users(ctx context.Context, q presence.UserQuery) (presence.UserPage, error) {
	return query(ctx, o.f, OnlineUsers, func(ctx context.Context) (presence.UserPage, error) {
		return o.f.inner.Online.Users(ctx, q)
	})
}

func (s faultyNodes) Join(ctx context.Context, n presence.Node) error {
	return s.f.once(ctx, NodesJoin, func(ctx context.Context) error { return s.f.inner.Nodes.Join(ctx, n) })
}

func (s faultyNodes) Beat(ctx context.Context, n presence.Node, acked uint64) error {
	return s.f.once(ctx, NodesBeat, func(ctx context.Context) error { return s.f.inner.Nodes.Beat(ctx, n, acked) })
}

func (s faultyNodes) Remove(ctx context.Context, stream events.Stream) error {
	return s.f.once(ctx, NodesRemove, func(ctx context.Context) error { return s.f.inner.Nodes.Remove(ctx, stream) })
}

func (s faultyNodes) All(ctx context.Context) ([]presence.Node, error) {
	return query(ctx, s.f, NodesAll, func(ctx context.Context) ([]presence.Node, error) {
		return s.f.inner.Nodes.All(ctx)
	})
}

// once is an operation on one document: all or nothing.
func (f *Faulty) once(ctx context.Context, op Op, write func(context.Context) error) error {
	_, err := f.do(ctx, operation{Call: Call{Op: op, Len: 1}, whole: result(write)})
	return err
}

// query is an operation that reads.
func query[T any](ctx context.Context, f *Faulty, op Op, read func(context.Context) (T, error)) (answer T, err error) {
	_, err = f.do(ctx, operation{
		Call:  Call{Op: op},
		whole: result(func(ctx context.Context) (err error) { answer, err = read(ctx); return err }),
	})
	if err != nil {
		var none T
		return none, err
	}
	return answer, nil
}

// result is a write that has no count to return.
func result(write func(context.Context) error) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) { return 0, write(ctx) }
}
