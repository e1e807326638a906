package roster

import "time"

// step does what the pusher was asked for and what is due, and returns when something is
// due again, if nothing happens before. idle says that nobody has watched for a while.
func (b *book) step(requests []request, now time.Time) (next time.Time, idle bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, q := range requests {
		b.obey(q)
	}
	b.expire(now)
	next = now.Add(time.Hour)
	soonest := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	b.flushDue(now)
	for w := range b.unserved {
		soonest(b.serve(w, now))
	}
	for _, f := range b.queued {
		soonest(f.due)
	}
	if len(b.leaving) > 0 {
		soonest(b.leaving[0].at)
	}
	soonest(b.idleUntil(now))
	return next, !b.idle.IsZero() && now.Sub(b.idle) >= linger
}

func (b *book) obey(q request) {
	if !q.stop {
		b.admit(q.watch)
		return
	}
	b.remove(q.watch)
	if q.answer != nil {
		q.watch.out.Post(q.answer)
	}
}

// flushDue sends the feeds that are due.
func (b *book) flushDue(now time.Time) {
	all := b.queued
	kept := all[:0]
	for _, f := range all {
		if f.queued = f.due.After(now) || b.flush(f, now); f.queued {
			kept = append(kept, f)
		}
	}
	clear(all[len(kept):])
	b.queued = kept
}

// idleUntil is when a book that nobody watches is to be thrown away; the zero time while
// somebody does.
func (b *book) idleUntil(now time.Time) time.Time {
	if len(b.watches) > 0 {
		b.idle = time.Time{}
		return b.idle
	}
	if b.idle.IsZero() {
		b.idle = now
	}
	return b.idle.Add(linger)
}
