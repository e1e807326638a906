package roster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
	"github.com/presenced/presence/services/protocol"
)

// tester is a test or a run of a property.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// world is a store that nodes write to, by the rules, and a roster over it.
type world struct {
	store   presence.Store
	broken  atomic.Bool // the store is away
	roster  *Roster
	streams []*life
}

// life is one stream of the world.
type life struct {
	id     events.Stream
	tail   uint64
	open   map[uint64]string
	sealed bool
	over   bool
}

func newWorld(grace time.Duration, size sizes) *world {
	w := &world{store: storetest.NewMemory().Store()}
	w.roster = New(Config{Store: w.breakable(), Grace: grace, Log: zap.NewNop()})
	if size.page > 0 {
		w.roster.size = size
	}
	return w
}

var errAway = errors.New("away")

// breakable is the store as the roster sees it.
func (w *world) breakable() presence.Store {
	s := w.store
	s.Nodes, s.Log = awayNodes{s.Nodes, w}, awayLog{s.Log, w}
	return s
}

type awayNodes struct {
	presence.Nodes
	w *world
}

func (n awayNodes) All(ctx context.Context) ([]presence.Node, error) {
	if n.w.broken.Load() {
		return nil, fmt.Errorf("%w: %w", events.ErrUnavailable, errAway)
	}
	return n.Nodes.All(ctx)
}

type awayLog struct {
	events.Log
	w *world
}

func (l awayLog) Read(ctx context.Context, from events.Position, limit int) ([]events.Event, error) {
	if l.w.broken.Load() {
		return nil, fmt.Errorf("%w: %w", events.ErrUnavailable, errAway)
	}
	return l.Log.Read(ctx, from, limit)
}

func (w *world) record(t tester, l *life, e events.Event) {
	t.Helper()
	e.ID, e.At = l.id.At(l.tail), events.Milliseconds(time.Now())
	if e.Reason == events.NodeLost {
		e.LastSeen = e.At
	}
	if _, err := w.store.Log.Append(context.Background(), []events.Event{e}); err != nil {
		t.Fatalf("append: %v", err)
	}
	l.tail++
}

func (w *world) apply(t tester, add []presence.Connection, remove ...events.Position) {
	t.Helper()
	if err := w.store.Online.Apply(context.Background(), add, remove); err != nil {
		t.Fatalf("apply: %v", err)
	}
}

// claim begins the next epoch of a node whose last one is over.
func (w *world) claim(t tester, node string) *life {
	t.Helper()
	l := &life{id: events.Stream{Node: node, Epoch: 1}, open: make(map[uint64]string)}
	for _, other := range w.streams {
		if other.id.Node == node {
			l.id.Epoch = max(l.id.Epoch, other.id.Epoch+1)
		}
	}
	w.streams = append(w.streams, l)
	w.record(t, l, events.Event{Type: events.Opened, Process: "x"})
	if err := w.store.Nodes.Join(context.Background(), presence.Node{Stream: l.id, Beat: 1}); err != nil {
		t.Fatalf("join: %v", err)
	}
	return l
}

func (w *world) connect(t tester, l *life, user string) uint64 {
	t.Helper()
	seq := l.tail
	w.record(t, l, events.Event{Type: events.Connected, User: user})
	l.open[seq] = user
	w.apply(t, []presence.Connection{{ID: l.id.At(seq), User: user, Since: events.Milliseconds(time.Now())}})
	return seq
}

func (w *world) disconnect(t tester, l *life, seq uint64, r events.Reason) {
	t.Helper()
	w.record(t, l, events.Event{Type: events.Disconnected, User: l.open[seq], Conn: l.id.At(seq), Reason: r})
	delete(l.open, seq)
	if r != events.NodeLost {
		w.apply(t, nil, l.id.At(seq))
	}
}

func (w *world) seal(t tester, l *life, r events.Reason) {
	t.Helper()
	l.sealed = true
	w.record(t, l, events.Event{Type: events.Sealed, By: "z", Reason: r})
}

// end does the next step of a takeover, or of a leave.
func (w *world) end(t tester, l *life) {
	t.Helper()
	if len(l.open) > 0 {
		w.disconnect(t, l, slices.Min(slices.Collect(maps.Keys(l.open))), events.NodeLost)
		return
	}
	w.takeAway(t, l)
}

// takeAway removes what tells of a stream beside the log.
func (w *world) takeAway(t tester, l *life) {
	t.Helper()
	if err := w.store.Online.DropStream(context.Background(), l.id); err != nil {
		t.Fatalf("drop: %v", err)
	}
	if err := w.store.Nodes.Remove(context.Background(), l.id); err != nil {
		t.Fatalf("remove: %v", err)
	}
	l.over = true
}

// takeOver ends a stream whole.
func (w *world) takeOver(t tester, l *life) {
	t.Helper()
	if !l.sealed {
		w.seal(t, l, events.NodeLost)
	}
	for !l.over {
		w.end(t, l)
	}
}

// who is what the socket's who says: of some users, or of all if users is nil.
func (w *world) who(t tester, users []string) map[string]int {
	t.Helper()
	page, err := w.store.Online.Users(context.Background(), presence.UserQuery{Users: users, Limit: 1000})
	if err != nil {
		t.Fatalf("who: %v", err)
	}
	online := make(map[string]int)
	for _, u := range page.Users {
		online[u.User] = u.Connections
	}
	return online
}

// client is a watcher that does what docs/PROTOCOL.md tells clients to do, and complains
// when it is told anything twice, or not at all, or too often.
type client struct {
	t      tester
	users  []string
	level  protocol.Level
	watch  *Watch
	behind atomic.Bool

	known     map[string]string // key → user
	whole     bool              // the snapshot is complete
	position  string
	parts     int
	snapshots int
	pushes    int
	stale     bool
	pushed    time.Time // the last push that was complete
	errors    []protocol.Message
	stopped   bool
	wrong     string
}

func (w *world) client(t tester, l protocol.Level, users []string) *client {
	c := &client{t: t, users: users, level: l}
	c.again(w)
	return c
}

func (c *client) again(w *world) {
	c.t.Helper()
	var err error
	c.stopped = false
	if c.watch, err = w.roster.Watch(c, Query{ID: []byte(`"w"`), Level: c.level, Users: c.users}); err != nil {
		c.t.Fatalf("watch: %v", err)
	}
}

// stop ends the watch, and holds that nothing comes after the answer.
func (c *client) stop() {
	c.watch.Stop(protocol.AppendUnwatch(nil, []byte("7")))
	synctest.Wait()
	if !c.stopped {
		c.fail("no answer to unwatch")
	}
	c.known, c.whole, c.pushed = nil, false, time.Time{}
}

// GoString is how rapid shows a client: its fields may be changing.
func (c *client) GoString() string { return fmt.Sprintf("%s of %q", c.level, c.users) }

func (c *client) Behind() bool { return c.behind.Load() }

func (c *client) fail(format string, args ...any) {
	if c.wrong == "" {
		c.wrong = fmt.Sprintf(format, args...)
	}
}

// posting is held while a client is told something. A test takes it before it lets time
// pass: what it has read of a client until then is not what is written after.
var (
	posting sync.Mutex
	passes  int // guarded by posting
)

func (c *client) Post(p []byte) {
	posting.Lock()
	defer posting.Unlock()
	m, err := protocol.Decode(p)
	switch {
	case err != nil:
		c.fail("%q: %v", p, err)
	case m.Type == protocol.TypeUnwatch:
		c.stopped = true
	case m.Type == protocol.TypeError:
		c.errors = append(c.errors, m)
	case c.behind.Load() && c.whole && m.Stale == nil:
		c.fail("told while behind: %s", p)
	case c.stopped:
		c.fail("told after the answer to unwatch: %s", p)
	case m.Type == protocol.TypeWatch:
		c.snapshot(m)
	case m.Stale != nil:
		c.stale = *m.Stale
	default:
		c.push(m)
	}
}

func (c *client) snapshot(m protocol.Message) {
	if m.Part == 1 {
		c.known, c.whole, c.parts = make(map[string]string), false, 0
		c.snapshots++
	}
	if c.parts++; m.Part != c.parts || c.whole || m.Level != c.level.String() || m.Resync == (m.ID != nil) {
		c.fail("part %d after %d: %+v", m.Part, c.parts-1, m)
	}
	for _, p := range append(m.Users, m.Connections...) {
		c.join(p)
	}
	c.whole = !m.More
	if c.whole {
		c.position, c.stale = m.Position, m.Stale != nil
	}
}

func (c *client) push(m protocol.Message) {
	c.pushes++
	if !c.whole || m.More && m.Position != "" {
		c.fail("a push that cannot be: %+v", m)
	}
	if !c.pushed.IsZero() && time.Since(c.pushed) < time.Second {
		c.fail("%s after the push before: %+v", time.Since(c.pushed), m)
	}
	for _, p := range m.Joins {
		c.join(p)
	}
	for _, p := range m.Leaves {
		if _, there := c.known[c.key(p)]; !there || !p.Since.IsZero() {
			c.fail("a leave of who is not there: %+v", p)
		}
		delete(c.known, c.key(p))
	}
	c.position = m.Position
	c.pushed = time.Time{}
	if !m.More {
		c.pushed = time.Now()
	}
}

func (c *client) key(p protocol.Present) string {
	if (c.level == protocol.ByConnection) != (p.Connection != "") {
		c.fail("of the other level: %+v", p)
	}
	return p.Connection + " " + p.User
}

func (c *client) join(p protocol.Present) {
	_, there := c.known[c.key(p)]
	if there || p.Since.IsZero() || c.users != nil && !slices.Contains(c.users, p.User) {
		c.fail("%+v is told of, and knows %v", p, c.known)
	}
	c.known[c.key(p)] = p.User
}

// online is what the client believes: users, and at connection level their connections.
func (c *client) online() map[string]int {
	users := make(map[string]int)
	for _, u := range c.known {
		users[u]++
	}
	return users
}

// agrees holds that the client believes what who says.
func (c *client) agrees(t tester, w *world) {
	t.Helper()
	if c.wrong != "" {
		t.Fatalf("%s of %v: %s", c.level, c.users, c.wrong)
	}
	want := w.who(t, c.users)
	if c.level == protocol.ByUser {
		for u := range want {
			want[u] = 1
		}
	}
	if !c.whole || !maps.Equal(c.online(), want) {
		t.Fatalf("%s of %v: believes %v (whole: %v), and who says %v", c.level, c.users, c.online(), c.whole, want)
	}
}

// pass lets time go by.
func pass(d time.Duration) {
	posting.Lock()
	passes++
	posting.Unlock()
	<-time.After(d)
	synctest.Wait()
}
