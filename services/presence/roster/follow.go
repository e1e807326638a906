package roster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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

	pageSize = 1000 // events

	// strayEvery is how many polls find streams by their node documents only. One that
	// has lost its document is found by what online has of it.
	strayEvery = 10

	// staleAfter is how long the log cannot be read until watchers are told so.
	staleAfter = 10 * time.Second
)

// follower reads the log into a book. It belongs to one goroutine.
type follower struct {
	store   presence.Store
	roster  *Roster
	book    *book
	log     *zap.Logger
	streams map[events.Stream]*stream // those of the book
	wrong   map[events.Stream]bool    // those that make no sense
	polls   int
	failing time.Time // since when; zero: it is not
	told    bool      // watchers know of it
}

func newFollower(r *Roster, b *book) *follower {
	return &follower{store: r.cfg.Store, roster: r, book: b, log: r.cfg.Log,
		streams: make(map[events.Stream]*stream), wrong: make(map[events.Stream]bool)}
}

// run polls until ctx ends.
func (f *follower) run(ctx context.Context) {
	wake, stop := f.roster.cfg.Bell.Listen()
	defer stop()
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	for {
		began := time.Now()
		err := f.poll(ctx)
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
		f.tell(len(f.wrong) > 0)
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

// poll reads what has come. An error of the store ends it; a stream that makes no sense
// does not keep it from the others.
func (f *follower) poll(ctx context.Context) error {
	found, err := presence.LookForSigns(ctx, f.store, f.polls%strayEvery == 0)
	if err != nil {
		return err
	}
	f.polls++
	streams := found.StreamsWith(maps.Keys(f.streams))
	for _, s := range streams {
		err := f.read(ctx, s, found)
		if errors.Is(err, events.ErrUnavailable) || errors.Is(err, events.ErrRefused) || ctx.Err() != nil {
			return err
		}
		f.complain(s, err)
	}
	maps.DeleteFunc(f.wrong, func(s events.Stream, _ bool) bool { return !slices.Contains(streams, s) })
	return nil
}

// complain says once what is wrong with a stream, and when it is mended.
func (f *follower) complain(s events.Stream, err error) {
	switch {
	case err == nil && f.wrong[s]:
		delete(f.wrong, s)
		f.log.Info("the roster reads a stream again", zap.Stringer("stream", s))
	case err != nil && !f.wrong[s]:
		f.wrong[s] = true
		f.log.Error("the roster cannot read a stream; watchers are told that what it says is old: see presenced verify",
			zap.Stringer("stream", s), zap.Error(err))
	}
}

// read reads a stream to its end, and forgets it when it is over: it is sealed and nobody
// is left in it; or nothing tells of it any more, and so nobody will ever end it.
func (f *follower) read(ctx context.Context, id events.Stream, found presence.Signs) error {
	s := f.streams[id]
	if s == nil {
		return f.begin(ctx, id, found)
	}
	if err := f.advance(ctx, s); err != nil {
		return fmt.Errorf("read %s: %w", id, err)
	}
	if found.Tell(id) {
		return nil
	}
	if found.Thorough() || f.book.over(s) {
		f.book.end(s, time.Now())
		delete(f.streams, id)
	}
	return nil
}

// begin reads a stream that is new.
func (f *follower) begin(ctx context.Context, id events.Stream, found presence.Signs) error {
	fold, err := presence.FoldToEnd(ctx, f.store, id)
	if err != nil {
		return fmt.Errorf("fold %s: %w", id, err)
	}
	if fold.Sealed() && fold.Len() == 0 && !found.Owned(id) {
		return nil // a late write has brought it back into online
	}
	s := &stream{id: id, open: make(map[uint64]place, fold.Len())}
	f.streams[id] = s
	f.book.begin(s, fold, time.Now())
	return nil
}

// advance reads the rest of a stream. If that does not fit what was read before, such as
// a snapshot that was wrong, it is read anew.
func (f *follower) advance(ctx context.Context, s *stream) error {
	for {
		page, err := f.store.Log.Read(ctx, s.id.At(f.book.nextSeq(s)), pageSize)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		err = f.book.apply(s, page, time.Now())
		f.roster.signal()
		if errors.Is(err, errUnfit) {
			return f.again(ctx, s)
		}
		if len(page) < pageSize {
			return nil
		}
	}
}

func (f *follower) again(ctx context.Context, s *stream) error {
	fold, err := presence.FoldToEnd(ctx, f.store, s.id)
	if err != nil {
		return err
	}
	f.log.Warn("the roster has read a stream anew: its events did not fit", zap.Stringer("stream", s.id))
	f.book.begin(s, fold, time.Now())
	return nil
}
