package presence_test

import (
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
