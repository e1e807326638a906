package presence

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
)

// Config is what a Member needs to know of its node.
type Config struct {
	Node    string // node id: see events.ValidateNode
	Addr    string // where the node listens, told to people
	Version string // of the program, told to people

	// Queue is how many events may wait to be recorded or be reserved for that. A live
	// connection holds one place, so it bounds the connections too: give at least
	// twice their number. Default 131,072.
	Queue int

	Log *zap.Logger // one line per change of state; default: none

	// Recorded is told of each batch that was recorded: how many events it has, and how
	// long that took, from the first try to the acknowledgement. It is called on the
	// appender's goroutine and must not block. Default: nobody is told.
	Recorded func(events int, took time.Duration)

	// Declared is told of each stream that this node declared lost, how long after its
	// last sign of life it did. Takeovers call it, several at once. Default: nobody.
	Declared func(after time.Duration)

	// Random is the jitter of waits: numbers from 0 up to, not including, 1. Many
	// goroutines call it. Default: math/rand/v2.Float64. A simulation has its own, so
	// that it can be run again.
	Random func() float64

	// Now is the wall clock of the node's machine: the times of events, and nothing else.
	// It may be wrong, and be set forward or back; waits go by the monotonic clock. Many
	// goroutines call it. Default: time.Now. A simulation has nodes whose clocks differ.
	Now func() time.Time
}

const defaultQueue = 1 << 17

// ErrDuplicateNode is returned by Member.Start when another live process uses the
// same node id. The newcomer gives way.
var ErrDuplicateNode = errors.New("another live process uses this node id")

// ErrLogLost is returned by Member.Err when the log does not have the events of this node any
// more. What they said is gone with them, so there is nothing that could be ended.
var ErrLogLost = errors.New("the log does not have the events of this node any more")

// Member is this node's part in the presence service, from Start to Shutdown: it
// owns one stream of the log, and what that stream says of online.
//
// It keeps, with the store's help,
//
//	I1 its stream is dense: a position and the bytes of its event never change once sent;
//	I3 its epoch has one claimant;
//	I4 each connected event gets one disconnected event, by room reserved at admission;
//	I5 a document of online is inserted after its event is in the log, and by the owner;
//	I6 at rest, fold(log) = online = the recorded sockets;
//	I7 Client.Recorded is called only after the event is durable and visible.
//
// All methods are safe for concurrent use.
type Member struct {
	// static after construction
	cfg     Config
	store   Store
	log     *zap.Logger
	process string // a random token: tells our own claims from another's
	table   *table
	health  *health
	count   counters

	ctx      context.Context // ends when the member leaves or has failed
	cancel   context.CancelCauseFunc
	refusing atomic.Bool // Admit has returned ErrFull, and said so

	asked chan struct{}        // size 1: somebody has asked this node for a kick; full: so it is known
	tasks sync.WaitGroup       // the supervisor, the patrols, and the takeovers they began
	leave chan context.Context // size 1: Shutdown asks the supervisor to leave
	left  chan error           // size 1: how that went
	done  chan struct{}        // closed when the member has failed

	err error // why the member has failed; set before done is closed

	mu      sync.Mutex
	current events.Stream          // that this process writes; zero while it has none
	taking  map[events.Stream]bool // streams that this process takes over right now
	stuck   map[events.Stream]stuck
}

// New returns a Member that has not started.
func New(store Store, cfg Config) (*Member, error) {
	if err := events.ValidateNode(cfg.Node); err != nil {
		return nil, err
	}
	if cfg.Queue == 0 {
		cfg.Queue = defaultQueue
	}
	if cfg.Queue < 2 {
		return nil, fmt.Errorf("queue: %d events, and a connection needs room for 2", cfg.Queue)
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.Recorded == nil {
		cfg.Recorded = func(int, time.Duration) {}
	}
	if cfg.Declared == nil {
		cfg.Declared = func(time.Duration) {}
	}
	if cfg.Random == nil {
		cfg.Random = mathrand.Float64
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	return &Member{
		cfg: cfg, store: store, log: cfg.Log,
		process: rand.Text(),
		table:   newTable(cfg.Queue),
		health:  newHealth(cfg.Log),
		ctx:     ctx, cancel: cancel, taking: make(map[events.Stream]bool), stuck: make(map[events.Stream]stuck), asked: make(chan struct{}, 1),
		leave: make(chan context.Context, 1), left: make(chan error, 1), done: make(chan struct{}),
	}, nil
}

// Start ends the older epochs of this node id, claims the next one, and starts to
// record. It returns ErrDuplicateNode, with the other's address, when another live
// process uses the node id, and the store's error when ctx ends first.
func (m *Member) Start(ctx context.Context) error {
	opened, err := m.boot(ctx)
	if err != nil {
		return err
	}
	e := newEpoch(m, opened)
	e.start()
	m.tasks.Go(func() { m.supervise(e) })
	m.tasks.Go(m.watchNodes)
	m.tasks.Go(m.sweep)
	if m.store.Snapshots != nil {
		m.tasks.Go(m.snapshots)
	}
	return nil
}

// now is the wall clock, as events keep it.
func (m *Member) now() time.Time { return events.Milliseconds(m.cfg.Now()) }

// Stream is the stream that this process writes. It is another one when the node was
// fenced and has joined again, and the zero Stream in between.
func (m *Member) Stream() events.Stream {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.current
}

func (m *Member) setStream(s events.Stream) {
	m.mu.Lock()
	m.current = s
	m.mu.Unlock()
}

// Admit reserves room for both events of a connection. It returns ErrFull or
// ErrStopped when the connection should be refused. Every admission is used by one
// Connect, or given back by Release.
func (m *Member) Admit() error {
	err := m.table.admit()
	switch {
	case errors.Is(err, ErrFull):
		if m.refusing.CompareAndSwap(false, true) {
			m.log.Warn("connections are refused: too many events wait to be recorded", zap.Int("queue", m.cfg.Queue))
		}
	case err == nil && m.refusing.Load():
		m.relax()
	}
	return err
}

// relax says that connections are let in again, once there is room for some: at the brink
// every connection would be a change.
func (m *Member) relax() {
	if m.table.stats().Room > m.cfg.Queue/10 && m.refusing.CompareAndSwap(true, false) {
		m.log.Info("connections are let in again")
	}
}

// Release gives back an admission that was not used.
func (m *Member) Release() { m.table.release() }

// Connect queues the connected event of a connection that was admitted.
func (m *Member) Connect(c *Conn) { m.table.connect(c, m.now().UnixMilli()) }

// Disconnect queues the disconnected event of a connection. Only the first call for
// a connection that was connected does something.
func (m *Member) Disconnect(c *Conn, reason events.Reason) {
	m.table.disconnect(c, reason, m.now().UnixMilli())
}

// errRejoining is why a member is not ready between two epochs.
var errRejoining = errors.New("fenced, and joining again")

// Ready returns nil while this node can record, and why not otherwise.
func (m *Member) Ready() error {
	select {
	case <-m.done:
		return m.err
	default:
	}
	if m.Stream().IsZero() {
		return errRejoining
	}
	return m.health.check()
}

// Done is closed when the member has failed, and cannot record any more (see Err).
func (m *Member) Done() <-chan struct{} { return m.done }

// Err says why the member has failed, after Done is closed: ErrDuplicateNode, ErrLogLost, or an
// error of the store that time does not heal.
func (m *Member) Err() error {
	<-m.done
	return m.err
}

// Shutdown leaves in good order: it ends admission, records what is queued and the
// disconnects of the connections that are still there, seals the stream, and removes
// what online and nodes have of it. When ctx ends first it gives up and says what
// is left; then the next start of the node, or another node, completes it.
//
// A member that is fenced meanwhile takes over its own stream instead, so that it
// leaves no ghost. Shutdown is called once, after Start.
func (m *Member) Shutdown(ctx context.Context) error {
	m.table.close()
	m.leave <- ctx
	m.cancel(errLeaving)
	m.tasks.Wait()
	return <-m.left
}
