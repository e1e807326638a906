package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// inBubble runs a test in virtual time, and ends its posters.
func inBubble(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		defer w.stopAll()
		test(t, w)
	})
}

// story is what a receiver was told, in short.
func (r *receiver) story() (lines []string) {
	for _, d := range r.all() {
		var line strings.Builder
		if d.Data.Resync {
			fmt.Fprintf(&line, "part %d", d.Data.Part)
			if d.Data.More {
				line.WriteString(" and more")
			}
			line.WriteString(": ")
		}
		for i, c := range d.Data.Changes {
			if i > 0 {
				line.WriteString(", ")
			}
			fmt.Fprintf(&line, "%s %s", c.Type, c.User)
		}
		lines = append(lines, line.String())
	}
	return lines
}

func mustTell(t *testing.T, w *world, want ...string) {
	t.Helper()
	if got := w.receiver.story(); !slices.Equal(got, want) {
		t.Fatalf("the receiver was told\n%q, want\n%q", got, want)
	}
	if wrong := w.receiver.complaint(); wrong != "" {
		t.Fatal(wrong)
	}
}

// The first delivery tells who is there, also if nobody is; then come joins, and leaves when
// grace is over; a second connection, and a return, are nothing.
func TestPoster_tells(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		l := w.claim(t, "a")
		w.start()
		pass(5 * time.Second)
		mustTell(t, w, "part 1: ")
		first := w.connect(t, l, "ana")
		came := events.Milliseconds(time.Now())
		pass(time.Second)
		second := w.connect(t, l, "ana")
		w.disconnect(t, l, first, events.Client)
		pass(5 * time.Second)
		w.disconnect(t, l, second, events.Client)
		w.connect(t, l, "bob")
		left := events.Milliseconds(time.Now())
		pass(900 * time.Millisecond)
		mustTell(t, w, "part 1: ", "join ana", "join bob")
		pass(time.Second)
		mustTell(t, w, "part 1: ", "join ana", "join bob", "leave ana")
		all := w.receiver.all()
		if join, leave := all[1].Data.Changes[0], all[3].Data.Changes[0]; !join.Since.Equal(came) || !leave.At.Equal(left) {
			t.Errorf("%+v, and %+v; want %s and %s", join, leave, came, left)
		}
		for _, c := range l.open {
			if c == "bob" {
				w.disconnect(t, l, l.tail-1, events.Client)
				w.connect(t, l, "bob")
			}
		}
		pass(time.Minute)
		mustTell(t, w, "part 1: ", "join ana", "join bob", "leave ana")
		if last := all[3].Data; last.Position != l.id.At(5).String() {
			t.Errorf("the position is %q", last.Position)
		}
	})
}

// What is told at once fits a delivery; what does not follows at once; and otherwise a
// second lies between two.
func TestPoster_pages(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.size.page = 2
		l := w.claim(t, "a")
		for _, user := range people[:5] {
			w.connect(t, l, user)
			pass(time.Millisecond)
		}
		w.start()
		pass(100 * time.Millisecond)
		mustTell(t, w, "part 1 and more: join ana, join bob", "part 2 and more: join cat, join dan", "part 3: join eve")
		pass(3 * time.Second)
		for seq := range uint64(5) {
			w.disconnect(t, l, seq+1, events.Client)
			pass(time.Millisecond)
		}
		pass(3 * time.Second)
		w.connect(t, l, "fay")
		pass(600 * time.Millisecond)
		mustTell(t, w, "part 1 and more: join ana, join bob", "part 2 and more: join cat, join dan", "part 3: join eve",
			"leave ana, leave bob", "leave cat, leave dan", "leave eve", "join fay")
		all := w.receiver.all()
		if gap := all[5].when.Sub(all[3].when); gap > 100*time.Millisecond {
			t.Errorf("the rest came %s later", gap)
		}
		if gap := all[6].when.Sub(all[5].when); gap < batchEvery {
			t.Errorf("the next came %s later", gap)
		}
		if got := w.posters[0].poster.Stats(); got.Changes != 11 || got.Resyncs != 1 || got.Posts["delivered"] != 7 || got.Lag != 0 || !got.Leading {
			t.Errorf("%+v", got)
		}
	})
}

// A receiver that is away is asked more and more rarely, and nothing grows meanwhile; then
// it gets what it was not told, as one difference. The log says when it began and ended.
func TestPoster_the_receiver_is_down(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		core, lines := observer.New(zap.WarnLevel)
		w.log = zap.New(core)
		l := w.claim(t, "a")
		n := w.start()
		pass(5 * time.Second)
		w.receiver.reacts(func() reaction { return reaction{code: 503} })
		ana := w.connect(t, l, "ana")
		pass(2 * time.Second)
		w.disconnect(t, l, ana, events.Client)
		w.connect(t, l, "bob")
		cat := w.connect(t, l, "cat")
		pass(time.Minute)
		w.disconnect(t, l, cat, events.Client)
		pass(8 * time.Hour)
		if posts := w.receiver.posted(); posts < 90 || posts > 250 {
			t.Errorf("%d posts in 8 h", posts)
		}
		if lag := n.poster.Stats().Lag; lag < 8*time.Hour || lag > 8*time.Hour+2*time.Minute {
			t.Errorf("the lag is %s", lag)
		}
		if got := n.poster.Stats().Posts["failed"]; got != uint64(w.receiver.posted()-1) {
			t.Errorf("%d have failed, of %d posts", got, w.receiver.posted())
		}
		w.receiver.reacts(takes)
		pass(5*time.Minute + 5*time.Second)
		mustTell(t, w, "part 1: ", "join ana", "join bob", "leave ana")
		if n := lines.Len(); n != 1 || !strings.Contains(fmt.Sprint(lines.All()[0].ContextMap()), "503 Service Unavailable") {
			t.Errorf("%d warnings: %+v", n, lines.All())
		}
	})
}

// Retry-After is heeded, up to five minutes; one that is gone is asked every few minutes.
func TestPoster_asks_when_the_receiver_says(t *testing.T) {
	for name, tt := range map[string]struct {
		reaction
		from, to time.Duration
	}{
		"in half a minute": {reaction{code: 429, retry: "30"}, 30 * time.Second, 31 * time.Second},
		"in a week":        {reaction{code: 503, retry: "604800"}, 5 * time.Minute, 5*time.Minute + time.Second},
		"gone":             {reaction{code: 410}, 150 * time.Second, 5*time.Minute + time.Second},
		"no answer":        {reaction{mute: true}, 10 * time.Second, 12 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				first := true
				w.receiver.reacts(func() reaction {
					if first {
						first = false
						return tt.reaction
					}
					return takes()
				})
				began := time.Now()
				w.start()
				pass(time.Hour)
				mustTell(t, w, "part 1: ")
				if after := w.receiver.all()[0].when.Sub(began); after < tt.from || after > tt.to {
					t.Errorf("asked again after %s, want %s to %s", after, tt.from, tt.to)
				}
			})
		})
	}
}

// A leader that leaves lets the next one go on at once; for one that dies it takes ten
// seconds and a little; and nobody is told twice.
func TestPoster_the_next_goes_on(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		l := w.claim(t, "a")
		w.start()
		pass(5 * time.Second)
		second := w.start()
		pass(30 * time.Second)
		if got := w.leading(); len(got) != 1 || got[0] != w.posters[0] {
			t.Fatalf("%d lead", len(got))
		}
		w.posters[0].stop()
		w.connect(t, l, "ana")
		pass(lookEvery + time.Second)
		mustTell(t, w, "part 1: ", "join ana")
		third := w.start()
		pass(10 * time.Second)
		second.dieAt(1, false)
		pass(3 * time.Second) // until it beats
		w.connect(t, l, "bob")
		pass(7 * time.Second)
		mustTell(t, w, "part 1: ", "join ana")
		pass(7 * time.Second)
		mustTell(t, w, "part 1: ", "join ana", "join bob")
		if !third.poster.Stats().Leading {
			t.Error("the third does not lead")
		}
		if posts := w.receiver.posted(); posts != 3 {
			t.Errorf("%d posts", posts)
		}
	})
}

// Of many that find nobody posting at the same moment, one does.
func TestPoster_one_leads(t *testing.T) {
	for range 20 { // what comes first is another each time
		inBubble(t, func(t *testing.T, w *world) {
			l := w.claim(t, "a")
			w.started = func(n *node) { n.pause(time.Second) } // all have looked before one saves
			for range 5 {
				w.start()
			}
			pass(5 * time.Second)
			w.connect(t, l, "ana")
			pass(30 * time.Second)
			mustTell(t, w, "part 1: ", "join ana")
			if got := len(w.leading()); got != 1 || w.receiver.posted() != 2 {
				t.Errorf("%d lead, and %d posts", got, w.receiver.posted())
			}
		})
	}
}

// Whatever a leader dies at, before it or after it, the next tells what is left.
func TestPoster_CrashAtEveryStep(t *testing.T) {
	// What happens is the same each time: parts of a resync, joins, leaves that wait and
	// leaves that are told, in pages of two, and a receiver that needs two tries.
	scene := func(t *testing.T, w *world) {
		tries := 0
		w.receiver.reacts(func() reaction {
			tries++
			return reaction{take: tries%2 == 0, mute: tries%6 == 0, code: 500 * (tries % 2)}
		})
		w.size, w.grace = sizes{page: 2, odd: 4}, 5*time.Second
		a, b := w.claim(t, "a"), w.claim(t, "b")
		w.connect(t, a, "ana")
		for _, user := range people[:3] {
			w.connect(t, b, user)
		}
		w.start()
		pass(3 * time.Second)
		w.start()
		pass(20 * time.Second)
		w.disconnect(t, b, 2, events.Client) // bob, and not ana
		w.disconnect(t, b, 1, events.Client)
		w.connect(t, a, "dan")
		pass(8 * time.Second)
		w.takeOver(t, b)
		w.connect(t, a, "eve")
		pass(20 * time.Second)
		for _, seq := range []uint64{1, 2} {
			w.disconnect(t, a, seq, events.Client)
		}
		pass(time.Minute)
	}
	steps := 0
	inBubble(t, func(t *testing.T, w *world) {
		scene(t, w)
		w.agrees(t)
		steps = w.posters[0].called()
	})
	if steps < 40 {
		t.Fatalf("the scene has %d steps", steps)
	}
	for step := 1; step <= steps; step++ {
		for _, late := range []bool{false, true} {
			inBubble(t, func(t *testing.T, w *world) {
				w.started = func(n *node) {
					if len(w.posters) == 1 {
						n.dieAt(step, late)
					}
				}
				scene(t, w)
				w.agrees(t)
				pass(time.Minute)
				w.agrees(t)
				if t.Failed() {
					t.Errorf("at step %d, after it: %v", step, late)
				}
			})
		}
	}
}

// In the middle of a resync nothing else is told, also if the one who tells dies.
func TestPoster_a_resync_is_of_one_state(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.size.page = 1
		posts := 0
		w.receiver.reacts(func() reaction { // the second part is not taken
			posts++
			return reaction{take: posts < 2, code: 500 * min(1, posts/2)}
		})
		l := w.claim(t, "a")
		for _, user := range []string{"bob", "dan", "eve"} {
			w.connect(t, l, user)
		}
		n := w.start()
		pass(3 * time.Second)
		w.connect(t, l, "ana")
		w.connect(t, l, "cat")
		w.disconnect(t, l, 3, events.Client) // eve, of whom the receiver was not told yet
		pass(10 * time.Second)
		n.dieAt(1, false)
		pass(time.Minute)
		w.receiver.reacts(takes)
		w.start()
		pass(time.Minute)
		w.agrees(t)
		mustTell(t, w, "part 1 and more: join bob", "part 2 and more: join dan", "part 3: join eve", "join ana", "join cat", "leave eve")
	})
}

// What was told by a log that is no more cannot be gone on from.
func TestPoster_the_log_was_forgotten(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		l := w.claim(t, "a")
		w.connect(t, l, "ana")
		w.start()
		pass(5 * time.Second)
		w.stopAll()
		w.takeOver(t, l)
		next := w.claim(t, "a")
		w.connect(t, next, "bob")
		if err := presence.Retain(context.Background(), w.store, time.Now().Add(time.Hour), mustPlan(t, w), func(presence.Cut) {}); err != nil {
			t.Fatal(err)
		}
		w.start()
		pass(5 * time.Second)
		mustTell(t, w, "part 1: join ana", "part 1: join bob")
	})
}

func mustPlan(t *testing.T, w *world) []presence.Cut {
	t.Helper()
	cuts, err := presence.PlanRetention(context.Background(), w.store, time.Now().Add(time.Hour))
	if err != nil || len(cuts) == 0 {
		t.Fatal(cuts, err)
	}
	return cuts
}

// Nor can who was online by it, if somebody is forgotten by now; where he is not in it any
// more, nothing is told anew. A name that stands for nobody is never told.
func TestPoster_a_user_was_forgotten(t *testing.T) {
	for name, tt := range map[string]struct {
		away bool // nobody posts while he leaves
		want []string
	}{
		"while nobody posted": {true, []string{"part 1: join ana, join bob", "part 1: join bob"}},
		"when it was told":    {false, []string{"part 1: join ana, join bob", "leave ana"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				l := w.claim(t, "a")
				w.connect(t, l, "ana")
				pass(time.Millisecond)
				w.connect(t, l, "bob")
				w.start()
				pass(5 * time.Second)
				if tt.away {
					w.stopAll()
				}
				w.disconnect(t, l, 1, events.Client)
				pass(5 * time.Second)
				if done := w.forget(t, "ana"); done.Connections != 1 || done.Hook {
					t.Fatal(done)
				}
				w.stopAll()
				w.start()
				pass(5 * time.Second)
				mustTell(t, w, tt.want...)
			})
		})
	}
}

// Who posts while somebody is forgotten does not write the name again, wherever it had it:
// it loses its turn, and goes on by what the log says then. The receiver is away meanwhile.
func TestPoster_a_user_is_forgotten_while_it_waits(t *testing.T) {
	for name, tt := range map[string]struct {
		before, pending string // who comes while the receiver is there, and when it is away
		hook            bool   // it names ana
		want            []string
	}{
		"with the name in the delivery": {"bob", "ana", true, []string{"part 1: join bob", "part 1: join bob"}},
		"with the name in its memory":   {"ana", "bob", false, []string{"part 1: join ana", "join bob", "part 1: join bob"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				l := w.claim(t, "a")
				seqs := map[string]uint64{tt.before: w.connect(t, l, tt.before)}
				w.start()
				w.start()
				pass(5 * time.Second)
				w.receiver.reacts(func() reaction { return reaction{code: 503} })
				seqs[tt.pending] = w.connect(t, l, tt.pending)
				pass(5 * time.Second)
				w.disconnect(t, l, seqs["ana"], events.Client)
				pass(time.Minute)
				if done := w.forget(t, "ana"); done.Connections != 1 || done.Hook != tt.hook {
					t.Fatal(done)
				}
				w.receiver.reacts(takes)
				pass(6 * time.Minute)
				mustTell(t, w, tt.want...)
				w.agrees(t)
				if leaders := w.leading(); len(leaders) != 1 {
					t.Errorf("%d lead", len(leaders))
				}
			})
		})
	}
}

// More than can be told as a difference is told anew.
func TestPoster_too_much_to_tell(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.size.odd = 2
		l := w.claim(t, "a")
		w.connect(t, l, "ana")
		w.start()
		pass(5 * time.Second)
		for _, user := range people[1:4] {
			w.connect(t, l, user)
			pass(time.Millisecond)
		}
		pass(5 * time.Second)
		mustTell(t, w, "part 1: join ana", "part 1: join ana, join bob, join cat, join dan")
	})
}

// Another receiver knows nothing, and is not told what was for the first.
func TestPoster_another_receiver(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		l := w.claim(t, "a")
		w.start()
		pass(5 * time.Second)
		w.receiver.reacts(func() reaction { return reaction{code: 500} })
		w.connect(t, l, "ana")
		pass(time.Minute)
		w.stopAll()
		before := w.receiver
		w.receiver, w.address = newReceiver(), "https://other.example/"
		w.start()
		pass(5 * time.Second)
		mustTell(t, w, "part 1: join ana")
		if a, b := before.all()[0].Data.Number, w.receiver.all()[0].Data.Number; b <= a {
			t.Errorf("number %d after %d", b, a)
		}
	})
}

// Who has another receiver, and leaves before that was told anything, leaves to the first
// what is its.
func TestPoster_another_receiver_for_a_moment(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		l := w.claim(t, "a")
		w.start()
		pass(5 * time.Second)
		w.receiver.reacts(func() reaction { return reaction{code: 500} })
		w.connect(t, l, "ana")
		pass(5 * time.Second)
		w.stopAll()
		nodes, address := w.store.Nodes, w.address
		w.store.Nodes, w.address = noNodes{nodes}, "https://other.example/"
		w.start()
		pass(5 * time.Second)
		if len(w.leading()) != 1 {
			t.Error("it does not lead")
		}
		w.stopAll()
		w.receiver.reacts(takes)
		w.store.Nodes, w.address = nodes, address
		w.start()
		pass(5 * time.Second)
		mustTell(t, w, "part 1: ", "join ana")
	})
}

// noNodes are nodes that cannot be read.
type noNodes struct{ presence.Nodes }

func (noNodes) All(context.Context) ([]presence.Node, error) {
	return nil, events.ErrUnavailable
}

// A stream that makes no sense is complained of, once, and does not keep the others.
func TestPoster_a_stream_without_sense(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		core, lines := observer.New(zap.ErrorLevel)
		bad := events.Stream{Node: "a", Epoch: 1}
		ctx := context.Background()
		at := events.Milliseconds(time.Now())
		_, err := w.store.Log.Append(ctx, []events.Event{
			{ID: bad.At(0), Type: events.Opened, Process: "x", At: at}, {ID: bad.At(1), Type: events.Connected, User: "x", At: at},
			{ID: bad.At(2), Type: events.Disconnected, User: "x", Conn: bad.At(1), Reason: events.Client, At: at},
			{ID: bad.At(3), Type: events.Disconnected, User: "x", Conn: bad.At(1), Reason: events.Client, At: at},
		})
		if err = errors.Join(err, w.store.Nodes.Join(ctx, presence.Node{Stream: bad, Beat: 1})); err != nil {
			t.Fatal(err)
		}
		l := w.claim(t, "b")
		w.log = zap.New(core)
		w.start()
		pass(5 * time.Second)
		w.connect(t, l, "ana")
		pass(5 * time.Second)
		mustTell(t, w, "part 1: ", "join ana")
		if lines.Len() != 1 {
			t.Errorf("%+v", lines.All())
		}
	})
}

// A leader that the store does not answer stops before another may begin; when the store
// answers again, somebody goes on.
func TestPoster_the_store_is_away(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		l := w.claim(t, "a")
		n := w.start()
		pass(5 * time.Second)
		n.setRates(allFail)
		pass(leaseKeep + 3*time.Second)
		if n.poster.Stats().Leading {
			t.Error("it still leads")
		}
		w.connect(t, l, "ana")
		pass(time.Hour)
		mustTell(t, w, "part 1: ")
		n.spare()
		pass(20 * time.Second)
		mustTell(t, w, "part 1: ", "join ana")
	})
}

// A store that nobody else has may be away for as long as it is, and what was to be saved
// is saved then. The log says so once.
func TestPoster_the_only_store_is_away(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		core, lines := observer.New(zap.InfoLevel)
		w.log, w.store.Exclusive = zap.New(core), true
		l := w.claim(t, "a")
		n := w.start()
		pass(5 * time.Second)
		w.receiver.reacts(func() reaction { return reaction{take: true, after: 5 * time.Second} })
		w.connect(t, l, "ana")
		pass(3 * time.Second)
		n.setRates(allFail)
		pass(time.Hour)
		w.connect(t, l, "bob")
		n.spare()
		pass(time.Minute)
		mustTell(t, w, "part 1: ", "join ana", "join bob")
		var said []string
		for _, line := range lines.All()[2:] {
			said = append(said, line.Message)
		}
		want := []string{
			"the store does not keep what the receiver of webhooks was told; will repeat until it does",
			"the store keeps again what the receiver of webhooks was told",
		}
		if !slices.Equal(said, want) || !n.poster.Stats().Leading {
			t.Errorf("%q, leading: %v", said, n.poster.Stats().Leading)
		}
	})
}

// How far the log was read is kept, also if there is nothing to tell; and of a store that
// nobody else has, nothing is written for nothing.
func TestPoster_notes_how_far_it_has_read(t *testing.T) {
	for _, exclusive := range []bool{false, true} {
		inBubble(t, func(t *testing.T, w *world) {
			w.store.Exclusive = exclusive
			l := w.claim(t, "a")
			w.connect(t, l, "ana")
			w.start()
			pass(5 * time.Second)
			w.connect(t, l, "ana")
			w.takeOver(t, w.claim(t, "b"))
			pass(2 * time.Minute)
			h, err := w.store.Hooks.Load(context.Background())
			if err != nil || h.Position != l.id.At(l.tail-1).String() {
				t.Errorf("%+v, %v", h, err)
			}
			calls := w.posters[0].called()
			pass(2 * time.Minute)
			if wrote := w.posters[0].called() > calls; wrote == exclusive {
				t.Errorf("exclusive: %v, and beaten: %v", exclusive, wrote)
			}
			mustTell(t, w, "part 1: join ana")
		})
	}
}
