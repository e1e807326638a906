package witness

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	dialTimeout = 5 * time.Second        // of one attempt; a node that stands still takes none
	dialAgain   = 300 * time.Millisecond // on average, after an attempt that failed
	away        = time.Second            // on average, between two connections of a user
)

// visitor is one user of a trial, who comes and goes.
type visitor struct {
	t    *trial
	user string
	rng  *rand.Rand
}

func newVisitor(t *trial, i int) *visitor {
	return &visitor{t, fmt.Sprintf("user %03d", i), rand.New(rand.NewPCG(t.cfg.Seed, uint64(i)))}
}

// visit connects again and again, to a node at random, until the trial ends.
func (v *visitor) visit(ctx context.Context) {
	for ctx.Err() == nil {
		if c := v.dial(ctx); c == nil {
			pause(ctx, v.about(dialAgain))
		} else {
			v.stay(ctx, c)
		}
	}
}

func (v *visitor) dial(ctx context.Context) *Client {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	m := v.t.members[v.rng.IntN(len(v.t.members))]
	clients, _ := m.addrs()
	c, err := v.t.Dial(ctx, m.node.ID, clients, v.user)
	if err != nil {
		return nil
	}
	return c
}

// stay is from the upgrade until the user may come again. In the calm nobody leaves.
func (v *visitor) stay(ctx context.Context, c *Client) {
	silent := v.rng.Float64() < v.t.cfg.Silent
	enough := time.NewTimer(v.about(v.t.cfg.Stay))
	defer enough.Stop()
	select {
	case <-enough.C:
	case <-c.Ended():
		return
	case <-ctx.Done():
		return
	case <-v.t.calm:
		select {
		case <-c.Ended():
		case <-ctx.Done():
		}
		return
	}
	if silent {
		c.Freeze()
		v.absent(ctx, v.t.cfg.Bounds.Silent+away)
	}
	c.Close()
	v.absent(ctx, v.about(away))
}

// absent waits, until the calm at the latest.
func (v *visitor) absent(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	select {
	case <-ctx.Done():
	case <-v.t.calm:
	}
}

// about is a time that is d on average, exponentially distributed.
func (v *visitor) about(d time.Duration) time.Duration {
	return time.Duration(v.rng.ExpFloat64() * float64(d))
}

// pause waits and reports whether ctx let it.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
