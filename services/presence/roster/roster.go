package roster

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

// Config is what a Roster needs.
type Config struct {
	Store presence.Store // its log, nodes, snapshots and the streams of online are read

	// Bell wakes the follower. Default: one over the store's changes.
	Bell *presence.Bell

	// Grace is how long a user may be without any connection until that is a leave. It
	// concerns users, not connections. 0: not at all.
	Grace time.Duration

	Log *zap.Logger // one line per change of state; default: none
}

// linger is how long the log is still followed when nobody watches any more, so that a
// page that is loaded again does not make the roster be read anew.
const linger = 10 * time.Second

// maxListed bounds the memory that lists take: so many names, of all watches of the
// process. A name costs some 40 B, and 300 B where its user is not online.
const maxListed = 2_000_000

// ErrClosed is returned by Roster.Watch when the server is leaving.
var ErrClosed = errors.New("the roster is closed")

// ErrFull is returned by Roster.Watch when the lists of all watches are too long.
var ErrFull = errors.New("too many users are listed by those who watch")

// Roster tells watchers who is online.
type Roster struct {
	// static after New
	cfg    Config
	size   sizes
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wake   chan struct{} // size 1: there is something for the pusher; a full channel says so already

	tasks sync.WaitGroup
	count counters
	book  atomic.Pointer[book] // that is told from; nil while nobody watches

	mu      sync.Mutex // guards what follows; never held during anything that waits
	inbox   []request
	running bool
	closed  bool
	listed  int // names in the lists of all watches
}

// sizes bound what is sent at once.
type sizes struct {
	page  int // who one message tells of
	burst int // bytes of the parts of a snapshot that are sent together
	late  int // what a watcher that is behind may have to be told, until it is told all anew
}

// Outlet is where the messages of a watch go.
type Outlet interface {
	// Post sends a message, which is the outlet's from then on. It never blocks.
	Post(message []byte)

	// Behind reports whether something that was sent before waits for the client to read.
	Behind() bool
}

// Query says what to tell.
type Query struct {
	ID    []byte // of the command, to be echoed; the roster keeps it
	Level protocol.Level
	Users []string // nil: everyone; at most protocol.MaxPresent
}

// Watch is one watcher's part, from Roster.Watch to Stop.
type Watch struct {
	// static after Roster.Watch
	roster   *Roster
	out      Outlet
	everyone bool // all users, not a list
	names    int  // in its list
	asked    time.Time

	// guarded by book.mu
	query Query // each user once; the users until it is admitted
	view
}

// request is what the pusher is asked for.
type request struct {
	watch  *Watch
	stop   bool
	answer []byte // to be posted when it has stopped; nil: none
}

// New returns a roster that reads nothing yet.
func New(cfg Config) *Roster {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.Bell == nil {
		cfg.Bell = presence.NewBell(cfg.Store.Changes, cfg.Log)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Roster{cfg: cfg, size: sizes{page: protocol.MaxPresent, burst: burstBytes, late: maxLate}, ctx: ctx, cancel: cancel, wake: make(chan struct{}, 1)}
}

// Watch begins to tell out what q asks for, or returns ErrClosed or ErrFull. What was
// recorded before is in the snapshot. Stop is to be called, once.
func (r *Roster) Watch(out Outlet, q Query) (*Watch, error) {
	everyone := q.Users == nil
	if !everyone {
		q.Users = slices.Compact(slices.Sorted(slices.Values(q.Users)))
	}
	w := newWatch(out, q, everyone)
	w.roster = r
	r.cfg.Bell.Ring() // the snapshot waits for what was recorded until now
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return nil, ErrClosed
	case r.listed+w.names > maxListed:
		return nil, ErrFull
	}
	r.listed += w.names
	r.ask(request{watch: w})
	if !r.running {
		r.running = true
		r.tasks.Go(r.run)
	}
	return w, nil
}

func newWatch(out Outlet, q Query, everyone bool) *Watch {
	return &Watch{out: out, everyone: everyone, names: len(q.Users), asked: time.Now(), query: q}
}

// Everyone reports whether the watch is of all users, and not of a list.
func (w *Watch) Everyone() bool { return w.everyone }

// Stop ends the watch. When nothing more will come of it, answer is posted; nil: none.
func (w *Watch) Stop(answer []byte) {
	r := w.roster
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listed -= w.names
	r.ask(request{watch: w, stop: true, answer: answer})
}

// ask puts a request into the inbox. It needs mu.
func (r *Roster) ask(q request) {
	if r.closed {
		return
	}
	r.inbox = append(r.inbox, q)
	r.signal()
}

func (r *Roster) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Close ends all watches, without a word, and waits until nothing is left of them.
func (r *Roster) Close() {
	r.mu.Lock()
	r.closed, r.inbox = true, nil
	r.mu.Unlock()
	r.cancel()
	r.tasks.Wait()
}

// run reads and tells while there are watches.
func (r *Roster) run() {
	for more := true; more; more = r.goOn() {
		r.generation()
	}
}

// goOn reports whether somebody asked while a generation was about to end.
func (r *Roster) goOn() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = len(r.inbox) > 0
	return r.running
}

// generation is the life of one book: its follower is started and waited for here.
func (r *Roster) generation() {
	ctx, cancel := context.WithCancel(r.ctx)
	b := newBook(r.cfg.Grace, r.size, &r.count)
	r.book.Store(b)
	var following sync.WaitGroup
	following.Go(func() { newFollower(r, b).run(ctx) })
	r.push(ctx, b)
	cancel()
	following.Wait()
	r.book.Store(nil)
}

// push is the pusher: it does what is due until nobody watches any more.
func (r *Roster) push(ctx context.Context, b *book) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next, idle := b.step(r.take(), time.Now())
		if idle {
			return
		}
		timer.Reset(time.Until(next))
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-timer.C:
		}
	}
}

// take empties the inbox.
func (r *Roster) take() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	requests := r.inbox
	r.inbox = nil
	return requests
}
