package roster

import (
	"context"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

// history is a random history of a world, and its watchers.
type history struct {
	*world
	clients []*client
}

var people = []string{"ana", "bob", "cat", "dan", "eve", "fay"}

func (h *history) stream(t *rapid.T, fits func(*life) bool) *life {
	var some []*life
	for _, l := range h.streams {
		if fits(l) {
			some = append(some, l)
		}
	}
	if len(some) == 0 {
		t.Skip("none fits")
	}
	return rapid.SampledFrom(some).Draw(t, "stream")
}

func alive(l *life) bool { return !l.sealed }

func (h *history) claim(t *rapid.T) {
	node := rapid.SampledFrom([]string{"a", "a-b", "b"}).Draw(t, "node")
	for _, l := range h.streams {
		if l.id.Node == node && !l.over {
			t.Skip("it lives")
		}
	}
	h.world.claim(t, node)
}

func (h *history) come(t *rapid.T) {
	l := h.stream(t, alive)
	for range rapid.IntRange(1, 4).Draw(t, "connections") {
		h.connect(t, l, rapid.SampledFrom(people).Draw(t, "user"))
	}
}

func (h *history) go1(t *rapid.T) {
	l := h.stream(t, func(l *life) bool { return alive(l) && len(l.open) > 0 })
	seq := rapid.SampledFrom(slices.Sorted(maps.Keys(l.open))).Draw(t, "connection")
	user := l.open[seq]
	h.disconnect(t, l, seq, events.Client)
	if rapid.Bool().Draw(t, "again") {
		h.connect(t, l, user)
	}
}

// leave is a node that leaves in good order, all at once.
func (h *history) leave(t *rapid.T) {
	l := h.stream(t, alive)
	for _, seq := range slices.Sorted(maps.Keys(l.open)) {
		h.disconnect(t, l, seq, events.Shutdown)
	}
	h.seal(t, l, events.Shutdown)
	h.takeOver(t, l)
}

// rejoin is a node that is fenced, and goes on with its connections.
func (h *history) rejoin(t *rapid.T) {
	l := h.stream(t, alive)
	users := slices.Sorted(maps.Values(l.open))
	h.takeOver(t, l)
	next := h.world.claim(t, l.id.Node)
	for _, u := range users {
		h.connect(t, next, u)
	}
}

func (h *history) snapshot(t *rapid.T) {
	l := h.stream(t, alive)
	if _, err := presence.WriteSnapshot(context.Background(), h.store, l.id.At(l.tail-1)); err != nil {
		t.Fatal(err)
	}
}

func (h *history) watch(t *rapid.T) {
	level := rapid.SampledFrom([]protocol.Level{protocol.ByUser, protocol.ByConnection}).Draw(t, "level")
	var users []string
	if rapid.Bool().Draw(t, "list") {
		users = rapid.SliceOfN(rapid.SampledFrom(append([]string{"zoe"}, people...)), 0, 5).Draw(t, "users")
		if users == nil {
			users = []string{}
		}
	}
	h.clients = append(h.clients, h.client(t, level, users))
}

func (h *history) some(t *rapid.T) *client {
	if len(h.clients) == 0 {
		t.Skip("nobody watches")
	}
	return rapid.SampledFrom(h.clients).Draw(t, "client")
}

func (h *history) rewatch(t *rapid.T) {
	c := h.some(t)
	c.stop()
	c.errors = nil
	c.again(h.world)
}

func (h *history) unwatch(t *rapid.T) {
	c := h.some(t)
	c.stop()
	h.clients = slices.DeleteFunc(h.clients, func(o *client) bool { return o == c })
}

func (h *history) slow(t *rapid.T) {
	c := h.some(t)
	synctest.Wait() // not while it is being told something
	c.behind.Store(!c.behind.Load())
}

func (h *history) outage(*rapid.T) { h.broken.Store(!h.broken.Load()) }

func (h *history) pass(t *rapid.T) {
	pass(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
}

// rest lets time pass until nothing more is told: pages of one entry take a while.
func (h *history) rest() {
	for quiet := 0; quiet < 12; quiet++ {
		told := h.told()
		if pass(time.Second); h.told() != told {
			quiet = 0
		}
	}
}

func (h *history) told() (messages int) {
	posting.Lock()
	defer posting.Unlock()
	for _, c := range h.clients {
		messages += c.snapshots + c.parts + c.pushes + len(c.errors)
	}
	return messages
}

// settle ends what is under way, and holds that all agree.
func (h *history) settle(t *rapid.T) {
	h.broken.Store(false)
	for _, l := range h.streams {
		if l.sealed {
			h.takeOver(t, l)
		}
	}
	for _, c := range h.clients {
		c.behind.Store(false)
	}
	h.rest()
	for _, c := range h.clients {
		if len(c.errors) > 0 { // it was refused, and was to come again
			c.errors = nil
			c.watch.Stop(nil)
			c.again(h.world)
		}
	}
	h.rest()
	for _, c := range h.clients {
		c.agrees(t, h.world)
		if c.stale {
			t.Fatalf("stale at rest")
		}
	}
}

// Whatever happens to nodes, connections, watchers and the store: at rest whoever applies
// the snapshot and the pushes holds exactly what who says; and on the way nobody is told
// of anything twice, of a leave of who was not there, or more than once a second.
func TestRoster_WatchersHoldWhatWhoSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Not t itself: its deadline is of the time outside.
		rapid.Check(struct{ testing.TB }{t}, func(t *rapid.T) {
			size := sizes{page: rapid.IntRange(1, 4).Draw(t, "page"), burst: rapid.SampledFrom([]int{1, 300, 1 << 20}).Draw(t, "burst")}
			size.late = rapid.IntRange(0, 5).Draw(t, "late")
			grace := rapid.SampledFrom([]time.Duration{0, time.Second, 5 * time.Second}).Draw(t, "grace")
			h := &history{world: newWorld(grace, size)}
			defer h.roster.Close()
			t.Repeat(map[string]func(*rapid.T){
				"claim": h.claim, "come": h.come, "come again": h.come, "go": h.go1, "go again": h.go1,
				"seal": func(t *rapid.T) { h.seal(t, h.stream(t, alive), events.NodeLost) },
				"end": func(t *rapid.T) {
					h.end(t, h.stream(t, func(l *life) bool { return l.sealed && !l.over }))
				},
				"leave": h.leave, "rejoin": h.rejoin, "snapshot": h.snapshot,
				"watch": h.watch, "rewatch": h.rewatch, "unwatch": h.unwatch, "slow": h.slow, "outage": h.outage,
				"pass": h.pass, "pass again": h.pass, "settle": h.settle,
			})
			h.settle(t)
		})
	})
}
