package sim

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// op is one operation of one process on the store, from its call to its answer.
type op struct {
	// static after the call
	p     *process
	kind  storetest.Op
	site  site
	alias []*op // calls that nothing tells from this one: they share its fate

	run    []events.Event        // Append
	from   events.Position       // Read, OfStream, and those of Snapshots that read
	limit  int                   // Read, OfStream, Log.Streams
	stream events.Stream         // Tail, DropStream, Remove; after, of Log.Streams
	name   string                // Highest
	node   presence.Node         // Join, Beat
	acked  uint64                // Beat
	add    []presence.Connection // Apply
	remove []events.Position     // Apply
	chunks []presence.Chunk      // Add

	answered chan struct{} // closed by the driver: the answer stands

	// guarded by world.mu
	replied bool // the driver has an answer for the caller
	gone    bool // the caller has given up before

	// owned by the driver; the answer is the caller's when answered is closed
	state    opState
	executed bool
	commitAt int       // how many writes must be committed before the answer
	held     time.Time // nothing happens to it until then
	answer
}

// answer is what an operation returns.
type answer struct {
	n       int
	err     error
	events  []events.Event
	event   events.Event
	streams []events.Stream
	conns   []presence.Connection
	nodes   []presence.Node
	at      events.Position
	chunks  []presence.Chunk
}

// opState is how far an operation is.
type opState uint8

const (
	opWaiting   opState = iota // called, not executed
	opExecuted                 // executed, not answered
	opAbandoned                // its caller gave up
)

// heir is the first of the calls that look like o whose caller still waits, nil if
// there is none. It needs world.mu.
func (o *op) heir() *op {
	for i, q := range o.alias {
		if !q.gone {
			q.executed, q.state, q.commitAt, q.held, q.answer = o.executed, o.state, o.commitAt, o.held, o.answer
			q.alias = o.alias[i+1:]
			return q
		}
	}
	return nil
}

// writes reports whether the operation changes something.
func (o *op) writes() bool {
	switch o.kind {
	case storetest.LogAppend, storetest.OnlineApply, storetest.OnlineDropStream, storetest.NodesJoin,
		storetest.NodesBeat, storetest.NodesRemove, storetest.SnapshotsAdd:
		return true
	}
	return false
}

// of is the stream that the operation is about.
func (o *op) of() events.Stream {
	switch o.kind {
	case storetest.LogAppend:
		return o.run[0].ID.Stream
	case storetest.LogRead, storetest.OnlineOfStream, storetest.SnapshotsRead, storetest.SnapshotsBefore, storetest.SnapshotsAfter:
		return o.from.Stream
	case storetest.SnapshotsAdd:
		return o.chunks[0].Of.Stream
	case storetest.OnlineApply:
		if len(o.add) > 0 {
			return o.add[0].ID.Stream
		}
		return o.remove[0].Stream
	case storetest.NodesJoin, storetest.NodesBeat:
		return o.node.Stream
	case storetest.LogHighest:
		return events.Stream{Node: o.name}
	}
	return o.stream
}

// seq is a number that tells operations on one stream apart.
func (o *op) seq() uint64 {
	switch o.kind {
	case storetest.LogAppend:
		return o.run[0].ID.Seq
	case storetest.LogRead, storetest.OnlineOfStream, storetest.SnapshotsRead, storetest.SnapshotsBefore, storetest.SnapshotsAfter:
		return o.from.Seq
	case storetest.SnapshotsAdd:
		return o.chunks[0].Of.Seq
	case storetest.NodesBeat:
		return o.node.Beat
	}
	return 0
}

// size is how many parts the operation has.
func (o *op) size() int {
	switch o.kind {
	case storetest.LogAppend:
		return len(o.run)
	case storetest.OnlineApply:
		return len(o.add) + len(o.remove)
	case storetest.SnapshotsAdd:
		return len(o.chunks)
	}
	return 1
}

// compare orders operations that were called between two steps of the driver. It goes
// by what they are, never by which goroutine came first.
func (o *op) compare(q *op) int {
	return cmp.Or(
		cmp.Compare(o.p.index, q.p.index),
		cmp.Compare(o.kind, q.kind),
		cmp.Compare(o.of().Node, q.of().Node),
		cmp.Compare(o.of().Epoch, q.of().Epoch),
		cmp.Compare(o.seq(), q.seq()),
		cmp.Compare(o.size(), q.size()),
		cmp.Compare(o.site.hash, q.site.hash),
	)
}

func (o *op) String() string {
	return fmt.Sprintf("%s %s %s/%x ×%d (%s)", o.p, o.kind, o.of(), o.seq(), o.size(), o.site.name)
}

// site is where in the product an operation was called from: the functions on the
// stack. Goroutines have no names; this is what tells them apart.
type site struct {
	hash uint64
	name string // the outermost function, for people
}

type stack [32]uintptr

var sites sync.Map // stack to site

// callSite is the site of the caller's caller's caller.
func callSite() site {
	var pcs stack
	n := runtime.Callers(4, pcs[:])
	known, _ := sites.Load(pcs)
	if s, ok := known.(site); ok {
		return s
	}
	s := siteOf(pcs[:n])
	sites.Store(pcs, s)
	return s
}

func siteOf(pcs []uintptr) site {
	const product = "/services/presence."
	h, s := fnv.New64a(), site{}
	for frames := runtime.CallersFrames(pcs); ; {
		f, more := frames.Next()
		if _, name, ours := strings.Cut(f.Function, product); ours {
			_, _ = h.Write([]byte(name))
			s.name = name
		}
		if !more {
			s.hash = h.Sum64()
			return s
		}
	}
}

// contracts are the store as a process sees it.
type contracts struct{ p *process }

var (
	_ events.Log      = contracts{}
	_ presence.Online = logless{}
	_ presence.Nodes  = contracts{}

	_ presence.Snapshots = snapshots{}
)

// logless is contracts for Online, whose Streams is not that of Log.
type logless struct{ contracts }

// snapshots is contracts for Snapshots, whose Read is not that of Log.
type snapshots struct{ p *process }

func (p *process) store() presence.Store {
	c := contracts{p}
	s := presence.Store{Log: c, Online: logless{c}, Nodes: c, Recorder: presence.TwoStep(c, logless{c})}
	if p.w.plan.snapshots {
		s.Snapshots = snapshots{p}
	}
	return s
}

func (c contracts) Append(ctx context.Context, run []events.Event) (int, error) {
	if err := events.ValidateRun(run); err != nil {
		return 0, err
	}
	a := c.p.call(ctx, &op{kind: storetest.LogAppend, run: slices.Clone(run)})
	return a.n, a.err
}

func (c contracts) Read(ctx context.Context, from events.Position, limit int) ([]events.Event, error) {
	a := c.p.call(ctx, &op{kind: storetest.LogRead, from: from, limit: limit})
	return a.events, a.err
}

func (c contracts) Tail(ctx context.Context, s events.Stream) (events.Event, error) {
	a := c.p.call(ctx, &op{kind: storetest.LogTail, stream: s})
	return a.event, a.err
}

func (c contracts) Highest(ctx context.Context, node string) (events.Event, error) {
	a := c.p.call(ctx, &op{kind: storetest.LogHighest, name: node})
	return a.event, a.err
}

func (c contracts) Streams(ctx context.Context, after events.Stream, limit int) ([]events.Stream, error) {
	a := c.p.call(ctx, &op{kind: storetest.LogStreams, stream: after, limit: limit})
	return a.streams, a.err
}

func (c contracts) Apply(ctx context.Context, add []presence.Connection, remove []events.Position) error {
	if len(add)+len(remove) == 0 {
		return nil
	}
	return c.p.call(ctx, &op{kind: storetest.OnlineApply, add: slices.Clone(add), remove: slices.Clone(remove)}).err
}

func (c contracts) DropStream(ctx context.Context, s events.Stream) error {
	return c.p.call(ctx, &op{kind: storetest.OnlineDropStream, stream: s}).err
}

func (c contracts) OfStream(ctx context.Context, after events.Position, limit int) ([]presence.Connection, error) {
	a := c.p.call(ctx, &op{kind: storetest.OnlineOfStream, from: after, limit: limit})
	return a.conns, a.err
}

// IDs is OfStream, as far as a simulation can tell.
func (c contracts) IDs(ctx context.Context, after events.Position, limit int) ([]events.Position, error) {
	conns, err := c.OfStream(ctx, after, limit)
	var ids []events.Position
	for _, c := range conns {
		ids = append(ids, c.ID)
	}
	return ids, err
}

func (l logless) Streams(ctx context.Context) ([]events.Stream, error) {
	a := l.p.call(ctx, &op{kind: storetest.OnlineStreams})
	return a.streams, a.err
}

// OfUser is for operators; no algorithm of a node asks it.
func (c contracts) OfUser(context.Context, string, events.Position, int) ([]presence.Connection, error) {
	return nil, events.ErrUnavailable
}

// Users is for clients; no algorithm of a node asks it.
func (c contracts) Users(context.Context, presence.UserQuery) (presence.UserPage, error) {
	return presence.UserPage{}, events.ErrUnavailable
}

func (c contracts) Join(ctx context.Context, n presence.Node) error {
	return c.p.call(ctx, &op{kind: storetest.NodesJoin, node: n}).err
}

func (c contracts) Beat(ctx context.Context, n presence.Node, acked uint64) error {
	return c.p.call(ctx, &op{kind: storetest.NodesBeat, node: n, acked: acked}).err
}

func (c contracts) Remove(ctx context.Context, s events.Stream) error {
	return c.p.call(ctx, &op{kind: storetest.NodesRemove, stream: s}).err
}

func (c contracts) All(ctx context.Context) ([]presence.Node, error) {
	a := c.p.call(ctx, &op{kind: storetest.NodesAll})
	return a.nodes, a.err
}

func (s snapshots) Add(ctx context.Context, chunks []presence.Chunk) error {
	return s.p.call(ctx, &op{kind: storetest.SnapshotsAdd, chunks: chunks}).err
}

func (s snapshots) Read(ctx context.Context, at events.Position) ([]presence.Chunk, error) {
	a := s.p.call(ctx, &op{kind: storetest.SnapshotsRead, from: at})
	return a.chunks, a.err
}

func (s snapshots) Before(ctx context.Context, p events.Position) (events.Position, error) {
	a := s.p.call(ctx, &op{kind: storetest.SnapshotsBefore, from: p})
	return a.at, a.err
}

func (s snapshots) After(ctx context.Context, p events.Position) (events.Position, error) {
	a := s.p.call(ctx, &op{kind: storetest.SnapshotsAfter, from: p})
	return a.at, a.err
}

// unavailable is the answer that says nothing.
var unavailable = answer{err: events.ErrUnavailable}

// call makes an operation and waits for its answer. A process that is paused neither
// sends an operation nor learns anything; one that is dead gets no answer at all, and
// its goroutines unwind.
func (p *process) call(ctx context.Context, o *op) answer {
	p.running()
	if p.dead.Load() || ctx.Err() != nil {
		return unavailable
	}
	o.p, o.site, o.answered = p, callSite(), make(chan struct{})
	p.w.submit(o)
	select {
	case <-o.answered:
		return o.answer
	case <-ctx.Done():
	}
	p.running()
	if p.w.abandon(o) {
		return unavailable
	}
	return o.answer
}
