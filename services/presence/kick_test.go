package presence_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// kick asks m for a kick, and waits for it. It returns how many connections were asked
// for, and how many of them have not gone in time.
func kick(t *testing.T, m *presence.Member, o presence.KickOrder) (asked, pending int) {
	t.Helper()
	all, err := m.Kick(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := timeout(t, 5*time.Second)
	defer cancel()
	return len(all), len(m.Kicked(ctx, all))
}

// kicksLeft is the kicks that a store has of a node.
func kicksLeft(t *testing.T, store presence.Store, node string) []presence.Kick {
	t.Helper()
	left, err := store.Kicks.OfNode(t.Context(), node, events.Position{}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// reasons are the reasons of the kicks that a client was told of.
func (c *client) reasons() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.kicks, ", ")
}

// All connections of a user go, on whatever node, and nobody else; each is told why, the
// log says kicked, and once it is said that they are gone they are not online any more.
func TestMember_Kick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		n1, n2 := start(t, store, presence.Config{}), start(t, store, presence.Config{Node: "n2"})
		here, there, also := connect(t, n1, "ana"), connect(t, n2, "ana"), connect(t, n2, "ana")
		bob := connect(t, n1, "bob")
		synctest.Wait()
		began := time.Now()
		if asked, pending := kick(t, n1, presence.KickOrder{User: "ana", Reason: "go home"}); asked != 3 || pending != 0 {
			t.Fatalf("asked %d, pending %d", asked, pending)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("it took %s", took)
		}
		if got, want := online(t, store), (map[string]int{"bob": 1}); !equal(got, want) {
			t.Errorf("online %v, want %v", got, want)
		}
		for _, c := range []*client{here, there, also} {
			if c.reasons() != "go home" {
				t.Errorf("told %q", c.reasons())
			}
		}
		all := stream(t, store, n1e1)
		if last := all[len(all)-1]; last.Conn != here.id(t) || last.Reason != events.Kicked || bob.reasons() != "" {
			t.Errorf("last event %+v, bob was told %q", last, bob.reasons())
		}
		if left := append(kicksLeft(t, store, "n1"), kicksLeft(t, store, "n2")...); len(left) != 0 {
			t.Errorf("left %v", left)
		}
		if n := n1.Stats().Kicked + n2.Stats().Kicked; n != 3 {
			t.Errorf("%d kicks are counted", n)
		}
		holds(t, store, 1)
	})
}

// A connection that the asked node has goes at once.
func TestMember_Kick_OneConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		m := start(t, store, presence.Config{})
		first, second := connect(t, m, "ana"), connect(t, m, "ana")
		synctest.Wait()
		began := time.Now()
		if asked, pending := kick(t, m, presence.KickOrder{Conn: second.id(t)}); asked != 1 || pending != 0 {
			t.Fatalf("asked %d, pending %d", asked, pending)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s", took)
		}
		if online(t, store)["ana"] != 1 || len(first.kicks) != 0 {
			t.Errorf("online %v", online(t, store))
		}
		for _, nobody := range []presence.KickOrder{{User: "zoe"}, {Conn: second.id(t)}, {Conn: n1e1.At(0)}, {Conn: n1e2.At(1)}} {
			if asked, _ := kick(t, m, nobody); asked != 0 {
				t.Errorf("%+v: asked %d", nobody, asked)
			}
		}
		// Nobody is banned.
		connect(t, m, "ana")
		pass(time.Minute)
		holds(t, store, 2)
	})
}

// An order that names nobody, or says too much, asks for nothing.
func TestMember_Kick_Invalid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		m := start(t, store, presence.Config{})
		ana := connect(t, m, "ana")
		synctest.Wait()
		for _, o := range []presence.KickOrder{
			{}, {Reason: "all"}, {User: "ana", Conn: ana.id(t)}, {User: " ana"}, {User: "ana", Reason: strings.Repeat("x", presence.MaxKickReason+1)},
			{User: "ana", Reason: "\xff"}, {User: "ana", Reason: "a\nb"},
		} {
			if _, err := m.Kick(t.Context(), o); !errors.Is(err, events.ErrInvalid) {
				t.Errorf("%+v: %v", o, err)
			}
		}
		if left := kicksLeft(t, store, "n1"); len(left) != 0 {
			t.Errorf("left %v", left)
		}
		store.Kicks = nil
		old := start(t, store, presence.Config{Node: "n2"})
		if _, err := old.Kick(t.Context(), presence.KickOrder{User: "ana"}); err == nil {
			t.Error("no error without kicks")
		}
	})
}

// slow takes its time for each batch.
type slow struct{ presence.Recorder }

func (s slow) Record(ctx context.Context, run []events.Event) (int, error) {
	pass(300 * time.Millisecond)
	return s.Recorder.Record(ctx, run)
}

// Nobody is said to be gone as long as the end waits to be recorded, behind others.
func TestMember_Kick_BehindOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		store.Recorder = slow{store.Recorder}
		m := start(t, store, presence.Config{})
		connect(t, m, "ana")
		pass(time.Second)
		for i := range 5000 {
			connect(t, m, fmt.Sprint("u", i))
		}
		if asked, pending := kick(t, m, presence.KickOrder{User: "ana"}); asked != 1 || pending != 0 {
			t.Errorf("asked %d, pending %d", asked, pending)
		}
		if page, err := store.Online.OfUser(t.Context(), "ana", events.Position{}, 1); err != nil || len(page) != 0 {
			t.Errorf("ana is online: %v, %v", page, err)
		}
	})
}

// A user may have more connections than a page, or a batch, has room for.
func TestMember_Kick_Many(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		n1, n2 := start(t, store, presence.Config{}), start(t, store, presence.Config{Node: "n2"})
		const each = 1700
		for range each {
			connect(t, n1, "ana")
			connect(t, n2, "ana")
		}
		connect(t, n2, "bob")
		synctest.Wait()
		if asked, pending := kick(t, n2, presence.KickOrder{User: "ana"}); asked != 2*each || pending != 0 {
			t.Errorf("asked %d, pending %d", asked, pending)
		}
		if got, want := online(t, store), (map[string]int{"bob": 1}); !equal(got, want) {
			t.Errorf("online %v, want %v", got, want)
		}
		holds(t, store, 1)
	})
}

// A kick of an id that its connection loses by a rejoin finds it, whenever it comes
// around that; a second fence right behind the first changes nothing.
func TestMember_Kick_Rejoin(t *testing.T) {
	for _, fences := range []int{1, 2} {
		for after := time.Duration(0); after <= 6*time.Second; after += 500 * time.Millisecond {
			t.Run(fmt.Sprint(fences, " fences, after ", after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { kickedWhileRejoining(t, fences, after) })
			})
		}
	}
}

func kickedWhileRejoining(t *testing.T, fences int, after time.Duration) {
	store := newStore()
	m := start(t, store, presence.Config{})
	ana, bob := connect(t, m, "ana"), connect(t, m, "bob")
	synctest.Wait()
	id := ana.id(t)
	pass(time.Millisecond) // not at a beat
	time.AfterFunc(after, func() {
		if err := store.Kicks.Add(t.Context(), []presence.Kick{{Conn: id, At: events.Milliseconds(time.Now()), By: "n2", Reason: "bye"}}); err != nil {
			t.Error(err)
		}
	})
	sealedBy(t, store, "n2")
	if fences == 2 {
		for m.Stream() != n1e2 {
			pass(100 * time.Millisecond)
		}
		seal(t, store, n1e2, "n2")
	}
	pass(20 * time.Second)
	if got, want := online(t, store), (map[string]int{"bob": 1}); !equal(got, want) || ana.reasons() != "bye" || bob.reasons() != "" {
		t.Errorf("online %v, want %v; ana was told %q, bob %q", got, want, ana.reasons(), bob.reasons())
	}
	if left := kicksLeft(t, store, "n1"); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	holds(t, store, 1)
	shutdown(t, m)
	holds(t, store, 0)
}

// What was recorded without this node's knowing has an id too: its acknowledgement was
// lost, and then the stream; as it was queued, or on its way from an earlier stream.
func TestMember_Kick_RejoinOfUnacknowledged(t *testing.T) {
	for _, stream := range []events.Stream{n1e1, n1e2} {
		t.Run(stream.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { kickedUnacknowledged(t, stream) })
		})
	}
}

func kickedUnacknowledged(t *testing.T, in events.Stream) {
	inner := newStore()
	var failing atomic.Bool
	m := start(t, storetest.NewFaulty(inner, storetest.Only(func(storetest.Call) (a storetest.Action) {
		if failing.Load() {
			a.Fault = storetest.After
		}
		return a
	}, storetest.RecorderRecord)).Store(), presence.Config{})
	peer := start(t, inner, presence.Config{Node: "n2"})
	failing.Store(in == n1e1)
	ana := connect(t, m, "ana")
	synctest.Wait()
	if in == n1e2 {
		failing.Store(true)
		sealedBy(t, inner, "n2")
	}
	shown := func() bool {
		page, err := inner.Online.IDs(t.Context(), in.At(0), 1)
		return err == nil && len(page) == 1
	}
	for !shown() {
		pass(100 * time.Millisecond)
	}
	asked, err := peer.Kick(t.Context(), presence.KickOrder{User: "ana"})
	if err != nil || len(asked) != 1 || asked[0] != in.At(1) {
		t.Fatalf("asked %v, %v", asked, err)
	}
	seal(t, inner, in, "n2")
	for m.Stream() == in || m.Stream().IsZero() {
		pass(100 * time.Millisecond)
	}
	failing.Store(false)
	pass(20 * time.Second)
	if len(ana.kicks) != 1 || len(online(t, inner)) != 0 {
		t.Errorf("kicked %d times, online %v", len(ana.kicks), online(t, inner))
	}
	holds(t, inner, 0)
}

// A kick of one who has gone anyway does nothing, and does not stay.
func TestMember_Kick_GoneAnyway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		m := start(t, store, presence.Config{})
		ana, again := connect(t, m, "ana"), connect(t, m, "ana")
		synctest.Wait()
		m.Disconnect(&ana.Conn, events.Client)
		if err := store.Kicks.Add(t.Context(), []presence.Kick{
			{Conn: ana.id(t), By: "n2"}, {Conn: n1e1.At(77), By: "n2"}, {Conn: events.Stream{Node: "n1", Epoch: 9}.At(2), By: "n2"},
		}); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		if left := kicksLeft(t, store, "n1"); len(left) != 0 || len(ana.kicks)+len(again.kicks) != 0 {
			t.Errorf("left %v; told %v, %v", left, ana.kicks, again.kicks)
		}
		holds(t, store, 1)
	})
}

// A kick of somebody on a dead node is pending, and goes some time after the node was
// taken over; a node that leaves takes its own kicks along.
func TestMember_Kick_DeadNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		dead, m := start(t, store, presence.Config{Node: "n1"}), start(t, store, presence.Config{Node: "n2"})
		connect(t, dead, "ana")
		synctest.Wait()
		dead.Die()
		if asked, pending := kick(t, m, presence.KickOrder{User: "ana"}); asked != 1 || pending != 1 {
			t.Errorf("asked %d, pending %d", asked, pending)
		}
		pass(within)
		if len(online(t, store)) != 0 || len(kicksLeft(t, store, "n1")) != 1 {
			t.Errorf("online %v, kicks %v", online(t, store), kicksLeft(t, store, "n1"))
		}
		pass(11 * time.Minute)
		if left := kicksLeft(t, store, "n1"); len(left) != 0 {
			t.Errorf("left %v", left)
		}
		if err := store.Kicks.Add(t.Context(), []presence.Kick{{Conn: m.Stream().At(1), By: "n1"}}); err != nil {
			t.Fatal(err)
		}
		shutdown(t, m)
		if left := kicksLeft(t, store, "n2"); len(left) != 0 {
			t.Errorf("left %v", left)
		}
	})
}

// Whatever the store does to its operations, and how often nodes are fenced: who is
// kicked goes, everybody else stays, and no kick is left.
func TestMember_Kick_RandomFaults(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { kickAtRandom(t, seed) })
		})
	}
}

func kickAtRandom(t *testing.T, seed uint64) {
	inner, r := newStore(), rand.New(rand.NewPCG(seed, 1))
	faulty := storetest.NewFaulty(inner, storetest.Random(seed, storetest.Rates{Before: 0.05, After: 0.05, Partial: 0.05, Late: 0.03}))
	var nodes []*presence.Member
	for i := range 2 {
		nodes = append(nodes, start(t, faulty.TwoSteps(), presence.Config{Node: fmt.Sprint("n", i)}))
	}
	var good []*client
	for range 60 {
		m := nodes[r.IntN(2)]
		if m.Ready() != nil {
			pass(time.Second)
			continue
		}
		connect(t, m, "bad")
		good = append(good, connect(t, m, "good"))
		pass(time.Duration(r.IntN(400)) * time.Millisecond)
		if s := nodes[0].Stream(); !s.IsZero() && r.IntN(20) == 0 {
			seal(t, inner, s, "n9")
		}
		if r.IntN(10) == 0 {
			_, _ = nodes[r.IntN(2)].Kick(t.Context(), presence.KickOrder{User: "bad"})
		}
	}
	pass(time.Minute) // nobody joins again any more: all are online
	for range 20 {    // an operator repeats what failed, or is pending
		_, _ = nodes[1].Kick(t.Context(), presence.KickOrder{User: "bad"})
		pass(10 * time.Second)
	}
	pass(2 * time.Minute)
	if got := online(t, inner); got["bad"] != 0 || got["good"] != len(good) {
		t.Errorf("online %v, want %d good", got, len(good))
	}
	for _, c := range good {
		if len(c.kicks) != 0 {
			t.Errorf("one who is good was kicked as %v", c.all())
		}
	}
	if left := append(kicksLeft(t, inner, "n0"), kicksLeft(t, inner, "n1")...); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	holds(t, inner, len(good))
}
