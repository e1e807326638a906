package session

import (
	"context"
	"testing"
	"testing/synctest"

	"go.uber.org/zap"

	"github.com/presenced/presence/services/presence"
)

// hung is a store that does not answer.
type hung struct{}

func (hung) Users(ctx context.Context, _ presence.UserQuery) (presence.UserPage, error) {
	<-ctx.Done()
	return presence.UserPage{}, context.Cause(ctx)
}

// deaf is a socket that takes what is posted to it.
type deaf struct{ Socket }

func (deaf) Post([]byte) {}

func newLine(a *Asker) *line { return &line{asker: a, socket: deaf{}, counts: new(shard)} }

// Those who ask and leave while the store hangs leave nothing behind: neither a place in
// the line, nor in the bound of all who wait.
func TestAsker_WhoLeavesLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewAsker(hung{}, zap.NewNop())
		defer a.Close()
		var busy []*line
		for range maxAsking {
			l := newLine(a)
			if err := l.ask(question{}); err != nil {
				t.Fatal(err)
			}
			busy = append(busy, l)
		}
		synctest.Wait() // they are being asked
		first, last := newLine(a), newLine(a)
		_ = first.ask(question{})
		for range 2 * maxWaiting {
			l := newLine(a)
			if err := l.ask(question{}); err != nil {
				t.Fatal(err)
			}
			l.leave()
		}
		_ = last.ask(question{})
		if len(a.turn) != 2 || a.turn[0] != first || a.turn[1] != last || a.waiting != 2 {
			t.Errorf("%d lines, %d questions wait, want the 2 who are there", len(a.turn), a.waiting)
		}
		for _, l := range append(busy, first, last) {
			l.leave()
		}
	})
}
