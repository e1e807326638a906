package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// truth is what the driver knows of the log, from the writes that were committed. It
// is the model that the product is held to.
type truth struct {
	folds  map[events.Stream]*events.Fold
	log    map[events.Position]events.Event
	owners map[events.Stream]*process // by whose write the stream was opened
	online map[events.Position]bool   // connections that were ever in online
	deaths []*death                   // whose takeover is not complete
}

// death is a stream whose process has crashed.
type death struct {
	stream events.Stream
	at     time.Time
}

func newTruth() truth {
	return truth{
		folds:  make(map[events.Stream]*events.Fold),
		log:    make(map[events.Position]events.Event),
		owners: make(map[events.Stream]*process),
		online: make(map[events.Position]bool),
	}
}

// streams are those of the log, ascending.
func (t *truth) streams() []events.Stream {
	return slices.SortedFunc(maps.Keys(t.folds), events.Stream.Compare)
}

// fold is the fold of a stream, an empty one if the log does not have it.
func (t *truth) fold(s events.Stream) *events.Fold {
	if f := t.folds[s]; f != nil {
		return f
	}
	return new(events.Fold)
}

// checkWrite holds that a process has the right to a write, when it is executed.
func (w *world) checkWrite(o *op, part int) {
	s, owner := o.of(), w.truth.owners[o.of()]
	f := w.truth.fold(s)
	switch o.kind {
	case storetest.LogAppend:
		for _, e := range o.run[:part] {
			if owner != o.p && e.Type != events.Opened && !e.Seals() {
				w.fail("I3: %s writes %s %s into the stream of %v", o.p, e.Type, e.ID, owner)
			}
		}
	case storetest.OnlineApply:
		w.checkApply(o, part, owner)
	case storetest.OnlineDropStream:
		if !f.Sealed() && !f.Tail().ID.IsZero() {
			w.fail("I5: %s drops %s, which is not sealed", o.p, s)
		}
	case storetest.NodesJoin, storetest.NodesBeat:
		if owner != o.p {
			w.fail("I3: %s writes the node document of %s, which is of %v", o.p, s, owner)
		}
	case storetest.NodesRemove:
		if !f.Sealed() || f.Len() > 0 {
			w.fail("I10: %s removes the node document of %s, and there is work left", o.p, s)
		}
	case storetest.SnapshotsAdd:
		w.checkSnapshot(o)
	}
}

// checkSnapshot holds that a snapshot says of a stream what its events say (I8).
func (w *world) checkSnapshot(o *op) {
	at, f := o.chunks[0].Of, new(events.Fold)
	for seq := range at.Seq + 1 {
		if err := f.Apply(w.truth.log[at.At(seq)]); err != nil {
			w.fail("I8: %s writes a snapshot of %s, and the log is not so long: %v", o.p, at, err)
			return
		}
	}
	var open []events.Open
	for _, c := range o.chunks {
		open = append(open, c.Open...)
	}
	if want, err := f.Snapshot(); err != nil || f.Sealed() || !slices.Equal(want.Open, open) {
		w.fail("I8: %s writes a snapshot of %s with %d open; there are %d, and sealed is %t", o.p, at, len(open), f.Len(), f.Sealed())
	}
}

func (w *world) checkApply(o *op, part int, owner *process) {
	if owner != o.p {
		w.fail("I5: %s changes online of %s, which is of %v", o.p, o.of(), owner)
	}
	for _, c := range o.add[:min(part, len(o.add))] {
		e, there := w.truth.log[c.ID]
		if !there || e.Type != events.Connected || presence.ConnectionOf(e) != c {
			w.fail("I5: %s is put into online, and the log says %+v", c.ID, e)
		}
	}
}

// committed takes note of a write that the majority has.
func (w *world) committed(x executed) {
	switch x.o.kind {
	case storetest.LogAppend:
		for _, e := range w.newEvents(x) {
			w.learn(e, x.o.p)
		}
	case storetest.OnlineApply:
		for _, c := range x.o.add[:min(x.part, len(x.o.add))] {
			w.truth.online[c.ID] = true
		}
	}
	w.checkDeaths()
}

// newEvents is what an append has added to what is committed.
func (w *world) newEvents(x executed) []events.Event {
	s := x.o.run[0].ID.Stream
	from := s.At(0)
	if tail := w.truth.fold(s).Tail(); !tail.ID.IsZero() {
		from = tail.ID.Next()
	}
	found, err := w.db.committed.Store().Log.Read(context.Background(), from, all)
	if err != nil {
		w.fail("read: %v", err)
	}
	return found
}

// learn takes the next event of a stream: I1, I2 and I4 are the fold's.
func (w *world) learn(e events.Event, by *process) {
	s := e.ID.Stream
	f := w.truth.folds[s]
	if f == nil {
		f = new(events.Fold)
		w.truth.folds[s] = f
		w.truth.owners[s] = by
		w.checkOlder(s)
	}
	if err := f.Apply(e); err != nil {
		w.fail("I1, I2, I4: %v, written by %s", err, by)
	}
	w.truth.log[e.ID] = e
	switch e.Type {
	case events.Connected:
		w.learnConnected(e)
	case events.Disconnected:
		if c := w.users[e.User]; e.Reason == events.Client && !c.left {
			w.fail("%s of %s ends in the log, and the client is there", e.Conn, e.User)
		}
	case events.Sealed:
		w.learnSeal(e, by)
	case events.Opened:
	}
}

// checkOlder holds that every older epoch is sealed before the next is claimed.
func (w *world) checkOlder(s events.Stream) {
	for old, f := range w.truth.folds {
		if old.Node == s.Node && old.Epoch < s.Epoch && !f.Sealed() {
			w.fail("I3: %s is claimed, and %s is not sealed", s, old)
		}
	}
	if s.Epoch > 1 && w.truth.folds[events.Stream{Node: s.Node, Epoch: s.Epoch - 1}] == nil {
		w.fail("I3: %s is claimed, and there is no epoch before it", s)
	}
}

func (w *world) learnConnected(e events.Event) {
	c, s := w.users[e.User], e.ID.Stream
	if c.p != w.truth.owners[s] {
		w.fail("%s is a connection of %s, who is connected to %s", e.ID, e.User, c.p)
	}
	if c.in[s] {
		w.fail("%s is a second connection of the same socket in one stream", e.ID)
	}
	c.in[s] = true
	var last events.Position
	for _, id := range c.ids {
		if id.Epoch < s.Epoch {
			last = id
		}
	}
	if e.Resumes != last {
		w.fail("%s resumes %v, and was last recorded as %v", e.ID, e.Resumes, last)
	}
}

func (w *world) learnSeal(e events.Event, by *process) {
	if e.LastSeen.After(e.At) {
		w.fail("%s was last seen after it was sealed: %+v", e.ID, e)
	}
	if last := w.truth.log[e.ID.At(e.ID.Seq-1)]; e.Reason == events.NodeLost && e.LastSeen.Before(last.At) {
		w.fail("%s was last seen before its last event: %+v", e.ID, e)
	}
	owner := w.truth.owners[e.ID.Stream]
	if w.calm && e.Reason == events.NodeLost && owner.died.IsZero() {
		w.fail("%s takes over %s in calm, and %s lives", by, e.ID.Stream, owner)
	}
}

// greet holds that who is welcome is in the log and in online (I7).
func (w *world) greet() {
	w.mu.Lock()
	welcomes := w.welcomes
	w.welcomes = nil
	w.mu.Unlock()
	for _, m := range welcomes {
		if m.c.p.dead.Load() {
			continue
		}
		e := w.truth.log[m.id]
		if e.Type != events.Connected || e.User != m.c.user {
			w.fail("I7: %s is welcome as %s, which is %+v", m.c.user, m.id, e)
		}
		if !w.truth.online[m.id] {
			w.fail("I7: %s is welcome as %s, which was never in online", m.c.user, m.id)
		}
		if n := len(m.c.ids); n > 0 && m.c.ids[n-1].Epoch >= m.id.Epoch {
			w.fail("%s is welcome as %s, and was before as %s", m.c.user, m.id, m.c.ids[n-1])
		}
		m.c.ids = append(m.c.ids, m.id)
	}
}

// checkDeaths takes the time that it takes until a death has left nothing behind.
func (w *world) checkDeaths() {
	w.truth.deaths = slices.DeleteFunc(w.truth.deaths, func(d *death) bool {
		f := w.truth.fold(d.stream)
		if !f.Sealed() || f.Len() > 0 || len(w.onlineOf(d.stream)) > 0 {
			return false
		}
		w.result.recoveries++
		w.result.slowest = max(w.result.slowest, w.now().Sub(d.at))
		return true
	})
}

// checkMends holds that reconcile and sweep mend nothing where nothing was wrong: whoever
// comes and goes while they look is no ghost, and what they count an operator is told of.
func (w *world) checkMends() {
	for _, p := range w.processes {
		if s := p.member.Stats(); w.plan.calm && (s.Mended > 0 || s.Swept > 0) {
			w.fail("%s has mended %d connections and swept %d streams in calm, where nobody has broken any", p, s.Mended, s.Swept)
		}
	}
}

// onlineOf is what online has of a stream.
func (w *world) onlineOf(s events.Stream) []presence.Connection {
	found, err := w.db.committed.Store().Online.OfStream(context.Background(), s.At(0), all)
	if err != nil {
		w.fail("read: %v", err)
	}
	return found
}

// unrest says what is not yet as it must be at rest (I4, I6), "" if all is.
func (w *world) unrest() string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if len(w.late) > 0 {
		say("%d writes are late", len(w.late))
	}
	live := make(map[events.Stream]*process)
	ids := make(map[string]*process)
	for _, p := range w.processes {
		if p.dead.Load() {
			continue
		}
		s := p.member.Stream()
		if q := live[s]; q != nil {
			say("I3: %s and %s both write %s", p, q, s)
		}
		if q := ids[p.node]; q != nil {
			say("%s and %s have one node id", p, q)
		}
		live[s], ids[p.node] = p, p
		w.restOfProcess(p, s, say)
	}
	nodes := w.nodes()
	for s, f := range w.truth.folds {
		w.restOfStream(s, f, live[s], nodes[s], say)
	}
	streams, err := w.db.committed.Store().Online.Streams(context.Background())
	if err != nil {
		say("%v", err)
	}
	for _, s := range streams {
		if w.truth.folds[s] == nil {
			say("online has %s, and the log has not", s)
		}
	}
	slices.Sort(wrong)
	return strings.Join(wrong, "\n")
}

// nodes is what the store's nodes say.
func (w *world) nodes() map[events.Stream]bool {
	all, err := w.db.committed.Store().Nodes.All(context.Background())
	if err != nil {
		w.fail("read: %v", err)
	}
	there := make(map[events.Stream]bool)
	for _, n := range all {
		there[n.Stream] = true
	}
	return there
}

// restOfProcess holds that a process records, and that its sockets are welcome.
func (w *world) restOfProcess(p *process, s events.Stream, say func(string, ...any)) {
	if !p.started || p.leaving {
		say("%s starts, or leaves", p)
		return
	}
	if err := p.member.Ready(); err != nil {
		say("%s is not ready: %v", p, err)
	}
	if w.truth.owners[s] != p {
		say("%s writes %s, which is of %v", p, s, w.truth.owners[s])
	}
	open := make(map[events.Position]bool)
	for _, e := range w.truth.fold(s).Open() {
		open[e.ID] = true
	}
	for _, c := range p.clients {
		if len(c.ids) == 0 || !open[c.ids[len(c.ids)-1]] {
			say("I6: %s is connected to %s, was recorded as %v, and is not open in %s", c.user, p, c.ids, s)
		}
	}
	if len(open) != len(p.clients) {
		say("I6: %d connections of %s are open in %s, and %d sockets are", len(open), p, s, len(p.clients))
	}
}

// restOfStream holds that a stream and online say the same, and that a stream without
// an owner has ended.
func (w *world) restOfStream(s events.Stream, f *events.Fold, owner *process, node bool, say func(string, ...any)) {
	found := w.onlineOf(s)
	if !slices.EqualFunc(found, f.Open(), func(c presence.Connection, e events.Event) bool {
		return c == presence.ConnectionOf(e)
	}) {
		say("I6: %s: open are %d, online are %d", s, f.Len(), len(found))
	}
	switch {
	case f.Sealed() && f.Len() > 0:
		say("I4: %s is sealed, and %d connections are open", s, f.Len())
	case f.Sealed() && node:
		say("I10: %s is sealed, and has a node document", s)
	case f.Sealed() && owner != nil:
		say("%s writes %s, which is sealed", owner, s)
	case !f.Sealed() && owner == nil && (node || f.Len() > 0):
		say("I10: %s has no owner, and is not sealed", s)
	case !f.Sealed() && owner != nil && !node:
		say("%s has no node document", s)
	}
}
