package presence_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// wallClock is a clock that is ahead by some nanoseconds.
type wallClock struct{ ahead atomic.Int64 }

func (c *wallClock) set(ahead time.Duration) { c.ahead.Store(int64(ahead)) }

func (c *wallClock) now() time.Time {
	return time.Now().Round(0).Add(time.Duration(c.ahead.Load()))
}

// A takeover's seal is not before the stream's last event, and the node was last seen
// between the two, whose clock ever is wrong: the store's, the dead owner's, or the
// peer's.
func TestMember_TakeOver_ClocksThatDiffer(t *testing.T) {
	const wrong = 10 * time.Minute
	for _, ahead := range [][3]time.Duration{
		{wrong, 0, 0}, {-wrong, 0, 0}, {0, wrong, 0}, {0, -wrong, 0}, {0, 0, wrong}, {0, 0, -wrong},
	} {
		t.Run(fmt.Sprint(ahead), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var clocks [3]wallClock
				for i := range clocks {
					clocks[i].set(ahead[i])
				}
				memory := storetest.NewMemory()
				memory.Now = clocks[0].now
				store := memory.Store()
				store.Exclusive = false
				owner := start(t, store, presence.Config{Now: clocks[1].now})
				start(t, store, presence.Config{Node: "n2", Now: clocks[2].now})
				pass(time.Second)
				connect(t, owner, "ana")
				pass(500 * time.Millisecond)
				owner.Die()
				pass(within)
				holds(t, store, 0)
				all := stream(t, store, n1e1)
				last, seal := all[1], all[2]
				if seal.Type != events.Sealed || seal.At.Before(last.At) || seal.LastSeen.Before(last.At) || seal.LastSeen.After(seal.At) {
					t.Errorf("the last event is of %s, the seal %+v", last.At, seal)
				}
			})
		})
	}
}

// A node whose clock is set forward and back writes a stream in which time never falls,
// takes over nobody who lives, and is not taken for dead.
func TestMember_ClockIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, clock := newStore(), new(wallClock)
		m := start(t, store, presence.Config{Now: clock.now})
		peer := start(t, store, presence.Config{Node: "n2"})
		for i, ahead := range []time.Duration{time.Hour, -time.Hour, 5 * time.Second, 0} {
			clock.set(ahead)
			c := connect(t, m, fmt.Sprint("u", i))
			pass(7 * time.Second)
			m.Disconnect(&c.Conn, events.Client)
			synctest.Wait()
		}
		if m.Stream() != n1e1 || peer.Stream().Epoch != 1 {
			t.Errorf("the nodes write %s and %s", m.Stream(), peer.Stream())
		}
		shutdown(t, m)
		holds(t, store, 0)
		all := stream(t, store, n1e1)
		if n := len(all); n != 1+4+4+1 || all[n-1].Reason != events.Shutdown {
			t.Errorf("%d events, and the last is %+v", n, all[n-1])
		}
	})
}
