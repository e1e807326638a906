package presence_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// A store that failed once, and then answered that there is no such event, works.
func TestMember_Ready_AfterAnAnswerThatIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faulty := storetest.NewFaulty(newStore(), storetest.Sequence(storetest.Action{Fault: storetest.Before}))
		m := start(t, faulty.TwoSteps(), presence.Config{})
		pass(time.Minute)
		if err := m.Ready(); err != nil {
			t.Errorf("not ready, long after the store has answered: %v", err)
		}
	})
}

// What a node was about to record when it was fenced is no reason not to be ready in
// its next epoch, in which there may be nothing to record.
func TestMember_Ready_AfterAFence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, broken := newStore(), new(atomic.Bool)
		faulty := storetest.NewFaulty(inner, storetest.Only(func(storetest.Call) (a storetest.Action) {
			if broken.Load() {
				a.Fault = storetest.Before
			}
			return a
		}, storetest.OnlineApply))
		m := start(t, faulty.TwoSteps(), presence.Config{})
		broken.Store(true)
		ana := connect(t, m, "ana")
		pass(time.Second)
		if err := m.Ready(); err == nil {
			t.Error("ready, while nothing can be recorded")
		}
		m.Disconnect(&ana.Conn, events.Client)
		sealedBy(t, inner, "n2")
		pass(10 * time.Second)
		broken.Store(false)
		pass(time.Minute)
		if got := m.Stream(); got != n1e2 {
			t.Errorf("it writes %v, want %v", got, n1e2)
		}
		if err := m.Ready(); err != nil {
			t.Errorf("not ready in the new epoch: %v", err)
		}
		holds(t, inner, 0)
	})
}

// gate is a log that lets the claim of n1e2 wait until it is open.
type gate struct {
	events.Log
	open chan struct{} // closed when it is
}

func (g gate) Append(ctx context.Context, run []events.Event) (int, error) {
	if run[0].ID == n1e2.At(0) {
		select {
		case <-g.open:
		case <-ctx.Done():
			return 0, events.ErrUnavailable
		}
	}
	return g.Log.Append(ctx, run)
}

// A node that was fenced is not ready before it has its next epoch, although nothing that
// it asks of the store has failed.
func TestMember_Ready_WhileFenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		claim := gate{store.Log, make(chan struct{})}
		store.Log = claim
		m := start(t, store, presence.Config{})
		connect(t, m, "ana")
		synctest.Wait()
		if err := m.Ready(); err != nil {
			t.Errorf("not ready before the fence: %v", err)
		}
		sealedBy(t, store, "n2")
		pass(5 * time.Second)
		if err := m.Ready(); !errors.Is(err, presence.ErrRejoining) || m.Stats().Failing != 0 {
			t.Errorf("between two epochs: ready says %v, %d steps fail", err, m.Stats().Failing)
		}
		close(claim.open)
		pass(5 * time.Second)
		if err := m.Ready(); err != nil || m.Stream() != n1e2 {
			t.Errorf("in %v: ready says %v", m.Stream(), err)
		}
		holds(t, store, 1)
	})
}
