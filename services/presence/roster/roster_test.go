package roster

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const grace = 5 * time.Second

func inWorld(t *testing.T, test func(t *testing.T, w *world, n1 *life)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(grace, sizes{})
		defer w.roster.Close()
		test(t, w, w.claim(t, "n1"))
	})
}

// Snapshot, join, leave: each once, and no more than a push a second.
func TestRoster_Watch_HearsWhoComesAndGoes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, n1 *life) {
		ana := w.connect(t, n1, "ana")
		c := w.client(t, protocol.ByUser, nil)
		pass(2 * pollLeast)
		c.agrees(t, w)
		if c.snapshots != 1 || c.pushes != 0 || c.position != n1.id.At(1).String() {
			t.Errorf("%+v", c)
		}
		w.connect(t, n1, "ana") // no join: she is there
		pass(2 * time.Second)
		if c.pushes != 0 {
			t.Error("a second connection is told of")
		}
		w.connect(t, n1, "bob")
		pass(pollEvery)
		c.agrees(t, w)
		w.disconnect(t, n1, ana, events.Client)
		pass(2 * grace)
		c.agrees(t, w)
		if c.pushes != 1 || c.position != n1.id.At(3).String() {
			t.Errorf("%d pushes, at %s", c.pushes, c.position)
		}
		c.stop()
	})
}

// Whoever was recorded before a watch was asked for is in its snapshot, although the log
// was read before that.
func TestRoster_Watch_SeesWhatWasRecordedBefore(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, n1 *life) {
		w.client(t, protocol.ByUser, nil)
		pass(10*pollEvery + pollLeast/2)
		w.connect(t, n1, "ana")
		c := w.client(t, protocol.ByUser, nil)
		pass(2 * pollLeast)
		c.agrees(t, w)
		if c.pushes != 0 {
			t.Error("she came after the snapshot")
		}
	})
}

// A page that is loaded again is no leave, nor is a node that joins again; a leave comes
// when the grace is over, and not before.
func TestRoster_Grace(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, n1 *life) {
		ana := w.connect(t, n1, "ana")
		c := w.client(t, protocol.ByUser, []string{"ana"})
		raw := w.client(t, protocol.ByConnection, []string{"ana"})
		pass(time.Second)
		w.disconnect(t, n1, ana, events.Client)
		pass(grace - time.Second)
		if len(c.known) != 1 || len(raw.known) != 0 {
			t.Errorf("within the grace: %v, and of connections %v", c.known, raw.known)
		}
		w.connect(t, n1, "ana")
		pass(2 * grace)
		if c.pushes != 0 || raw.pushes != 2 {
			t.Errorf("%d pushes of a page that was loaded again, and %d of its connections", c.pushes, raw.pushes)
		}
		// The node is fenced, and goes on in the next epoch.
		w.takeOver(t, n1)
		pass(time.Second)
		n1 = w.claim(t, "n1")
		ana = w.connect(t, n1, "ana")
		pass(2 * grace)
		c.agrees(t, w)
		if c.pushes != 0 {
			t.Errorf("%d pushes of a node that joined again", c.pushes)
		}
		w.disconnect(t, n1, ana, events.Client)
		pass(grace + pollEvery + time.Second)
		c.agrees(t, w)
		raw.agrees(t, w)
		if c.pushes != 1 {
			t.Errorf("%d pushes of a leave", c.pushes)
		}
	})
}

// The log is followed while somebody watches, and a little longer.
func TestRoster_StopsAfterTheLast(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, n1 *life) {
		pass(time.Minute)
		if w.roster.book.Load() != nil {
			t.Error("the log is followed for nobody")
		}
		w.connect(t, n1, "ana")
		for range 2 {
			c := w.client(t, protocol.ByUser, nil)
			pass(time.Minute)
			c.agrees(t, w)
			if s := w.roster.Stats(); s.Watchers != 1 || s.Users != 1 || s.Connections != 1 || s.Lag > time.Second {
				t.Errorf("%+v", s)
			}
			c.stop()
			pass(linger - time.Second)
			if w.roster.book.Load() == nil {
				t.Error("the roster is gone at once")
			}
			pass(2 * time.Second)
			if s := w.roster.Stats(); w.roster.book.Load() != nil || s.Watchers+s.Users+s.Connections != 0 || s.Lag != 0 {
				t.Errorf("nobody watches: %+v", s)
			}
		}
	})
}

// Whoever closes the roster has no goroutine left, and whoever watches then is told so.
func TestRoster_Close(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, _ *life) {
		c := w.client(t, protocol.ByUser, nil)
		w.roster.Close()
		if _, err := w.roster.Watch(c, Query{}); err != ErrClosed {
			t.Errorf("watch of a closed roster: %v", err)
		}
		c.watch.Stop(nil)
	})
}

// A watcher that does not read is told nothing, and then the difference; or all anew, if
// that is too much.
func TestRoster_SlowWatcher(t *testing.T) {
	for name, late := range map[string]int{"a little": maxLate, "too much": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(grace, sizes{page: protocol.MaxPresent, burst: burstBytes, late: late})
				defer w.roster.Close()
				slowWatchers(t, w, late == 0)
			})
		})
	}
}

func slowWatchers(t *testing.T, w *world, resync bool) {
	n1 := w.claim(t, "n1")
	clients := []*client{
		w.client(t, protocol.ByUser, nil), w.client(t, protocol.ByUser, []string{"ana", "bob", "cat"}), w.client(t, protocol.ByConnection, nil),
	}
	pass(time.Second)
	w.connect(t, n1, "ana")
	pass(3 * time.Second)
	for _, c := range clients {
		c.agrees(t, w)
		c.behind.Store(true)
	}
	bob := w.connect(t, n1, "bob")
	pass(3 * time.Second)
	w.disconnect(t, n1, bob, events.Client)
	w.connect(t, n1, "cat")
	pass(3 * time.Second)
	for _, c := range clients {
		if len(c.known) != 1 || c.wrong != "" {
			t.Errorf("%v while behind, %s", c.known, c.wrong)
		}
		c.behind.Store(false)
	}
	pass(10 * time.Second)
	for _, c := range clients {
		if c.agrees(t, w); c.snapshots == 2 != resync {
			t.Errorf("%d snapshots", c.snapshots)
		}
	}
	if s := w.roster.Stats(); s.Resyncs == 3 != resync {
		t.Errorf("%+v", s)
	}
}

// While the store is away nothing false is told: watchers hear that what they know may be
// old, new ones get their snapshot when it can be had, or a clear refusal.
func TestRoster_Outage(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, n1 *life) {
		ana := w.connect(t, n1, "ana")
		c := w.client(t, protocol.ByUser, nil)
		pass(time.Second)
		w.broken.Store(true)
		w.disconnect(t, n1, ana, events.Client)
		w.connect(t, n1, "bob")
		pass(staleAfter - time.Second)
		if c.stale || c.pushes != 0 {
			t.Errorf("stale at once, or told of what cannot be read: %+v", c)
		}
		pass(2 * time.Second)
		late := w.client(t, protocol.ByUser, nil)
		pass(time.Second)
		if !c.stale || !late.stale || !late.whole {
			t.Errorf("stale: %v, and for one who came later %v", c.stale, late.stale)
		}
		w.broken.Store(false)
		pass(2 * grace)
		for _, c := range []*client{c, late} {
			c.agrees(t, w)
			if c.stale || c.snapshots != 1 {
				t.Errorf("afterwards: stale %v, %d snapshots", c.stale, c.snapshots)
			}
		}
	})
}

// Who wants to watch while nothing was ever read is told to come again.
func TestRoster_Outage_FromTheStart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, n1 *life) {
		w.connect(t, n1, "ana")
		w.broken.Store(true)
		c := w.client(t, protocol.ByUser, nil)
		pass(staleAfter + time.Second)
		late := w.client(t, protocol.ByUser, nil)
		pass(time.Second)
		for _, c := range []*client{c, late} {
			if len(c.errors) != 1 || c.errors[0].Code != protocol.Internal || !c.errors[0].Retryable || c.errors[0].ID != "w" {
				t.Errorf("told %+v", c.errors)
			}
			c.stop()
		}
		w.broken.Store(false)
		pass(time.Second)
		c.again(w)
		pass(time.Second)
		c.agrees(t, w)
	})
}

// A stream of which nothing tells any more, but the log, has no user left: nobody will
// ever end it, and who says nobody too.
func TestRoster_StreamThatNobodyEnds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, n1 *life) {
		w.connect(t, n1, "ana")
		n2 := w.claim(t, "n2")
		w.connect(t, n2, "bob")
		c := w.client(t, protocol.ByUser, nil)
		pass(time.Second)
		w.seal(t, n1, events.NodeLost) // and the peer that did so dies
		for _, s := range []events.Stream{n1.id, n2.id} {
			if err := w.store.Nodes.Remove(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.store.Online.DropStream(t.Context(), n1.id); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		c.agrees(t, w) // bob is online: his stream only lost its document
		w.connect(t, n2, "cat")
		pass(time.Minute)
		c.agrees(t, w)
	})
}

// A snapshot that the rest of its stream does not fit is not believed.
func TestRoster_WrongSnapshot(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, n1 *life) {
		ana := w.connect(t, n1, "ana")
		w.connect(t, n1, "bob")
		wrong := presence.Chunk{Of: n1.id.At(2), Chunks: 1, At: events.Milliseconds(time.Now()), Version: 1, Open: []events.Open{
			{Conn: n1.id.At(2), User: "eve", Since: events.Milliseconds(time.Now())},
		}}
		if err := w.store.Snapshots.Add(t.Context(), []presence.Chunk{wrong}); err != nil {
			t.Fatal(err)
		}
		c := w.client(t, protocol.ByUser, nil)
		pass(time.Second)
		w.disconnect(t, n1, ana, events.Client)
		pass(2 * grace)
		c.agrees(t, w)
	})
}

// The lists of all watches together are bounded.
func TestRoster_Watch_Full(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, _ *life) {
		c := w.client(t, protocol.ByUser, []string{"ana", "bob", "ana"})
		if w.roster.listed != 2 {
			t.Errorf("%d names listed, want 2", w.roster.listed)
		}
		w.roster.mu.Lock()
		w.roster.listed = maxListed
		w.roster.mu.Unlock()
		if _, err := w.roster.Watch(c, Query{Users: []string{"ana"}}); err != ErrFull {
			t.Errorf("over the bound: %v", err)
		}
		c.stop()
		if w.roster.listed != maxListed-2 {
			t.Errorf("%d names listed after the end", w.roster.listed)
		}
	})
}

// A roster of nobody in particular is told to nobody: an empty list is not everyone.
func TestRoster_Watch_EmptyList(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, n1 *life) {
		w.connect(t, n1, "ana")
		c := w.client(t, protocol.ByUser, []string{})
		pass(time.Second)
		w.connect(t, n1, "bob")
		pass(5 * time.Second)
		if !c.whole || len(c.known) != 0 || c.pushes != 0 {
			t.Errorf("%+v", c)
		}
	})
}

// While a long snapshot is told somebody who was in it leaves, his place is taken, and he
// comes back to another one: he is told of once.
func TestRoster_LongSnapshot_WhoComesBackElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0, sizes{page: 1, burst: 1})
		defer w.roster.Close()
		n1 := w.claim(t, "n1")
		first := w.connect(t, n1, "ana")
		for i := range 40 {
			w.connect(t, n1, fmt.Sprint("user", i))
		}
		c := w.client(t, protocol.ByUser, nil)
		pass(partEvery + partEvery/2)
		if c.known[" ana"] == "" || c.whole {
			t.Fatalf("the snapshot does not begin with ana, or is whole: %v", c.known)
		}
		w.disconnect(t, n1, first, events.Client)
		w.connect(t, n1, "taker")
		w.connect(t, n1, "ana")
		pass(time.Minute)
		c.agrees(t, w)
		if c.snapshots != 1 || c.parts < 40 {
			t.Errorf("%d snapshots, %d parts", c.snapshots, c.parts)
		}
	})
}

// A stream that makes no sense keeps nobody from watching the others, and watchers hear
// that what they are told may be old.
func TestRoster_StreamThatMakesNoSense(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, n1 *life) {
		w.connect(t, n1, "ana")
		n2 := w.claim(t, "n2")
		bob := w.connect(t, n2, "bob")
		before := w.client(t, protocol.ByUser, nil)
		pass(time.Second)
		for range 2 { // a connection that ends twice
			w.record(t, n2, events.Event{Type: events.Disconnected, User: "bob", Conn: n2.id.At(bob), Reason: events.Client})
		}
		pass(time.Second)
		after := w.client(t, protocol.ByUser, nil)
		w.connect(t, n1, "cat")
		pass(time.Minute)
		for name, c := range map[string]*client{"before": before, "after": after} {
			online := c.online()
			if !c.whole || !c.stale || len(c.errors) > 0 || online["ana"] != 1 || online["cat"] != 1 {
				t.Errorf("%s: believes %v, stale %v, told %+v", name, online, c.stale, c.errors)
			}
		}
		if err := w.store.Retention.DeleteEvents(t.Context(), n2.id.At(n2.tail)); err != nil {
			t.Fatal(err)
		}
		w.takeAway(t, n2)
		pass(time.Minute)
		if before.stale || after.stale {
			t.Error("still stale when the stream is gone")
		}
	})
}

// While the watchers of everyone are behind, none of them keeps more changes than it would
// be told at once, however many come, and however long others are told theirs.
func TestBook_ManyBehindKeepLittle(t *testing.T) {
	const late, users = 10, 1000
	b := newBook(0, sizes{page: 5, burst: burstBytes, late: late}, new(counters))
	now := time.Now()
	s := &stream{id: events.Stream{Node: "n1", Epoch: 1}, open: make(map[uint64]place)}
	b.streams[s.id] = s
	b.readThrough(now)
	var outs []*outlet
	var requests []request
	for range 5 {
		o := new(outlet)
		outs = append(outs, o)
		w := newWatch(o, Query{Level: protocol.ByUser}, true)
		w.asked = now
		requests = append(requests, request{watch: w})
	}
	b.step(requests, now)
	for range 3 {
		now = now.Add(2 * pushEvery)
		b.step(nil, now)
	}
	if len(b.everyone[protocol.ByUser].to) != len(outs) {
		t.Fatalf("%d are told together", len(b.everyone[protocol.ByUser].to))
	}
	for _, o := range outs[1:] {
		o.behind = true
	}
	kept := func() (most int) {
		for w := range b.watches {
			most = max(most, len(w.feed.changes))
		}
		return most
	}
	for seq := range uint64(users) {
		b.connect(s, seq+1, fmt.Sprint("u", seq), now.UnixMilli())
		if seq%100 == 7 { // now a few, now many since the last step
			now = now.Add(partEvery)
			b.step(nil, now)
		}
		if n := kept(); n > late+1 {
			t.Fatalf("after %d changes a watcher that is behind keeps %d", seq+1, n)
		}
	}
	for _, o := range outs {
		o.behind = false
	}
	for range 1000 {
		now = now.Add(partEvery)
		b.step(nil, now)
	}
	if n := len(b.everyone[protocol.ByUser].to); n != len(outs) || len(b.unserved) != 0 || kept() != 0 {
		t.Errorf("at rest %d are told together, %d are not served, %d changes wait", n, len(b.unserved), kept())
	}
	for i, o := range outs {
		if o.present != users {
			t.Errorf("watcher %d knows %d", i, o.present)
		}
	}
}

// outlet counts who is present, by what it is told.
type outlet struct {
	behind  bool
	present int
}

func (o *outlet) Behind() bool { return o.behind }

func (o *outlet) Post(p []byte) {
	m, err := protocol.Decode(p)
	if err != nil {
		panic(err)
	}
	if m.Part == 1 {
		o.present = 0
	}
	o.present += len(m.Users) + len(m.Joins) - len(m.Leaves)
}
