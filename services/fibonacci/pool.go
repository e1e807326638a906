package fibonacci

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

// cpus is how many processors the process may use, its control group's quota
// respected. It is read before anyone raises GOMAXPROCS to make room for the
// workers' threads beside the event loops.
var cpus = runtime.GOMAXPROCS(0)

// Config is how a Pool works. The zero value of a field means its default.
type Config struct {
	Workers int // tasks that run at a time; default one per CPU that the process may use
	Waiting int // tasks of one connection that wait while one runs; default 8
	Total   int // tasks that wait, of all connections, of one user half as many; default 4,096
	Nice    int // how much nicer the workers are than the process, 1 to 19; default 10; Linux only
}

func (c Config) withDefaults() Config {
	orDefault := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	orDefault(&c.Workers, cpus)
	orDefault(&c.Waiting, 8)
	orDefault(&c.Total, 4096)
	orDefault(&c.Nice, 10)
	return c
}

// ErrBusy is returned by Submit when there is no room for the task. It may succeed
// later.
var ErrBusy = errors.New("too many computations are waiting")

// ErrClosed is returned by Submit when the account was cancelled or the pool closed.
var ErrClosed = errors.New("no more computations are taken")

// Kind says what to compute. The set is closed.
type Kind uint8

// The kinds of tasks.
const (
	Number   Kind = iota // F(N)
	Sequence             // the first N numbers
)

// Task is one computation.
type Task struct {
	Kind      Kind
	N         uint64 // bounded by the caller
	Algorithm Algorithm

	// Done gets the result, on a worker's goroutine, and should return soon: the
	// worker does nothing else meanwhile. It is not called if the task was dropped or
	// stopped. It may call Submit and Cancel, but not Close.
	Done func(Result)
}

// Result is what a task came to. It belongs to whoever gets it.
type Result struct {
	Value  []byte        // Number: in decimal
	Values [][]byte      // Sequence: each in decimal
	Took   time.Duration // for the computation, without the wait for a worker
}

// Pool runs tasks on a bounded number of workers, for users in turn. It keeps
//
//   - an account is in the pool's tables if and only if it has a task that waits or
//     runs, so that idle connections cost it nothing;
//   - of an account one task runs at a time, in the order they were submitted, and
//     the Done of one returns before the next begins;
//   - no user takes more than half of the room that is left, so that there is room
//     for one who asks for little.
type Pool struct {
	// static after construction
	config Config
	ctx    context.Context // ends when the pool is closed
	stop   context.CancelFunc

	workers sync.WaitGroup

	mu      sync.Mutex
	wake    sync.Cond        // on mu: a user came into turn, or the pool was closed
	users   map[string]*user // those with a task that waits or runs
	turn    []*user          // those with a task that may run now, who waited longest first
	waiting int              // tasks
	running int              // tasks
}

// user is what the pool knows of a user with tasks. It is guarded by Pool.mu.
type user struct {
	name     string
	accounts int        // those with a task that waits or runs
	waiting  int        // tasks
	turn     []*Account // those with a task that may run now, who waited longest first
}

// NewPool starts a pool. Close ends it.
func NewPool(c Config) *Pool {
	p := &Pool{config: c.withDefaults(), users: make(map[string]*user)}
	p.wake.L = &p.mu
	p.ctx, p.stop = context.WithCancel(context.Background())
	for range p.config.Workers {
		p.workers.Go(p.serve)
	}
	return p
}

// Close lets no task begin any more, stops those that run, and waits for the workers.
func (p *Pool) Close() {
	p.mu.Lock()
	p.stop()
	p.wake.Broadcast()
	p.mu.Unlock()
	p.workers.Wait()
}

// Stats are counts at one moment.
type Stats struct {
	Users   int // with a task that waits or runs
	Waiting int // tasks
	Running int // tasks
}

// Stats counts.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{Users: len(p.users), Waiting: p.waiting, Running: p.running}
}
