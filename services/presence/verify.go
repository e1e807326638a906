package presence

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
)

// Report is what a Verifier found.
type Report struct {
	Streams  int       // in the log
	Events   uint64    // in the log
	Open     int       // connections that the log says are open
	Problems []Problem // empty: all holds; ascending by stream
}

// Holds reports whether nothing was found.
func (r Report) Holds() bool { return len(r.Problems) == 0 }

// Problem is one thing that does not hold.
type Problem struct {
	Kind   ProblemKind
	Stream events.Stream
	ID     events.Position // of the connection, if it is about one
	Detail string          // for people
}

// ProblemKind says what does not hold. The set is closed.
type ProblemKind string

// The kinds of problems.
const (
	BrokenGrammar ProblemKind = "grammar"    // an event cannot stand where it stands (I1, I2, I4)
	NotSealed     ProblemKind = "not_sealed" // a stream is not sealed, and its node has a later one (I3)
	NotEnded      ProblemKind = "not_ended"  // a sealed stream has open connections, and nobody is about to end them (I4)
	Ghost         ProblemKind = "ghost"      // online has a connection that the log says is not open (I5, I6)
	Absent        ProblemKind = "absent"     // online has not a connection that the log says is open (I6)
	Different     ProblemKind = "different"  // online says other things of a connection than the log (I6)
)

// ofOnline reports whether a problem is one of online: live nodes mend it, and Repair
// does. What is wrong with the log stays: its facts are never rewritten.
func (k ProblemKind) ofOnline() bool { return k == Ghost || k == Absent || k == Different }

// settle is how long a Verifier waits between two looks at a stream in which something
// differs: what is being recorded right now is no problem.
const settle = 2 * time.Second

// LivePatience is a good Verifier.Patience where nodes may be alive: a node mends its
// own stream within 30 s, and what others left behind sooner.
const LivePatience = reconcileMax + 5*time.Second

// Verifier folds every stream of the log, checks its grammar, and compares what is
// open with online. It may work beside live nodes: a problem is what at least two looks
// have found, and every look in the time of Patience.
type Verifier struct {
	Store Store

	// Patience is how long a difference of online may stand until it is a problem, in a
	// store whose nodes are alive. Default 0: two looks, 2 s apart. Where no beat of a
	// node changes for 10 s nobody is there to mend anything, and it ends.
	Patience time.Duration

	Log *zap.Logger // one line when it waits; default: none
}

// Verify is Verifier.Verify without patience: what two looks agree on is a problem.
func Verify(ctx context.Context, store Store) (Report, error) {
	return Verifier{Store: store}.Verify(ctx)
}

// Verify looks, and changes nothing. It returns an error if the store cannot be read.
func (v Verifier) Verify(ctx context.Context) (Report, error) {
	c := check{store: v.Store}
	if err := c.readNodes(ctx); err != nil {
		return c.report, err
	}
	if err := c.lookAtAll(ctx); err != nil {
		return c.report, err
	}
	if n := len(c.suspects); n > 0 && v.Log != nil {
		v.Log.Info("some streams differ from online; looking again, for what is being recorded or mended right now",
			zap.Int("streams", n), zap.Duration("at most", max(settle, v.Patience)))
	}
	for waited := time.Duration(0); len(c.suspects) > 0 && (waited == 0 || v.waits(&c, waited)); waited += settle {
		if !sleep(ctx, settle) {
			return c.report, context.Cause(ctx)
		}
		if err := c.lookAgain(ctx); err != nil {
			return c.report, err
		}
	}
	for _, l := range c.suspects {
		c.count(l)
	}
	slices.SortStableFunc(c.report.Problems, func(a, b Problem) int { return a.Stream.Compare(b.Stream) })
	return c.report, nil
}

// waits reports whether to wait for what live nodes may still mend.
func (v Verifier) waits(c *check, waited time.Duration) bool {
	return waited < v.Patience && (c.alive || waited < leaseTimeout) && slices.ContainsFunc(c.suspects, (*look).mayMend)
}

// check is one Verify.
type check struct {
	store    Store
	nodes    map[events.Stream]Node // as they were before the current round of looks
	alive    bool                   // a beat has changed since the first round
	suspects []*look                // the streams in which every look so far has found the same
	report   Report                 // of the others
}

// readNodes is done before the streams are looked at: a stream without a node document
// has then ended, or has not begun.
func (c *check) readNodes(ctx context.Context) error {
	nodes, err := nodesByStream(ctx, c.store.Nodes)
	if err != nil {
		return err
	}
	for s, n := range nodes {
		if before, known := c.nodes[s]; known && before.Beat != n.Beat {
			c.alive = true
		}
	}
	c.nodes = nodes
	return nil
}

func nodesByStream(ctx context.Context, nodes Nodes) (map[events.Stream]Node, error) {
	all, err := nodes.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read nodes: %w", err)
	}
	byStream := make(map[events.Stream]Node, len(all))
	for _, n := range all {
		byStream[n.Stream] = n
	}
	return byStream, nil
}

// lookAtAll looks at the streams of the log, and then at those that only online has.
func (c *check) lookAtAll(ctx context.Context) error {
	seen := make(map[events.Stream]bool)
	for after := (events.Stream{}); ; {
		page, err := c.store.Log.Streams(ctx, after, maxBatch)
		if err != nil {
			return fmt.Errorf("list streams: %w", err)
		}
		for _, s := range page {
			seen[s] = true
			if err := c.lookAt(ctx, newLook(s)); err != nil {
				return err
			}
		}
		if len(page) < maxBatch {
			break
		}
		after = page[len(page)-1]
	}
	streams, err := c.store.Online.Streams(ctx)
	if err != nil {
		return fmt.Errorf("list streams of online: %w", err)
	}
	for _, s := range streams {
		if seen[s] {
			continue
		}
		if err := c.lookAt(ctx, newLook(s)); err != nil {
			return err
		}
	}
	return nil
}

// lookAgain looks at the suspects once more, and lets go those that hold now.
func (c *check) lookAgain(ctx context.Context) error {
	if err := c.readNodes(ctx); err != nil {
		return err
	}
	suspects := c.suspects
	c.suspects = nil
	for _, l := range suspects {
		if err := c.lookAt(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

func (c *check) lookAt(ctx context.Context, l *look) error {
	_, owned := c.nodes[l.stream]
	if err := l.look(ctx, c.store, owned); err != nil {
		return fmt.Errorf("verify %s: %w", l.stream, err)
	}
	if len(l.problems) > 0 {
		c.suspects = append(c.suspects, l)
		return nil
	}
	c.count(l)
	return nil
}

// count takes into the report what is known of a stream.
func (c *check) count(l *look) {
	if tail := l.fold.Tail(); !tail.ID.IsZero() {
		c.report.Streams++
		c.report.Events += tail.ID.Seq + 1 - l.missing
	}
	c.report.Open += l.fold.Len()
	c.report.Problems = append(c.report.Problems, l.problems...)
}
