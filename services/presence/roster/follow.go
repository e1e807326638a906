package roster

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// How often the log is looked at: pollLeast apart when it grows, pollEvery when no bell
// tells of it.
const (
	pollEvery = 500 * time.Millisecond
	pollLeast = 50 * time.Millisecond

	// staleAfter is how long the log cannot be read until watchers are told so.
	staleAfter = 10 * time.Second
)

// follower reads the log into a book. It belongs to one goroutine.
type follower struct {
	walker  *presence.Walker
	roster  *Roster
	book    *book
	log     *zap.Logger
	failing time.Time // since when; zero: it is not
	told    bool      // watchers know of it
}

var _ presence.Sink = (*follower)(nil)

func newFollower(r *Roster, b *book) *follower {
	f := &follower{roster: r, book: b, log: r.cfg.Log}
	f.walker = presence.NewWalker(r.cfg.Store, f, r.cfg.Log.With(zap.String("for", "the roster")))
	return f
}

// run polls until ctx ends.
func (f *follower) run(ctx context.Context) {
	wake, stop := f.roster.cfg.Bell.Listen()
	defer stop()
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	for {
		began := time.Now()
		err := f.walker.Poll(ctx)
		if ctx.Err() != nil {
			return
		}
		f.judge(began, err)
		f.roster.signal()
		if !rest(ctx, timer, pollLeast, nil) || !rest(ctx, timer, pollEvery-pollLeast, wake) {
			return
		}
	}
}

// rest waits for d, or until wake has something. It reports whether ctx goes on.
func rest(ctx context.Context, timer *time.Timer, d time.Duration, wake <-chan struct{}) bool {
	timer.Reset(d)
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-timer.C:
	}
	return true
}

// judge says what a poll that ended with err means to the watchers: as long as the log, or
// a part of it, cannot be read they may be told what is old.
func (f *follower) judge(began time.Time, err error) {
	switch {
	case err == nil:
		if !f.failing.IsZero() {
			f.log.Info("the roster reads the log again", zap.Duration("after", time.Since(f.failing)))
		}
		f.failing = time.Time{}
		f.book.readThrough(began)
		f.tell(f.walker.Wrong() > 0)
		return
	case f.failing.IsZero():
		f.failing = began
		f.log.Warn("the roster cannot read the log; it tells nothing new until it can", zap.Error(err))
	}
	if time.Since(f.failing) >= staleAfter {
		f.tell(true)
	}
}

// tell tells the watchers, if they do not know, whether what they are told may be old.
func (f *follower) tell(stale bool) {
	if f.told != stale {
		f.told = stale
		f.book.setStale(stale)
	}
}

// Begin implements presence.Sink.
func (f *follower) Begin(id events.Stream, fold *events.Fold) { f.book.begin(id, fold, time.Now()) }

// Apply implements presence.Sink.
func (f *follower) Apply(id events.Stream, page []events.Event) bool {
	fits := f.book.apply(id, page, time.Now())
	f.roster.signal()
	return fits
}

// Reach implements presence.Sink.
func (f *follower) Reach(id events.Stream) (next uint64, over bool) { return f.book.reach(id) }

// End implements presence.Sink.
func (f *follower) End(id events.Stream) { f.book.end(id, time.Now()) }
