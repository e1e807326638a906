package webhook

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tester is a test or a run of a property.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// world is a store that nodes write to, by the rules, posters over it, and a receiver.
type world struct {
	store    presence.Store
	receiver *receiver
	grace    time.Duration
	size     sizes
	address  string
	posters  []*node
	streams  []*life
	log      *zap.Logger // of the posters; nil: none
	started  func(*node) // is told of each poster before it runs; nil: nobody is
}

func newWorld() *world {
	store := storetest.NewMemory().Store()
	store.Exclusive = false
	return &world{store: store, receiver: newReceiver(), grace: time.Second, size: sizes{maxChanges, maxOdd}, address: "https://receiver.example/hook"}
}

// node is a poster, and what goes wrong between it and the world.
type node struct {
	poster *Poster
	cancel context.CancelFunc
	done   chan struct{}
	faulty *storetest.Faulty

	mu     sync.Mutex
	dead   bool
	calls  int       // of the hooks and of the receiver
	dies   int       // at this call; 0: it does not
	until  time.Time // it stands still until then
	late   bool      // it dies when the call is done, and not before
	random *rand.Rand
	rates  storetest.Rates
}

// start starts a poster.
func (w *world) start() *node {
	n := &node{done: make(chan struct{}), random: rand.New(rand.NewPCG(uint64(len(w.posters)), 7))}
	n.faulty = storetest.NewFaulty(w.store, n.plan)
	store := n.faulty.Store()
	store.Hooks = standing{store.Hooks, n}
	n.poster = New(Config{Store: store, URL: mustURL(w.address), Secret: mustSecret(testSecret), Grace: w.grace, Node: "n1", Version: "v1", Log: w.log})
	n.poster.size = w.size
	n.poster.client.Transport = through{n, w.receiver}
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel = cancel
	w.posters = append(w.posters, n)
	if w.started != nil {
		w.started(n)
	}
	go func() {
		defer close(n.done)
		n.poster.Run(ctx)
	}()
	return n
}

func mustURL(text string) *url.URL {
	u, err := ParseURL(text)
	if err != nil {
		panic(err)
	}
	return u
}

func mustSecret(text string) Secret {
	s, err := ParseSecret(text)
	if err != nil {
		panic(err)
	}
	return s
}

// call counts a call, and says whether the node dies before it, or after it.
func (n *node) call() (before, after bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dead {
		return true, false
	}
	n.calls++
	if n.dies == 0 || n.calls < n.dies {
		return false, false
	}
	n.dead = true
	n.cancel()
	return !n.late, n.late
}

// plan is what happens to the calls of the store.
func (n *node) plan(c storetest.Call) storetest.Action {
	if c.Op >= storetest.HooksLease || n.isDead() {
		switch before, after := n.call(); {
		case before:
			return storetest.Action{Fault: storetest.Block}
		case after:
			return storetest.Action{Fault: storetest.After}
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	point, delay := n.random.Float64(), n.random.IntN(8)
	switch r := n.rates; {
	case point < r.Before:
		return storetest.Action{Fault: storetest.Before}
	case point < r.Before+r.After:
		return storetest.Action{Fault: storetest.After}
	case point < r.Before+r.After+r.Late:
		return storetest.Action{Fault: storetest.Late, Delay: delay}
	}
	return storetest.Action{}
}

// called is how often the hooks and the receiver were called.
func (n *node) called() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.calls
}

func (n *node) isDead() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dead
}

// pause makes the node stand still for a while: what it was about to do it does then.
func (n *node) pause(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.until = time.Now().Add(d)
}

// stand waits until the node goes on.
func (n *node) stand() {
	n.mu.Lock()
	until := n.until
	n.mu.Unlock()
	<-time.After(time.Until(until))
}

// standing are hooks that a node which stands still comes to late.
type standing struct {
	presence.Hooks
	n *node
}

func (s standing) Save(ctx context.Context, h presence.Hook) error {
	s.n.stand()
	return s.Hooks.Save(ctx, h)
}

func (s standing) Beat(ctx context.Context, l presence.HookLease) error {
	s.n.stand()
	return s.Hooks.Beat(ctx, l)
}

func (s standing) Load(ctx context.Context) (presence.Hook, error) {
	h, err := s.Hooks.Load(ctx)
	s.n.stand()
	return h, err
}

// allFail is a store that is away.
var allFail = storetest.Rates{Before: 1}

// through is the way from a node to the receiver.
type through struct {
	n *node
	r *receiver
}

var errCut = errors.New("the connection broke")

func (t through) RoundTrip(req *http.Request) (*http.Response, error) {
	t.n.stand()
	before, after := t.n.call()
	if before {
		return nil, errCut
	}
	resp, err := t.r.RoundTrip(req)
	if after {
		return nil, errCut
	}
	return resp, err
}

// dieAt makes the node die at the call that many calls from now.
func (n *node) dieAt(call int, late bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dies, n.late = n.calls+call, late
}

// spare lets the node live, if it does.
func (n *node) spare() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dies, n.rates = 0, storetest.Rates{}
}

func (n *node) setRates(r storetest.Rates) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rates = r
}

// stop ends a poster in good order.
func (n *node) stop() {
	n.cancel()
	<-n.done
}

// stopAll ends all of them.
func (w *world) stopAll() {
	for _, n := range w.posters {
		n.stop()
	}
	w.posters = nil
}

// forget takes a user out of the past, and holds that the hook does not have him either if
// all of his connections have ended. It takes a minute, in which all else goes on.
func (w *world) forget(t tester, user string) presence.Forgotten {
	t.Helper()
	store := w.store
	store.Hooks = givenUp{store.Hooks, w.receiver}
	done, err := presence.Forget(context.Background(), store, user, func(presence.Forgotten) {})
	if err != nil {
		t.Fatalf("forget %s: %v", user, err)
	}
	h, err := w.store.Hooks.Load(context.Background())
	if text := fmt.Sprintf("%+v", h); err != nil || done.Open == 0 && strings.Contains(text, user) {
		t.Fatalf("%s is forgotten, and the hook is %s, %v", user, text, err)
	}
	return done
}

// givenUp are hooks that tell the receiver of the delivery that a save drops.
type givenUp struct {
	presence.Hooks
	r *receiver
}

func (g givenUp) Save(ctx context.Context, h presence.Hook) error {
	before, err := g.Load(ctx)
	if err != nil {
		return err
	}
	if before.Pending.ID != h.Pending.ID {
		g.r.comesLate(before.Pending.ID)
	}
	return g.Hooks.Save(ctx, h)
}

// leading are the posters that believe that they lead.
func (w *world) leading() (leaders []*node) {
	for _, n := range w.posters {
		if n.poster.Stats().Leading {
			leaders = append(leaders, n)
		}
	}
	return leaders
}
