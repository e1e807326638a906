package webhook

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
	"github.com/presenced/presence/services/presence/storetest"
)

// history is a random history of a world.
type history struct{ *world }

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

func (h *history) begin(t *rapid.T) {
	node := rapid.SampledFrom([]string{"a", "a-b", "b"}).Draw(t, "node")
	for _, l := range h.streams {
		if l.id.Node == node && !l.over {
			t.Skip("it lives")
		}
	}
	h.claim(t, node)
}

func (h *history) come(t *rapid.T) {
	l := h.stream(t, alive)
	for range rapid.IntRange(1, 4).Draw(t, "connections") {
		h.connect(t, l, rapid.SampledFrom(people).Draw(t, "user"))
	}
}

func (h *history) leave(t *rapid.T) {
	l := h.stream(t, func(l *life) bool { return alive(l) && len(l.open) > 0 })
	seq := rapid.SampledFrom(slices.Sorted(maps.Keys(l.open))).Draw(t, "connection")
	user := l.open[seq]
	h.disconnect(t, l, seq, events.Client)
	if rapid.Bool().Draw(t, "again") {
		h.connect(t, l, user)
	}
}

// goAway is a node that leaves in good order.
func (h *history) goAway(t *rapid.T) {
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
	next := h.claim(t, l.id.Node)
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

// retain forgets what has ended, so that what the receiver was told by may be gone.
func (h *history) retain(t *rapid.T) {
	ctx, now := context.Background(), time.Now()
	cuts, err := presence.PlanRetention(ctx, h.store, now)
	if err == nil {
		err = presence.Retain(ctx, h.store, now, cuts, func(presence.Cut) {})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (h *history) forget(t *rapid.T) {
	h.world.forget(t, rapid.SampledFrom(people).Draw(t, "user"))
	h.bury()
}

func (h *history) poster(t *rapid.T) *node {
	if len(h.posters) == 0 {
		t.Skip("nobody posts")
	}
	return h.posters[rapid.IntRange(0, len(h.posters)-1).Draw(t, "poster")]
}

func (h *history) open(t *rapid.T) {
	if len(h.posters) == 4 || h.store.Exclusive && len(h.posters) > 0 {
		t.Skip("there are enough")
	}
	h.start()
}

// crash is a poster that dies at one of its next calls, before it or after it.
func (h *history) crash(t *rapid.T) {
	h.poster(t).dieAt(rapid.IntRange(1, 8).Draw(t, "call"), rapid.Bool().Draw(t, "after"))
}

// pause is a poster that stands still, perhaps until another has taken its place.
func (h *history) pause(t *rapid.T) {
	h.poster(t).pause(time.Duration(rapid.IntRange(1, 30_000).Draw(t, "ms")) * time.Millisecond)
}

// bury takes those that have died out of the world.
func (h *history) bury() {
	h.posters = slices.DeleteFunc(h.posters, func(n *node) bool {
		if dead := n.isDead(); !dead {
			return false
		}
		<-n.done
		if !h.store.Exclusive {
			n.faulty.Release() // what it had sent may still arrive
		}
		return true
	})
}

func (h *history) shut(t *rapid.T) {
	n := h.poster(t)
	n.stop()
	h.posters = slices.DeleteFunc(h.posters, func(o *node) bool { return o == n })
}

func (h *history) disturb(t *rapid.T) {
	n := h.poster(t)
	share := func(name string) float64 { return float64(rapid.IntRange(0, 3).Draw(t, name)) / 10 }
	n.setRates(storetest.Rates{Before: share("before"), After: share("after"), Late: share("late")})
}

func (h *history) calm(t *rapid.T) { h.poster(t).setRates(storetest.Rates{}) }

// moods are what a receiver may do.
var moods = map[string]reaction{
	"well":       {take: true},
	"slow":       {take: true, after: 3 * time.Second},
	"too slow":   {take: true, after: 25 * time.Second, mute: true},
	"mute":       {mute: true},
	"takes mute": {take: true, mute: true},
	"down":       {code: 503, retry: "7"},
	"busy":       {code: 429, retry: "100000"},
	"wrong":      {code: 400},
	"gone":       {code: 410},
	"moved":      {code: 302},
	"takes ill":  {take: true, code: 500},
}

func (h *history) mood(t *rapid.T) {
	some := rapid.SliceOfN(rapid.SampledFrom(slices.Sorted(maps.Keys(moods))), 1, 4).Draw(t, "moods")
	i := 0
	h.receiver.reacts(func() reaction {
		i++
		return moods[some[i%len(some)]]
	})
}

func (h *history) move(t *rapid.T) {
	h.receiver.moves()
	h.address = rapid.SampledFrom([]string{"https://receiver.example/hook", "https://receiver.example/hook?again=1"}).Draw(t, "address")
}

func (h *history) pass(t *rapid.T) {
	pass(time.Duration(rapid.IntRange(0, 15_000).Draw(t, "ms")) * time.Millisecond)
	h.bury()
}

// settle ends what is under way, and holds that the receiver believes what is true, and
// goes on to.
func (h *history) settle(t *rapid.T) {
	for _, l := range h.streams {
		if l.sealed {
			h.takeOver(t, l)
		}
	}
	h.receiver.reacts(takes)
	for _, n := range h.posters {
		n.spare()
	}
	h.bury()
	if len(h.posters) == 0 {
		h.start()
	}
	h.agrees(t)
	pass(2 * time.Minute) // what is late has arrived by then, and who stood still goes on
	h.agrees(t)
	if leaders := h.leading(); len(leaders) != 1 {
		t.Fatalf("%d lead", len(leaders))
	}
}

// Whatever happens to nodes, connections, posters, the store and the receiver: at rest the
// receiver believes exactly what the log says; on the way it is told nothing twice but with
// the same id and number, and of each user joins and leaves in turn.
func TestPoster_TheReceiverBelievesWhatIsTrue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Not t itself: its deadline is of the time outside.
		rapid.Check(struct{ testing.TB }{t}, func(t *rapid.T) {
			h := &history{newWorld()}
			h.size = sizes{page: rapid.IntRange(1, 3).Draw(t, "page"), odd: rapid.IntRange(1, 6).Draw(t, "odd")}
			h.grace = rapid.SampledFrom([]time.Duration{0, time.Second, 20 * time.Second}).Draw(t, "grace")
			h.receiver.grace = h.grace
			h.store.Exclusive = rapid.Bool().Draw(t, "exclusive")
			defer func() { h.stopAll() }()
			h.start()
			t.Repeat(map[string]func(*rapid.T){
				"begin": h.begin, "come": h.come, "come again": h.come, "leave": h.leave, "leave again": h.leave,
				"seal": func(t *rapid.T) { h.seal(t, h.stream(t, alive), events.NodeLost) },
				"end": func(t *rapid.T) {
					h.end(t, h.stream(t, func(l *life) bool { return l.sealed && !l.over }))
				},
				"go away": h.goAway, "rejoin": h.rejoin, "snapshot": h.snapshot, "retain": h.retain, "forget": h.forget,
				"open": h.open, "crash": h.crash, "crash again": h.crash, "shut": h.shut, "disturb": h.disturb, "pause": h.pause, "pause it again": h.pause, "calm": h.calm,
				"mood": h.mood, "well": func(*rapid.T) { h.receiver.reacts(takes) }, "move": h.move,
				"pass": h.pass, "pass again": h.pass, "pass on": h.pass, "settle": h.settle,
			})
			h.settle(t)
		})
	})
}
