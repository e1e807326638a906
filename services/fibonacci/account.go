package fibonacci

import (
	"context"
	"slices"
)

// Account is one connection's share of a pool. It costs the pool nothing while it has
// no task that waits or runs. It is safe for concurrent use.
type Account struct {
	// static after construction
	pool *Pool
	name string // the user's

	// guarded by pool.mu
	user      *user  // nil: no task waits or runs
	queue     []Task // those that wait
	work      work
	stop      context.CancelFunc // stops the task that runs; nil if work is none
	cancelled bool
}

// work is how far a worker is with a task of an account.
type work uint8

const (
	none      work = iota // no worker has one
	computing             // it may still be stopped
	answering             // Done is being called: the client may have its answer, and ask again
)

// Account opens the account of a connection of a user. Cancel ends it.
func (p *Pool) Account(user string) *Account { return &Account{pool: p, name: user} }

// Submit gives a task to the pool, and returns at once: nil, ErrBusy if the
// connection, the user or the pool has no room for it, or ErrClosed.
func (a *Account) Submit(t Task) error {
	p := a.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.cancelled || p.ctx.Err() != nil {
		return ErrClosed
	}
	if !a.room() {
		return ErrBusy
	}
	if a.user == nil {
		a.enter()
	}
	a.queue = append(a.queue, t)
	a.user.waiting++
	p.waiting++
	if a.work == none && len(a.queue) == 1 {
		a.lineUp()
	}
	return nil
}

// room reports whether one more task may wait. A task counts as one that runs as soon
// as it is the connection's first, so that what is refused does not depend on how
// soon a worker is free.
func (a *Account) room() bool {
	p, mine, users := a.pool, len(a.queue), 0
	if a.work == computing {
		mine++
	}
	if a.user != nil {
		users = a.user.waiting
	}
	return mine <= p.config.Waiting && users < p.config.Total-p.waiting
}

// enter puts the account into the tables of the pool.
func (a *Account) enter() {
	u := a.pool.users[a.name]
	if u == nil {
		u = &user{name: a.name}
		a.pool.users[a.name] = u
	}
	u.accounts++
	a.user = u
}

// leave takes the account, which has no task, out of the tables of the pool.
func (a *Account) leave() {
	u := a.user
	a.user, a.queue = nil, nil
	if u.accounts--; u.accounts == 0 {
		delete(a.pool.users, u.name)
	}
}

// lineUp puts the account, which has a task that may run now, last in its user's
// turn, and its user last in the pool's, if it is not there yet.
func (a *Account) lineUp() {
	u := a.user
	u.turn = append(u.turn, a)
	if len(u.turn) == 1 {
		a.pool.turn = append(a.pool.turn, u)
	}
	a.pool.wake.Signal()
}

// Cancel drops the tasks that wait and stops the one that runs: soon, not at once. No
// task of the account begins after Cancel has returned. If the one that runs had its
// result before Cancel was called, its Done, just that one, may still be running or
// be about to: to prevent it, Cancel would have to wait for it.
func (a *Account) Cancel() {
	p := a.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	a.cancelled = true
	if a.user == nil {
		return
	}
	p.waiting -= len(a.queue)
	a.user.waiting -= len(a.queue)
	a.queue = nil
	if a.work != none {
		a.stop() // and its worker calls finish
		return
	}
	a.fallOut()
	a.leave()
}

// fallOut is the reverse of lineUp.
func (a *Account) fallOut() {
	u := a.user
	u.turn = remove(u.turn, a)
	if len(u.turn) == 0 {
		a.pool.turn = remove(a.pool.turn, u)
	}
}

func remove[T comparable](s []T, v T) []T {
	i := slices.Index(s, v)
	return slices.Delete(s, i, i+1)
}
