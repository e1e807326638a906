package webhook

import (
	"context"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/complaint"
	"github.com/presenced/presence/services/presence"
)

// Config is what a Poster needs.
type Config struct {
	Store presence.Store // its log, nodes, snapshots and the streams of online are read, and its hooks kept
	Bell  *presence.Bell // wakes it; default: one over the store's changes

	URL    *url.URL // of the receiver; see ParseURL
	Secret Secret   // that deliveries are signed with

	// Grace is how long a user may be without any connection until that is a leave. 0: not
	// at all.
	Grace time.Duration

	Node    string // id of this node, for people who look at the store
	Version string // of the program, told to the receiver

	Log *zap.Logger // one line per change of state; default: none
}

// Poster is this node's part in posting webhooks.
type Poster struct {
	// static after New
	cfg    Config
	client *http.Client
	target string
	size   sizes

	count counters
}

// sizes bound what is told at once.
type sizes struct {
	page int // changes of a delivery
	odd  int // users that there may be to tell of; if there are more, all is told anew
}

// The sizes: the hook has at most 10 MB then, and a document of MongoDB may have 16.
const (
	maxChanges = 1000
	maxOdd     = 50_000
)

// New returns a poster that does nothing yet.
func New(cfg Config) *Poster {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.Bell == nil {
		cfg.Bell = presence.NewBell(cfg.Store.Changes, cfg.Log)
	}
	return &Poster{cfg: cfg, client: newClient(), target: cfg.Secret.target(cfg.URL), size: sizes{maxChanges, maxOdd}}
}

// Run posts, or waits until this node is to post, until ctx ends. It then lets another node
// go on at once, if the store answers within a second. What was not taken by the receiver
// stays in the store.
func (p *Poster) Run(ctx context.Context) {
	defer p.client.CloseIdleConnections()
	for {
		h, began, err := p.contend(ctx)
		if err != nil {
			return // ctx has ended
		}
		p.count.leading.Store(true)
		p.cfg.Log.Info("this node posts webhooks now", zap.Uint64("revision", h.Revision))
		l := &leader{p: p, hook: h, saved: began}
		err = l.run(ctx)
		p.count.leading.Store(false)
		p.count.pending.Store(0)
		if ctx.Err() != nil {
			l.resign()
			return
		}
		p.cfg.Log.Warn("this node does not post webhooks any more", zap.Error(err))
	}
}

// contend waits until this node leads, and returns the hook that it has taken, and when
// the save of that began.
func (p *Poster) contend(ctx context.Context) (h presence.Hook, began time.Time, err error) {
	var v vigil
	var state complaint.Once
	for {
		began = time.Now()
		lease, err := p.cfg.Store.Hooks.Lease(ctx)
		if err == nil && (v.lapsed(began, time.Now(), lease) || p.cfg.Store.Exclusive) {
			h, began, err = p.take(ctx, lease)
			if err == nil {
				return h, began, nil
			}
		}
		if err != nil && !errors.Is(err, presence.ErrHookTaken) && ctx.Err() == nil {
			state.Fails(p.cfg.Log, "whether this node is to post webhooks cannot be found out; will repeat until it can", err)
		} else {
			state.Works(p.cfg.Log, "whether this node is to post webhooks can be found out again")
		}
		if !sleep(ctx, lookEvery) {
			return h, began, context.Cause(ctx)
		}
	}
}

// take makes this node the leader, if the hook still has that lease.
func (p *Poster) take(ctx context.Context, lease presence.HookLease) (h presence.Hook, began time.Time, err error) {
	h, err = p.cfg.Store.Hooks.Load(ctx)
	if err != nil {
		return h, began, err
	}
	if h.HookLease != lease {
		return h, began, presence.ErrHookTaken
	}
	h.HookLease = presence.HookLease{Revision: h.Revision + 1, Owner: p.cfg.Node + "/" + rand.Text()}
	for try := 0; ; try++ {
		began = time.Now()
		err = p.cfg.Store.Hooks.Save(ctx, h)
		if err == nil || !unknown(err) || !sleep(ctx, storeBackoff(try)) {
			return h, began, err
		}
	}
}

// unknown reports whether a save that failed with err may have been made, or may be made
// when it is repeated.
func unknown(err error) bool {
	return errors.Is(err, events.ErrUnavailable) || errors.Is(err, events.ErrRefused)
}

// storeBackoff is how long to wait until the store is asked again.
func storeBackoff(try int) time.Duration {
	d := min(20*time.Millisecond<<min(try, 10), 2*time.Second)
	return d - time.Duration(mathrand.Float64()*float64(d/2))
}

// sleep waits for d and reports whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
