package sim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// process is one life of one presenced: a Member of the product, and what the world
// does to it.
type process struct {
	// static after construction
	w      *world
	index  int
	node   string
	member *presence.Member
	die    context.CancelFunc
	clock  clock
	life   context.Context // of Start and Shutdown; ends when the process is killed

	dead      atomic.Bool // by a crash, or because it has exited
	snapshots atomic.Bool // it writes one

	mu      sync.Mutex
	resumed chan struct{} // nil if the process is not paused; closed when it goes on

	// owned by the driver
	cutUntil time.Time // until then nothing that it sends arrives
	paused   time.Time // until when; zero if it is not
	leaving  bool      // Shutdown was called
	died     time.Time
	clients  []*client // those that have not left
	started  bool
	startErr error
	exited   bool
	exitErr  error
}

func (p *process) String() string { return fmt.Sprintf("%s#%d", p.node, p.index) }

// running waits while the process is paused.
func (p *process) running() {
	for {
		p.mu.Lock()
		resumed := p.resumed
		p.mu.Unlock()
		if resumed == nil {
			return
		}
		<-resumed
	}
}

// start starts a process.
func (w *world) start(node string) *process {
	p := &process{w: w, index: len(w.processes), node: node}
	w.processes = append(w.processes, p)
	p.clock.set(w.random, w.plan.skew)
	p.life, p.die = context.WithCancel(context.Background())
	member, err := presence.New(p.store(), presence.Config{
		Node: node, Addr: p.String(), Version: "sim", Queue: w.plan.queue, Random: p.random, Now: p.clock.now,
	})
	if err != nil {
		panic(err)
	}
	p.member = member
	w.note("start %s", p)
	w.goroutines.Go(func() {
		err := member.Start(p.life)
		w.tell(news{p: p, err: err})
		if p.dead.Load() && err == nil {
			_ = member.Shutdown(p.life) // it crashed while it started
		}
	})
	return p
}

// random is the process's jitter. It depends on the seed, the process, the time and
// the place it is asked from, and not on the order in which goroutines ask.
func (p *process) random() float64 {
	h := mix(p.w.seed, uint64(p.index), uint64(time.Since(p.w.began)), callSite().hash)
	return float64(h>>11) / (1 << 53)
}

// mix is a hash of numbers.
func mix(numbers ...uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, n := range numbers {
		h ^= n
		h ^= h >> 30
		h *= 0xbf58476d1ce4e5b9
		h ^= h >> 27
		h *= 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// serves reports whether clients can connect to the process.
func (p *process) serves() bool { return p.up() && p.paused.IsZero() }

// up reports whether the process has started, and neither crashed nor begun to leave.
func (p *process) up() bool {
	return p.started && !p.leaving && !p.dead.Load()
}

// pause stops the process for a time, as SIGSTOP does.
func (p *process) pause(d time.Duration) {
	p.w.note("pause %s for %s", p, d)
	p.paused = p.w.now().Add(d)
	p.mu.Lock()
	if p.resumed == nil {
		p.resumed = make(chan struct{})
	}
	p.mu.Unlock()
}

// resume is SIGCONT.
func (p *process) resume() {
	p.mu.Lock()
	if p.resumed != nil {
		close(p.resumed)
		p.resumed = nil
	}
	p.mu.Unlock()
	p.paused = time.Time{}
}

// crash ends a process at once. What it has sent may be executed now, later, or never.
func (p *process) crash() {
	w := p.w
	w.note("crash %s", p)
	p.died = w.now()
	w.orphanOps(p)
	p.end()
	if p.started && !p.leaving {
		w.goroutines.Go(func() { _ = p.member.Shutdown(p.life) }) // only unwinds goroutines
	}
}

// end makes the process deaf and dumb.
func (p *process) end() {
	p.dead.Store(true)
	p.die()
	p.resume()
	for _, c := range p.clients {
		c.left = true
	}
	p.clients = nil
}

// leave begins a clean shutdown, which gives up after a time.
func (p *process) leave(within time.Duration) {
	p.w.note("leave %s within %s", p, within)
	p.leaving = true
	ctx, cancel := context.WithTimeout(p.life, within)
	p.w.goroutines.Go(func() {
		defer cancel()
		p.w.tell(news{p: p, exited: true, err: p.member.Shutdown(ctx)})
	})
}

// failed reports whether the member has failed by itself.
func (p *process) failed() bool {
	select {
	case <-p.member.Done():
		return true
	default:
		return false
	}
}

// attend looks after processes that have exited, or should.
func (w *world) attend() {
	for _, p := range w.processes {
		switch {
		case p.dead.Load():
		case p.startErr != nil:
			w.gaveWay(p, p.startErr)
			p.end()
		case p.exited:
			w.note("exit %s: %v", p, p.exitErr)
			if w.calm && p.exitErr != nil {
				w.fail("I10: %s cannot leave in calm: %v", p, p.exitErr)
			}
			p.died = w.now()
			w.orphanOps(p)
			p.end()
		case p.up() && p.failed():
			w.gaveWay(p, p.member.Err())
			p.leave(15 * time.Second)
		}
	}
}

// gaveWay checks that the only reason for which a process ends by itself is that
// another one has its node id.
func (w *world) gaveWay(p *process, err error) {
	w.note("%s ends: %v", p, err)
	if !errors.Is(err, presence.ErrDuplicateNode) {
		w.fail("%s ended by itself: %v", p, err)
		return
	}
	if w.calm && p.started {
		w.fail("%s gave way to a newcomer in calm: %v", p, err)
	}
	for _, q := range w.processes {
		if q != p && q.node == p.node {
			return
		}
	}
	w.fail("%s gave way to nobody: %v", p, err)
}

// client is one socket, and what it was told.
type client struct {
	presence.Conn

	// static after construction
	p    *process
	user string

	// owned by the driver
	left bool
	ids  []events.Position      // that it was recorded as
	in   map[events.Stream]bool // streams whose log has its connected event
}

// Recorded tells the driver, which looks at it before its next step.
func (c *client) Recorded(id events.Position) {
	c.p.w.mu.Lock()
	defer c.p.w.mu.Unlock()
	c.p.w.welcomes = append(c.p.w.welcomes, welcome{c, id})
}

// Kicked never happens: a simulation has no operator.
func (c *client) Kicked(string) {}

// welcome is a message that a client was sent.
type welcome struct {
	c  *client
	id events.Position
}

// connect is a client that comes.
func (p *process) connect() {
	if err := p.member.Admit(); err != nil {
		return
	}
	if p.w.random.IntN(10) == 0 { // its handshake fails
		p.member.Release()
		return
	}
	c := &client{p: p, user: fmt.Sprint("u", len(p.w.users)), in: make(map[events.Stream]bool)}
	p.w.users[c.user] = c
	p.clients = append(p.clients, c)
	c.Init(c, c.user, "203.0.113.0", "sim/1")
	p.w.note("connect %s to %s", c.user, p)
	p.member.Connect(&c.Conn)
}

// disconnect is a client that goes.
func (p *process) disconnect(i int) {
	c := p.clients[i]
	p.clients = append(p.clients[:i], p.clients[i+1:]...)
	c.left = true
	p.w.note("disconnect %s from %s", c.user, p)
	p.member.Disconnect(&c.Conn, events.Client)
	if p.w.random.IntN(10) == 0 {
		p.member.Disconnect(&c.Conn, events.Timeout) // only the first counts
	}
}
