package webhook

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/complaint"
	"github.com/presenced/presence/services/presence"
)

const (
	pollEvery = 500 * time.Millisecond
	pollLeast = 50 * time.Millisecond

	// batchEvery is the least time between two deliveries, unless there is more than fits
	// one.
	batchEvery = time.Second

	// noteEvery is how often a leader that has nothing to tell saves how far it has read.
	noteEvery = time.Minute

	// resignWithin is how long a leader that stops waits for the store to take note.
	resignWithin = time.Second
)

// errLapsed is why a leader stops that has not heard of the store for too long.
var errLapsed = errors.New("the store has not answered for so long that another node may post by now")

// leader is one turn of posting. It belongs to one goroutine, and to what that waits for.
type leader struct {
	p     *Poster
	hook  presence.Hook // as it was saved last
	beat  uint64        // the last that was tried
	saved time.Time     // when the last save or beat began that was acknowledged

	census *census // nil: nothing is read yet
	ledger *ledger
	walk   *walk // nil: no resync is under way; while one is, there is more, and so the log is not read

	wrote time.Time      // when the last delivery was written, or the last note
	more  bool           // there is more to tell at once
	unfit complaint.Once // the log cannot be read
}

// walk is how far a resync is.
type walk struct {
	names []string // whom the receiver is still to be told of, ascending
	part  int      // that was told last
}

// run posts until ctx ends or another may post, and returns why.
func (l *leader) run(ctx context.Context) error {
	wake, stop := l.p.cfg.Bell.Listen()
	defer stop()
	for {
		if err := l.round(ctx); err != nil {
			return err
		}
		if l.more {
			continue
		}
		if !sleep(ctx, max(pollLeast, batchEvery-time.Since(l.wrote))) || !rest(ctx, wake) {
			return context.Cause(ctx)
		}
	}
}

// rest waits for pollEvery, or until wake has something, and reports whether ctx goes on.
func rest(ctx context.Context, wake <-chan struct{}) bool {
	t := time.NewTimer(pollEvery - pollLeast)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-t.C:
	}
	return true
}

// round delivers what is pending, and then what is new. An error of the store that passes
// is none: the next round begins where this one has stopped.
func (l *leader) round(ctx context.Context) error {
	if l.hook.Pending.ID != "" && l.hook.Target == l.p.target { // else it is another receiver's
		if err := l.deliver(ctx); err != nil {
			return err
		}
	}
	if !l.more {
		var unread error
		err := l.keep(ctx, func(ctx context.Context) { unread = l.read(ctx) })
		if err != nil || !l.readable(unread) {
			return err
		}
	}
	h, more, some := l.next()
	if !some {
		l.more = false
		return l.note(ctx)
	}
	if err := l.save(ctx, h); err != nil {
		return err
	}
	l.wrote, l.more = time.Now(), more
	return l.deliver(ctx)
}

// readable reports whether err is nil, and says so when that changes.
func (l *leader) readable(err error) bool {
	if err != nil {
		l.unfit.Fails(l.p.cfg.Log, "the log cannot be read for webhooks; nothing new is posted until it can", err)
		return false
	}
	l.unfit.Works(l.p.cfg.Log, "the log can be read for webhooks again")
	return true
}

// note saves now and then how far the log was read, although there is nothing to tell: so
// the next leader has less to read, and retention does not overtake it.
func (l *leader) note(ctx context.Context) error {
	h := l.hook
	if h.Position = l.census.position(); h.Position == l.hook.Position || time.Since(l.wrote) < noteEvery {
		return nil
	}
	h.Odd = l.ledger.keep()
	l.wrote = time.Now()
	return l.save(ctx, h)
}

// read reads on in the log, at first from where the receiver knows it. Where that is not
// known, or cannot be found out any more, all is told anew.
func (l *leader) read(ctx context.Context) error {
	if l.census != nil {
		return l.census.poll(ctx)
	}
	c := newCensus(l.p.cfg.Store, l.p.cfg.Log)
	err := c.restore(ctx, l.hook.Position)
	why := "the log does not have any more what the receiver was told by"
	switch {
	case l.hook.Target != l.p.target:
		why = "nothing was told to this receiver yet"
	case err == nil:
		l.goOn(c)
		return nil
	case !forgotten(err):
		return err
	}
	c = newCensus(l.p.cfg.Store, l.p.cfg.Log)
	if err := c.poll(ctx); err != nil {
		return err
	}
	l.census = c
	l.resync(why)
	return nil
}

// goOn begins where the hook says.
func (l *leader) goOn(c *census) {
	l.follow(c, newLedger(l.p.cfg.Grace, l.hook.Odd, time.Now()))
	if l.hook.Part > 0 {
		l.walk = &walk{part: l.hook.Part, names: slices.DeleteFunc(names(c), func(n string) bool { return n <= l.hook.After })}
	}
}

func (l *leader) follow(c *census, to *ledger) {
	l.census, l.ledger = c, to
	c.changed = func(user string, online bool, at time.Time) { to.changed(user, online, at, time.Now()) }
}

// names are the users who are online, ascending.
func names(c *census) []string { return slices.Sorted(maps.Keys(c.users)) }

// resync begins to tell all anew.
func (l *leader) resync(why string) {
	l.p.count.resyncs.Add(1)
	l.p.cfg.Log.Info("the receiver of webhooks is told anew who is online",
		zap.String("because", why), zap.Int("users", len(l.census.users)))
	l.follow(l.census, newLedger(l.p.cfg.Grace, nil, time.Now()))
	l.walk = &walk{names: names(l.census)}
}

// next is the hook with the next delivery, if there is any. more says that another is to
// follow at once.
func (l *leader) next() (h presence.Hook, more, some bool) {
	now := time.Now()
	if l.walk == nil && len(l.ledger.odd) > l.p.size.odd {
		l.resync("there is too much to tell as a difference")
	}
	h = l.hook
	d := data{Number: h.Number + 1}
	if l.walk != nil {
		d.Resync = true
		d.Changes, d.More = l.part()
		d.Part = l.walk.part
		if d.Part == 1 {
			d.Number = max(d.Number, uint64(now.UnixMilli())) // also if the store was lost
		}
		more = true // what came meanwhile
	} else if d.Changes, more = l.ledger.take(l.p.size.page, now); len(d.Changes) == 0 {
		return h, false, false
	}
	h.Part, h.After = 0, ""
	if d.More {
		h.Part, h.After = d.Part, d.Changes[len(d.Changes)-1].User
	} else {
		l.walk = nil
	}
	d.Position = l.census.position()
	h.Target, h.Number, h.Position, h.Odd = l.p.target, d.Number, d.Position, l.ledger.keep()
	h.Pending = delivery(d, now)
	l.p.count.changes.Add(uint64(len(d.Changes)))
	return h, more, true
}

// part is the next part of a resync.
func (l *leader) part() (changes []change, more bool) {
	l.walk.part++
	n := min(len(l.walk.names), l.p.size.page)
	for _, name := range l.walk.names[:n] {
		changes = append(changes, change{Type: join, User: name, Since: time.UnixMilli(l.census.users[name].since).UTC()})
	}
	l.walk.names = l.walk.names[n:]
	return changes, len(l.walk.names) > 0
}

// deliver posts what is pending until the receiver takes it, and then says so.
func (l *leader) deliver(ctx context.Context) error {
	d := l.hook.Pending
	l.p.count.pending.Store(d.At.UnixMilli())
	defer l.p.count.pending.Store(0)
	var state complaint.Once
	for failed := 0; ; {
		var a answer
		if err := l.keep(ctx, func(ctx context.Context) { a = l.p.post(ctx, d) }); err != nil {
			return err
		}
		l.p.count.posts[a.outcome].Add(1)
		if a.outcome == Delivered {
			break
		}
		failed++
		state.Fails(l.p.cfg.Log, "the receiver does not take webhooks; will repeat until it does", errors.New(a.why))
		wait := backoff(failed, a, rand.Float64())
		if err := l.keep(ctx, func(ctx context.Context) { sleep(ctx, wait) }); err != nil {
			return err
		}
	}
	state.Works(l.p.cfg.Log, "the receiver takes webhooks again")
	h := l.hook
	h.Pending = presence.HookDelivery{}
	return l.save(ctx, h)
}

// keep runs f in a goroutine that it waits for, and shows meanwhile that this leader lives.
// When it cannot it ends f's context, and returns why; so it does when ctx ends.
func (l *leader) keep(ctx context.Context, f func(context.Context)) error {
	if l.p.cfg.Store.Exclusive {
		f(ctx)
		return context.Cause(ctx)
	}
	if time.Since(l.saved) > beatEvery {
		if err := l.showBeat(ctx); err != nil {
			return err
		}
	}
	inner, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { // waited for by the loop, or below
		defer close(done)
		f(inner)
	}()
	defer func() {
		cancel()
		<-done
	}()
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return context.Cause(ctx)
		case <-ticker.C:
			if err := l.showBeat(ctx); err != nil {
				return err
			}
		}
	}
}

// showBeat shows that this leader lives, or returns why it may not go on.
func (l *leader) showBeat(ctx context.Context) error {
	until, cancel := context.WithDeadline(ctx, l.saved.Add(leaseKeep))
	defer cancel()
	l.beat++
	lease := l.hook.HookLease
	lease.Beat = l.beat
	began := time.Now()
	err := l.p.cfg.Store.Hooks.Beat(until, lease)
	switch {
	case err == nil:
		l.saved = began
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case !unknown(err):
		return err
	case until.Err() != nil:
		return fmt.Errorf("%w: %w", errLapsed, err)
	}
	return nil
}

// save saves h as the next revision. Once it is tried it is this hook and no other until
// the store says whether it has it (W1).
func (l *leader) save(ctx context.Context, h presence.Hook) error {
	h.Revision, h.Beat, l.beat = l.hook.Revision+1, 0, 0
	var state complaint.Once
	for try := 0; ; try++ {
		began := time.Now()
		err := l.p.cfg.Store.Hooks.Save(ctx, h)
		switch {
		case err == nil:
			state.Works(l.p.cfg.Log, "the store keeps again what the receiver of webhooks was told")
			l.hook, l.saved = h, began
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !unknown(err):
			return err
		case !l.p.cfg.Store.Exclusive && time.Since(l.saved) > leaseKeep:
			return fmt.Errorf("%w: %w", errLapsed, err)
		}
		state.Fails(l.p.cfg.Log, "the store does not keep what the receiver of webhooks was told; will repeat until it does", err)
		if !sleep(ctx, storeBackoff(try)) {
			return context.Cause(ctx)
		}
	}
}

// resign lets another node lead at once. What is pending stays.
func (l *leader) resign() {
	ctx, cancel := context.WithTimeout(context.Background(), resignWithin)
	defer cancel()
	h := l.hook
	h.HookLease = presence.HookLease{Revision: h.Revision + 1}
	if err := l.p.cfg.Store.Hooks.Save(ctx, h); err != nil {
		l.p.cfg.Log.Warn("other nodes were not told that this one does not post webhooks any more; they find out in 10 s", zap.Error(err))
	}
}

// delivery is data as it is written down.
func delivery(d data, now time.Time) presence.HookDelivery {
	at := events.Milliseconds(now)
	id := cryptorand.Text()
	return presence.HookDelivery{ID: id, At: at, Body: message{Type: typePresence, ID: id, Timestamp: at, Data: d}.encode()}
}
