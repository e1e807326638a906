package presence_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// until is a plan that lets a number of operations pass, does a part of the next one,
// and then crashes the process: what it asks for gets no answer any more.
func until(operations int, crash func()) storetest.Plan {
	return func(c storetest.Call) storetest.Action {
		switch {
		case c.N < operations:
			return storetest.Action{}
		case c.N == operations:
			return storetest.Action{Fault: storetest.Partial, Part: 3}
		}
		crash()
		return storetest.Action{Fault: storetest.Block}
	}
}

// A start is given up when its context ends, with the store's error.
func TestMember_Start_StoreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := func(storetest.Call) storetest.Action { return storetest.Action{Fault: storetest.Before} }
		m, err := presence.New(storetest.NewFaulty(newStore(), away).TwoSteps(), presence.Config{Node: "n1"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := m.Start(ctx); !errors.Is(err, events.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("start: %v", err)
		}
	})
}

// While the store is away nothing is lost and nobody is told that he is recorded;
// when it is back everybody is. A node that cannot record says that it is not ready.
func TestMember_Outage(t *testing.T) {
	for _, fault := range []storetest.Fault{storetest.Before, storetest.After, storetest.Refused} {
		t.Run(fmt.Sprint("fault ", fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { outage(t, fault) })
		})
	}
}

func outage(t *testing.T, fault storetest.Fault) {
	inner := newStore()
	var away atomic.Bool
	store := storetest.NewFaulty(inner, storetest.Only(func(storetest.Call) (a storetest.Action) {
		if away.Load() {
			a.Fault = fault
		}
		return a
	}, storetest.LogAppend, storetest.OnlineApply)).TwoSteps()
	m := start(t, store, presence.Config{})
	ana := connect(t, m, "ana")
	synctest.Wait()

	away.Store(true)
	bob, brief := connect(t, m, "bob"), connect(t, m, "brief")
	m.Disconnect(&ana.Conn, events.Client)
	m.Disconnect(&brief.Conn, events.Client)
	pass(10 * time.Minute)
	if !bob.id(t).IsZero() {
		t.Error("bob is told that he is recorded while the store does not acknowledge")
	}
	if err := m.Ready(); err == nil {
		t.Error("ready while nothing can be recorded")
	}
	// The first of the four is in flight, or more of them.
	if s := m.Stats(); s.Queued != 4 || s.Lag != 10*time.Minute || s.Failing == 0 {
		t.Errorf("in the outage: %+v", s)
	}
	away.Store(false)
	pass(5 * time.Second)
	if bob.id(t).IsZero() || !brief.id(t).IsZero() {
		t.Errorf("bob is recorded as %v, and one who had left as %v", bob.id(t), brief.id(t))
	}
	if err := m.Ready(); err != nil {
		t.Errorf("not ready although the store is back: %v", err)
	}
	if got, want := online(t, inner), (map[string]int{"bob": 1}); !equal(got, want) {
		t.Errorf("online %v, want %v", got, want)
	}
	pass(time.Minute) // of reconciliations
	if s := m.Stats(); s.Queued != 0 || s.Lag != 0 || s.Failing != 0 || s.Mended != 0 {
		t.Errorf("after the outage: %+v", s)
	}
	holds(t, inner, 1)
	shutdown(t, m)
	holds(t, inner, 0)
}

// witness is a client that looks at the store at the moment it is told that it is
// recorded.
type witness struct {
	presence.Conn
	store presence.Store
	left  atomic.Bool
	ids   []events.Position // owned by the appender
	wrong error             // owned by the appender
}

func (w *witness) Kicked(string) {}

// Recorded holds I7: the event is in the log, and the connection online.
func (w *witness) Recorded(id events.Position) {
	w.ids = append(w.ids, id)
	ctx := context.Background()
	logged, err := w.store.Log.Read(ctx, id, 1)
	if err != nil || len(logged) != 1 || logged[0].User != w.User() {
		w.wrong = fmt.Errorf("I7: recorded as %s, and the log has %v, %w", id, logged, err)
	}
	there, err := w.store.Online.OfStream(ctx, id.At(id.Seq-1), 1)
	if !w.left.Load() && (err != nil || len(there) != 1 || there[0].ID != id) {
		w.wrong = fmt.Errorf("I7: recorded as %s, and online has %v, %w", id, there, err)
	}
}

// I1, I2, I4, I6, I7: whatever the store does to its operations, of all who come and
// go each is recorded once, and in the end the log, online and the sockets agree.
func TestMember_RandomFaults(t *testing.T) {
	seeds := uint64(150)
	if testing.Short() {
		seeds = 20
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomFaults(t, seed) })
		})
	}
}

func randomFaults(t *testing.T, seed uint64) {
	inner := newStore()
	var calm atomic.Bool
	random := storetest.Random(seed, storetest.Rates{Before: .1, After: .1, Partial: .1, Refused: .05, Late: .1})
	faulty := storetest.NewFaulty(inner, func(c storetest.Call) storetest.Action {
		if calm.Load() {
			return storetest.Action{}
		}
		return random(c)
	})
	m := start(t, faulty.TwoSteps(), presence.Config{})
	all, live := comeAndGo(t, m, inner, rand.New(rand.NewPCG(seed, 1)))

	calm.Store(true)
	faulty.Release()
	pass(time.Minute) // what was late is mended by reconcile
	holds(t, inner, live)
	shutdown(t, m)
	holds(t, inner, 0)
	for _, w := range all {
		if w.wrong != nil {
			t.Error(w.wrong)
		}
		if stayed := !w.left.Load(); len(w.ids) > 1 || stayed && len(w.ids) != 1 {
			t.Errorf("%s was recorded %d times", w.User(), len(w.ids))
		}
	}
}

// comeAndGo lets clients connect and disconnect for a while, and returns all of them
// and how many have stayed.
func comeAndGo(t *testing.T, m *presence.Member, store presence.Store, r *rand.Rand) (all []*witness, live int) {
	for range 300 {
		switch r.IntN(4) {
		case 0, 1:
			w := &witness{store: store}
			w.Init(w, fmt.Sprint("u", r.IntN(20)), "", "")
			if err := m.Admit(); err != nil {
				t.Fatal(err)
			}
			m.Connect(&w.Conn)
			all = append(all, w)
			live++
		case 2:
			if len(all) == 0 {
				continue
			}
			if w := all[r.IntN(len(all))]; !w.left.Swap(true) {
				m.Disconnect(&w.Conn, events.Client)
				live--
			}
		case 3:
			pass(time.Duration(r.IntN(100)) * time.Millisecond)
		}
	}
	return all, live
}
