package presence

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
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
}

const defaultQueue = 1 << 17

// ErrDuplicateNode is returned by Member.Start when another live process uses the
// same node id. The newcomer gives way.
var ErrDuplicateNode = errors.New("another live process uses this node id")

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
	process string // a random token: tells our own claim from another's
	table   *table
	health  *health
	done    chan struct{} // closed by fail: the epoch ended by itself

	// static after Start
	epoch *epoch

	err error // why the epoch ended by itself; set before done is closed
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
	return &Member{
		cfg: cfg, store: store, log: cfg.Log,
		process: rand.Text(),
		table:   newTable(cfg.Queue),
		health:  newHealth(cfg.Log),
		done:    make(chan struct{}),
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
	m.epoch = newEpoch(m, opened)
	m.epoch.start()
	m.log.Info("epoch claimed", zap.Stringer("stream", opened.ID.Stream))
	return nil
}

// Stream is the stream of the epoch that Start claimed.
func (m *Member) Stream() events.Stream { return m.epoch.stream }

// Admit reserves room for both events of a connection. It returns ErrFull or
// ErrStopped when the connection should be refused. Every admission is used by one
// Connect, or given back by Release.
func (m *Member) Admit() error { return m.table.admit() }

// Release gives back an admission that was not used.
func (m *Member) Release() { m.table.release() }

// Connect queues the connected event of a connection that was admitted.
func (m *Member) Connect(c *Conn) { m.table.connect(c, time.Now().UnixMilli()) }

// Disconnect queues the disconnected event of a connection. Only the first call for
// a connection that was connected does something.
func (m *Member) Disconnect(c *Conn, reason events.Reason) {
	m.table.disconnect(c, reason, time.Now().UnixMilli())
}

// Ready returns nil while this node can record, and why not otherwise.
func (m *Member) Ready() error {
	select {
	case <-m.done:
		return m.err
	default:
	}
	return m.health.check()
}

// Done is closed when the node's stream was ended by another (see Err).
func (m *Member) Done() <-chan struct{} { return m.done }

// Err says why the stream ended, after Done is closed: an error that wraps
// ErrFenced, or one of the store that time does not heal.
func (m *Member) Err() error {
	<-m.done
	return m.err
}

// fail says that the epoch ended by itself. It is called once.
func (m *Member) fail(err error) {
	m.table.close()
	m.log.Error("epoch lost", zap.Stringer("stream", m.epoch.stream), zap.Error(err))
	m.err = err
	close(m.done)
}

// Shutdown leaves in good order: it ends admission, records what is queued and the
// disconnects of the connections that are still there, seals the stream, and removes
// what online and nodes have of it. When ctx ends first it gives up and says what
// is left; then the next start of the node, or another node, completes it.
//
// A Member that lost its epoch takes over its own stream instead, so that it leaves
// no ghost, and returns why it was lost. Shutdown is called once, after Start.
func (m *Member) Shutdown(ctx context.Context) error {
	m.table.close()
	err := m.epoch.finish(ctx)
	if err == nil {
		err = m.leave(ctx)
	}
	if errors.Is(err, ErrFenced) {
		return errors.Join(err, m.takeOver(ctx, m.epoch.stream))
	}
	return err
}

// leave ends the stream, whose queue is empty and whose loops have ended.
func (m *Member) leave(ctx context.Context) error {
	seal, stream := m.epoch.seal(), m.epoch.stream
	steps := []step{
		{"seal", func(ctx context.Context) error {
			_, err := appendRun(ctx, m.store.Log, []events.Event{seal}, sameSeal)
			return err
		}},
		{"drop own online", func(ctx context.Context) error { return m.store.Online.DropStream(ctx, stream) }},
		{"remove own node", func(ctx context.Context) error { return m.store.Nodes.Remove(ctx, stream) }},
	}
	for _, s := range steps {
		if err := m.persist(ctx, s); err != nil {
			return fmt.Errorf("leave %s: %w", stream, err)
		}
	}
	m.log.Info("left", zap.Stringer("stream", stream))
	return nil
}

// sameSeal judges what is found where this node was about to seal its own stream.
func sameSeal(found, mine events.Event) error {
	if found != mine {
		return fmt.Errorf("%s holds %s by %q: %w", found.ID, found.Type, found.By, ErrFenced)
	}
	return nil
}
