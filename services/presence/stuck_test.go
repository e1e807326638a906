package presence_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// holed is a log that has lost an event, until that is put back.
type holed struct {
	events.Log
	lost events.Position
	back *atomic.Bool
}

func (h holed) Read(ctx context.Context, from events.Position, limit int) ([]events.Event, error) {
	page, err := h.Log.Read(ctx, from, limit+1)
	if !h.back.Load() {
		page = slices.DeleteFunc(page, func(e events.Event) bool { return e.ID == h.lost })
	}
	return page[:max(0, min(limit, len(page)))], err
}

// breaks makes a store lose an event, until it has it back.
func breaks(store *presence.Store, lost events.Position) (back *atomic.Bool) {
	back = new(atomic.Bool)
	store.Log = holed{store.Log, lost, back}
	return back
}

// again is how long it takes at most until a takeover that failed is tried again.
const again = time.Minute + 4*time.Second

// A takeover that fails for ever does not read the stream all the time.
func TestMember_TakeOver_BrokenStreamIsLeftInPeace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := died(t, 3)
		breaks(&store, n1e1.At(2))
		var reads atomic.Int64
		store.Log = storetest.NewFaulty(store, func(c storetest.Call) storetest.Action {
			if c.Op == storetest.LogRead {
				reads.Add(1)
			}
			return storetest.Action{}
		}).Store().Log
		m := start(t, store, presence.Config{Node: "n2"})
		pass(10 * time.Minute)
		before := reads.Load()
		pass(time.Hour)
		if n := reads.Load() - before; n < 60 || n > 150 {
			t.Errorf("%d reads in an hour, want 2 a minute", n)
		}
		shutdown(t, m)
	})
}

// A stream that cannot be folded is sealed, and nobody of it stays in online. That it is not
// ended is said once, however often it is tried; and it is as soon as it can be
// (docs/OPERATIONS.md, The log is broken).
func TestMember_TakeOver_BrokenStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := died(t, 3)
		back := breaks(&store, n1e1.At(2))
		core, said := observer.New(zapcore.InfoLevel)
		m := start(t, store, presence.Config{Node: "n2", Log: zap.New(core)})
		pass(within)
		if got := online(t, store); len(got) != 0 || m.Ready() != nil {
			t.Errorf("online are %v, ready says %v", got, m.Ready())
		}
		pass(time.Minute)
		back.Store(true)
		pass(again)
		holds(t, store, 0)
		shutdown(t, m)
		var lines []string
		for _, e := range said.All() {
			lines = append(lines, e.Message)
		}
		want := `["joined" "taking over a stream" "takeover failed; it will be tried again" "stream taken over" "left"]`
		if got := fmt.Sprintf("%q", lines); got != want {
			t.Errorf("said %s, want %s", got, want)
		}
	})
}

// What an earlier process of a node has left keeps the node from nothing.
func TestMember_Start_BrokenStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := died(t, 3)
		back := breaks(&store, n1e1.At(2))
		core, said := observer.New(zapcore.ErrorLevel)
		m := start(t, store, presence.Config{Log: zap.New(core)})
		connect(t, m, "ana")
		pass(time.Minute)
		if got := online(t, store); fmt.Sprint(got) != "map[ana:1]" || m.Stream() != n1e2 || m.Ready() != nil || said.Len() != 1 {
			t.Errorf("online are %v in %s, ready says %v; said %v", got, m.Stream(), m.Ready(), said.All())
		}
		back.Store(true)
		pass(again)
		holds(t, store, 1)
		shutdown(t, m)
	})
}

// A node whose own stream is broken, and that is fenced, goes on in the next epoch.
func TestMember_Fenced_BrokenStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		back := breaks(&store, n1e1.At(1))
		back.Store(true)
		m := start(t, store, presence.Config{})
		connect(t, m, "bob")
		connect(t, m, "ana")
		synctest.Wait()
		back.Store(false)
		sealedBy(t, store, "n2")
		pass(5 * time.Second)
		if got := online(t, store); fmt.Sprint(got) != "map[ana:1 bob:1]" || m.Stream() != n1e2 || m.Ready() != nil {
			t.Errorf("online are %v in %s, ready says %v", got, m.Stream(), m.Ready())
		}
		back.Store(true)
		pass(again)
		holds(t, store, 2)
		shutdown(t, m)
	})
}

// What a late write has brought back of a broken stream is swept, and of those after it.
func TestMember_Sweep_BrokenStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := died(t, 3)
		back := breaks(&store, n1e1.At(2))
		back.Store(true)
		m := start(t, store, presence.Config{Node: "n2"})
		pass(within)
		last := start(t, store, presence.Config{Node: "n3"})
		shutdown(t, last)
		back.Store(false)
		late := events.Milliseconds(time.Now())
		apply(t, store, []presence.Connection{{ID: n1e1.At(1), User: "u0", Since: late}}, nil)
		apply(t, store, []presence.Connection{{ID: last.Stream().At(1), User: "u0", Since: late}}, nil)
		pass(8 * time.Second)
		if got := online(t, store); len(got) != 0 || m.Ready() != nil {
			t.Errorf("online are %v, ready says %v", got, m.Ready())
		}
		shutdown(t, m)
	})
}
