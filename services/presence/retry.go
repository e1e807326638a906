package presence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
)

// step is one operation on the store that may be repeated.
type step struct {
	name string
	do   func(context.Context) error
}

// persist repeats a step until it succeeds. It gives up on errors that time does
// not heal, and when ctx ends. After it, in either case, the step is no reason any more
// for the node not to be ready: what nobody repeats, nothing would ever clear.
func (m *Member) persist(ctx context.Context, s step) error {
	for try := 0; ; try++ {
		err := s.do(ctx)
		if err == nil {
			m.health.clear(s.name)
			return nil
		}
		if ctx.Err() == nil && !heals(err) {
			m.health.clear(s.name) // an answer, such as ErrNotFound: the store works
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if ctx.Err() == nil {
			m.health.note(s.name, err)
		}
		if ctx.Err() != nil || !sleep(ctx, backoff(try, m.cfg.Random())) {
			m.health.forget(s.name)
			return fmt.Errorf("%s: %w (last try: %w)", s.name, context.Cause(ctx), err)
		}
	}
}

// heals reports whether a step that failed with err may succeed later.
func heals(err error) bool {
	var occupied *events.OccupiedError
	return errors.Is(err, events.ErrUnavailable) || errors.Is(err, events.ErrRefused) || errors.As(err, &occupied)
}

// The bounds of the wait between two tries of a step.
const (
	minBackoff = 20 * time.Millisecond
	maxBackoff = 2 * time.Second
)

// backoff is how long to wait after a number of failed tries: twice as long each
// time, up to 2 s, less a random half (0 ≤ random < 1) so that nodes spread out.
func backoff(try int, random float64) time.Duration {
	d := maxBackoff
	if try < 7 {
		d = min(minBackoff<<try, maxBackoff)
	}
	return d - time.Duration(random*float64(d/2))
}

// between is a wait from shortest up to longest, at random.
func (m *Member) between(shortest, longest time.Duration) time.Duration {
	return shortest + time.Duration(m.cfg.Random()*float64(longest-shortest))
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

// health is what is wrong with the store at the moment, by the step that failed. It
// logs one line when a step begins to fail, and one when it works again.
type health struct {
	// static after construction
	log *zap.Logger

	mu    sync.Mutex
	wrong map[string]failure
}

type failure struct {
	err   error
	since time.Time
}

func newHealth(log *zap.Logger) *health {
	return &health{log: log, wrong: make(map[string]failure)}
}

func (h *health) note(step string, err error) {
	h.mu.Lock()
	was, failing := h.wrong[step]
	if !failing {
		was.since = time.Now()
	}
	h.wrong[step] = failure{err, was.since}
	h.mu.Unlock()
	if !failing {
		h.log.Warn("store fails; will repeat until it works", zap.String("step", step), zap.Error(err))
	}
}

func (h *health) clear(step string) {
	h.mu.Lock()
	was, failing := h.wrong[step]
	delete(h.wrong, step)
	h.mu.Unlock()
	if failing {
		h.log.Info("store works again", zap.String("step", step), zap.Duration("after", time.Since(was.since)))
	}
}

// forget clears a step that was given up. Whether the store works is not known.
func (h *health) forget(step string) {
	h.mu.Lock()
	delete(h.wrong, step)
	h.mu.Unlock()
}

// check returns nil if nothing is wrong.
func (h *health) check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for step, f := range h.wrong {
		return fmt.Errorf("%s fails since %s: %w", step, f.since.UTC().Format(time.RFC3339), f.err)
	}
	return nil
}
