package presence_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// far is a store at the other end of a slow network: operations take time, each way.
func far(s presence.Store, slow time.Duration) presence.Store {
	wait := func() { pass(rand.N(slow)) }
	s.Log = farLog{s.Log, wait}
	s.Online = farOnline{s.Online, wait}
	s.Recorder = presence.TwoStep(s.Log, s.Online)
	return s
}

type farLog struct {
	events.Log
	wait func()
}

func (l farLog) Append(ctx context.Context, run []events.Event) (int, error) {
	l.wait()
	defer l.wait()
	return l.Log.Append(ctx, run)
}

func (l farLog) Read(ctx context.Context, from events.Position, limit int) ([]events.Event, error) {
	l.wait()
	defer l.wait()
	return l.Log.Read(ctx, from, limit)
}

type farOnline struct {
	presence.Online
	wait func()
}

func (o farOnline) Apply(ctx context.Context, add []presence.Connection, remove []events.Position) error {
	o.wait()
	defer o.wait()
	return o.Online.Apply(ctx, add, remove)
}

func (o farOnline) DropStream(ctx context.Context, s events.Stream) error {
	o.wait()
	defer o.wait()
	return o.Online.DropStream(ctx, s)
}

func (o farOnline) OfStream(ctx context.Context, after events.Position, limit int) ([]presence.Connection, error) {
	o.wait()
	defer o.wait()
	return o.Online.OfStream(ctx, after, limit)
}

// A verify beside busy nodes, which are cut off, fenced, killed and started again, and
// whose writes are late, finds nothing.
func TestVerifier_Verify_NoFalseAlarm(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { verifyBusy(t, seed) })
		})
	}
}

func verifyBusy(t *testing.T, seed uint64) {
	inner := newStore()
	looks := verifyUntil(t, far(inner, 100*time.Millisecond))
	nodes := make([]*busy, 3)
	for i := range nodes {
		nodes[i] = newBusy(t, inner, fmt.Sprint("n", i+1), seed+uint64(i))
	}
	for range 8 {
		pass(10 * time.Second)
		b := nodes[rand.N(len(nodes))]
		if rand.N(2) == 0 {
			b.paused.Store(true)
			pass(25 * time.Second)
			b.paused.Store(false)
			continue
		}
		b.die()
		pass(rand.N(20 * time.Second))
		b.begin(t)
	}
	if n := looks(); n < 10 {
		t.Errorf("only %d looks", n)
	}
	for _, b := range nodes {
		b.leave(t)
	}
	holds(t, inner, 0)
	log, err := inner.Log.Streams(t.Context(), events.Stream{}, 1000)
	if err != nil || len(log) < 6 {
		t.Errorf("%d streams, %v: nobody was fenced", len(log), err)
	}
}

// verifyUntil verifies again and again, and returns a function that ends that and says
// how often it has looked.
func verifyUntil(t *testing.T, store presence.Store) func() int {
	ended, ending := make(chan int), make(chan struct{})
	go func() {
		n := 0
		defer func() { ended <- n }()
		for ; ; n++ {
			pass(time.Second)
			select {
			case <-ending:
				return
			default:
			}
			r, err := presence.Verifier{Store: store, Patience: presence.LivePatience}.Verify(t.Context())
			if err != nil {
				t.Error(err)
			}
			for _, p := range r.Problems {
				t.Errorf("%s %s %s: %s", time.Now().Format(time.TimeOnly), p.Kind, p.ID, p.Detail)
			}
		}
	}()
	return func() int {
		close(ending)
		return <-ended
	}
}

// busy is a node whose clients come and go all the time.
type busy struct {
	store  presence.Store
	node   string
	paused atomic.Bool
	member *presence.Member
	stop   context.CancelFunc
	done   sync.WaitGroup
}

func newBusy(t *testing.T, inner presence.Store, node string, seed uint64) *busy {
	b := &busy{node: node}
	late := storetest.Only(storetest.Random(seed, storetest.Rates{Before: 0.01, After: 0.01, Partial: 0.01, Late: 0.02}),
		storetest.LogAppend, storetest.OnlineApply)
	b.store = far(storetest.NewFaulty(inner, func(c storetest.Call) storetest.Action {
		if b.paused.Load() {
			return storetest.Action{Fault: storetest.Before}
		}
		return late(c)
	}).Store(), 100*time.Millisecond)
	b.begin(t)
	return b
}

// begin starts the node, and its clients.
func (b *busy) begin(t *testing.T) {
	b.member = start(t, b.store, presence.Config{Node: b.node})
	ctx, stop := context.WithCancel(t.Context())
	b.stop = stop
	member := b.member
	b.done.Go(func() {
		var live []*client
		for ctx.Err() == nil {
			pass(rand.N(100 * time.Millisecond))
			if i := rand.N(30); i < len(live) {
				member.Disconnect(&live[i].Conn, events.Client)
				live = slices.Delete(live, i, i+1)
				continue
			}
			live = append(live, connect(t, member, fmt.Sprint("u", rand.N(20))))
		}
	})
}

func (b *busy) die() {
	b.stop()
	b.done.Wait()
	b.member.Die()
}

func (b *busy) leave(t *testing.T) {
	b.stop()
	b.done.Wait()
	pass(10 * time.Second)
	shutdown(t, b.member)
}

// mortal starts a member of node n1 that kill ends at once: what it may still do before
// its goroutines have ended does not reach the store.
func mortal(t *testing.T, inner presence.Store) (m *presence.Member, kill func()) {
	t.Helper()
	store, paused := pausable(inner)
	m = start(t, store, presence.Config{})
	return m, func() {
		paused.Store(true)
		m.Die()
	}
}

// What is wrong in the log is told by kind, and is not taken for a difference of online.
func TestVerify_Log(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(t *testing.T, store presence.Store)
		want  presence.ProblemKind
	}{
		"an event after the seal": {func(t *testing.T, store presence.Store) {
			sealedBy(t, store, "n2")
			appendAfter(t, store, events.Event{Type: events.Connected, User: "late"})
		}, presence.BrokenGrammar},
		"a disconnect of a stranger": {func(t *testing.T, store presence.Store) {
			appendAfter(t, store, events.Event{Type: events.Disconnected, User: "eve", Conn: n1e1.At(1), Reason: events.Client})
		}, presence.BrokenGrammar},
		"a takeover that nobody goes on with": {func(t *testing.T, store presence.Store) {
			sealedBy(t, store, "n2")
			if err := store.Nodes.Remove(t.Context(), n1e1); err != nil {
				t.Fatal(err)
			}
		}, presence.NotEnded},
		"two epochs at once": {func(t *testing.T, store presence.Store) {
			_, err := store.Log.Append(t.Context(), []events.Event{{
				ID: n1e2.At(0), Type: events.Opened, At: events.Milliseconds(time.Now()), Process: "other",
			}})
			if err != nil {
				t.Fatal(err)
			}
		}, presence.NotSealed},
		"a takeover under way": {func(t *testing.T, store presence.Store) {
			sealedBy(t, store, "n2")
			if err := store.Online.DropStream(t.Context(), n1e1); err != nil {
				t.Fatal(err)
			}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newStore()
				m, kill := mortal(t, store)
				connect(t, m, "ana")
				synctest.Wait()
				kill()
				tt.spoil(t, store)
				r, err := presence.Verify(t.Context(), store)
				if err != nil {
					t.Fatal(err)
				}
				if tt.want == "" && r.Holds() {
					return
				}
				if len(r.Problems) != 1 || r.Problems[0].Kind != tt.want {
					t.Errorf("found %v, want one %s", r.Problems, tt.want)
				}
			})
		})
	}
}

// appendAfter appends an event to the stream n1e1, whatever it is.
func appendAfter(t *testing.T, store presence.Store, e events.Event) {
	t.Helper()
	tail, err := store.Log.Tail(t.Context(), n1e1)
	if err != nil {
		t.Fatal(err)
	}
	e.ID, e.At = tail.ID.Next(), tail.At
	if _, err := store.Log.Append(t.Context(), []events.Event{e}); err != nil {
		t.Fatal(err)
	}
}

// Where nobody is alive a verify does not wait for somebody to mend; where somebody is,
// it lets him.
func TestVerifier_Verify_Patience(t *testing.T) {
	for _, alive := range []bool{false, true} {
		t.Run(fmt.Sprint("alive ", alive), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newStore()
				m, kill := mortal(t, store)
				ana := connect(t, m, "ana")
				synctest.Wait()
				pass(5 * time.Second)
				apply(t, store, nil, []events.Position{ana.id(t)})
				if !alive {
					kill()
				}
				began := time.Now()
				r, err := presence.Verifier{Store: store, Patience: presence.LivePatience}.Verify(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); r.Holds() != alive || !alive && took > 12*time.Second {
					t.Errorf("found %v after %s", r.Problems, took)
				}
			})
		})
	}
}
