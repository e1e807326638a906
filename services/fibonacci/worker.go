package fibonacci

import (
	"context"
	"runtime"
	"slices"
	"time"
)

// serve is one worker. Its thread is its own and ends with it: the runtime neither
// gives a thread that is locked to others, nor starts new ones from it, so no other
// goroutine ever runs at the workers' priority.
func (p *Pool) serve() {
	runtime.LockOSThread()
	lowerPriority(p.config.Nice)
	for {
		a, t, ctx, ok := p.next()
		if !ok {
			return
		}
		if r, err := t.compute(ctx); err == nil && p.answer(a) {
			t.Done(r)
		}
		p.finish(a)
	}
}

// next waits for the task of whose turn it is. ok is false once the pool is closed.
func (p *Pool) next() (a *Account, t Task, ctx context.Context, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.turn) == 0 && p.ctx.Err() == nil {
		p.wake.Wait()
	}
	if p.ctx.Err() != nil {
		return nil, Task{}, nil, false
	}
	u := p.turn[0]
	p.turn = slices.Delete(p.turn, 0, 1)
	a = u.turn[0]
	u.turn = slices.Delete(u.turn, 0, 1)
	if len(u.turn) > 0 {
		p.turn = append(p.turn, u)
	}
	t = a.queue[0]
	a.queue = slices.Delete(a.queue, 0, 1)
	u.waiting--
	p.waiting--
	p.running++
	a.work = computing
	ctx, a.stop = context.WithCancel(p.ctx)
	return a, t, ctx, true
}

// answer reports whether the result of the task of a that runs is still wanted. If so
// the task takes no more of the connection's room: a client that sends a command on
// each answer is not told that the pool is busy.
func (p *Pool) answer(a *Account) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.cancelled || p.ctx.Err() != nil {
		return false
	}
	a.work = answering
	return true
}

// finish says that the task of a that ran has ended, one way or the other.
func (p *Pool) finish(a *Account) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	a.stop()
	a.work, a.stop = none, nil
	if len(a.queue) > 0 {
		a.lineUp()
		return
	}
	a.leave()
}

func (t Task) compute(ctx context.Context) (r Result, err error) {
	start := time.Now()
	switch t.Kind {
	case Sequence:
		r.Values, err = First(ctx, int(t.N))
	case Number:
		r.Value, err = t.Algorithm.AppendDecimal(ctx, nil, t.N)
	}
	r.Took = time.Since(start)
	return r, err
}
