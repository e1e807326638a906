package presence_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// teller is a Changes that says what the test says, or fails.
type teller struct {
	appended chan func() // of a watch that has begun
	ended    chan struct{}
	err      error
}

func (g *teller) Watch(ctx context.Context, appended func()) error {
	if g.err != nil {
		return g.err
	}
	g.appended <- appended
	<-ctx.Done()
	g.ended <- struct{}{}
	return context.Cause(ctx)
}

func isWoken(wake <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-wake:
		return true
	default:
		return false
	}
}

// However many listen, the store is watched once, while somebody listens.
func TestBell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &teller{appended: make(chan func(), 1), ended: make(chan struct{}, 2)}
		b := presence.NewBell(g, zap.NewNop())
		one, stopOne := b.Listen()
		appended := <-g.appended
		other, stopOther := b.Listen()
		appended()
		appended()
		if !isWoken(one) || isWoken(one) || !isWoken(other) {
			t.Error("two rings at once are to wake each listener once")
		}
		stopOne()
		appended()
		if isWoken(one) || !isWoken(other) {
			t.Error("who has stopped is not woken, and the others are")
		}
		stopOther()
		if len(g.ended) != 1 || len(g.appended) != 0 {
			t.Errorf("the watch has ended %d times, and %d more have begun", len(g.ended), len(g.appended))
		}
		again, stop := b.Listen()
		(<-g.appended)()
		if !isWoken(again) {
			t.Error("not woken by the second watch")
		}
		stop()
	})
}

// A store that will not tell is asked once, and one line says so.
func TestBell_Refused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		b := presence.NewBell(&teller{err: events.ErrRefused}, zap.New(core))
		for range 3 {
			wake, stop := b.Listen()
			if isWoken(wake) {
				t.Error("woken")
			}
			stop()
		}
		if logs.Len() != 1 {
			t.Errorf("%d lines in the log, want 1", logs.Len())
		}
		_, stop := presence.NewBell(nil, zap.NewNop()).Listen() // a store that cannot tell
		stop()
	})
}

// Who is woken has the event at once, and otherwise when it looks; and is not woken for
// each event of a log that grows all the time.
func TestReader_Follow_Woken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		m := start(t, store, presence.Config{})
		now, err := presence.Tails(t.Context(), store)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		wake, ended := make(chan struct{}, 1), make(chan error)
		pages, last := 0, time.Time{}
		go func() {
			ended <- presence.NewReader(store, now).Follow(ctx, wake, func([]events.Event) error {
				pages, last = pages+1, time.Now()
				return nil
			})
		}()
		pass(100 * time.Millisecond) // between two looks
		connect(t, m, "ana")
		synctest.Wait()
		began := time.Now()
		wake <- struct{}{}
		synctest.Wait()
		if pages != 1 || last.Sub(began) != 0 {
			t.Errorf("%d pages, the last after %s", pages, last.Sub(began))
		}
		for range 20 { // every 10 ms
			connect(t, m, "bob")
			select {
			case wake <- struct{}{}:
			default:
			}
			pass(10 * time.Millisecond)
		}
		synctest.Wait()
		if pages > 6 {
			t.Errorf("%d pages in 200 ms", pages)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		shutdown(t, m)
	})
}
