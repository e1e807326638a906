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
)

// holed is a log that has lost an event, until that is put back.
type holed struct {
	events.Log
	lost events.Position
	back *atomic.Bool
}

func (h holed) Read(ctx context.Context, from events.Position, limit int) ([]events.Event, error) {
	page, err := h.Log.Read(ctx, from, limit)
	if !h.back.Load() {
		page = slices.DeleteFunc(page, func(e events.Event) bool { return e.ID == h.lost })
	}
	return page, err
}

// A stream that cannot be folded is not taken over, which is said once, however often it
// is tried; and it is as soon as it can be (docs/OPERATIONS.md, The log is broken).
func TestMember_TakeOver_BrokenStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, back := died(t, 3), new(atomic.Bool)
		store.Log = holed{store.Log, n1e1.At(2), back}
		core, said := observer.New(zapcore.InfoLevel)
		m := start(t, store, presence.Config{Node: "n2", Log: zap.New(core)})
		pass(time.Minute)
		if got := len(online(t, store)); got != 2 {
			t.Errorf("%d users are online, want the 2 whom died has left there", got)
		}
		back.Store(true)
		pass(4 * time.Second)
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
