package presence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/presenced/presence/events"
)

// Report is what Verify found.
type Report struct {
	Streams  int       // in the log
	Events   uint64    // in the log
	Open     int       // connections that the log says are open
	Problems []Problem // empty: all holds
}

// Holds reports whether nothing was found.
func (r Report) Holds() bool { return len(r.Problems) == 0 }

// Problem is one thing that does not hold.
type Problem struct {
	Kind   ProblemKind
	Stream events.Stream
	Detail string // for people
}

// ProblemKind says what does not hold. The set is closed.
type ProblemKind string

// The kinds of problems.
const (
	BrokenGrammar ProblemKind = "grammar"   // an event cannot stand where it stands (I1, I2, I4)
	NotEnded      ProblemKind = "not_ended" // a sealed stream has open connections, and nobody is about to end them (I4)
	Ghost         ProblemKind = "ghost"     // online has a connection that the log says is not open (I6)
	Absent        ProblemKind = "absent"    // online has not a connection that the log says is open (I6)
	Different     ProblemKind = "different" // online says other things of a connection than the log (I6)
)

// settle is how long Verify waits before it looks again at a stream in which the log
// and online differ: what is being recorded right now is no problem.
const settle = 2 * time.Second

// Verify folds every stream of the log, checks its grammar, and compares what is
// open with online. It changes nothing. It may run beside live nodes: a difference
// in a stream that is not sealed is a problem only if a second look, two seconds
// later, finds the same one. It returns an error if the store cannot be read.
func Verify(ctx context.Context, store Store) (Report, error) {
	var r Report
	seen := make(map[events.Stream]bool)
	for after := (events.Stream{}); ; {
		page, err := store.Log.Streams(ctx, after, maxBatch)
		if err != nil {
			return r, fmt.Errorf("list streams: %w", err)
		}
		for _, s := range page {
			seen[s] = true
			if err := r.verifyStream(ctx, store, s); err != nil {
				return r, fmt.Errorf("verify %s: %w", s, err)
			}
		}
		if len(page) < maxBatch {
			break
		}
		after = page[len(page)-1]
	}
	return r, r.verifyUnlogged(ctx, store, seen)
}

// verifyUnlogged looks for streams of online that the log does not have.
func (r *Report) verifyUnlogged(ctx context.Context, store Store, logged map[events.Stream]bool) error {
	streams, err := store.Online.Streams(ctx)
	if err != nil {
		return fmt.Errorf("list streams of online: %w", err)
	}
	for _, s := range streams {
		if !logged[s] {
			if _, err := store.Log.Tail(ctx, s); !errors.Is(err, events.ErrNotFound) {
				continue // it began meanwhile; or the next line of the caller tells
			}
			r.Problems = append(r.Problems, Problem{Ghost, s, "online has connections of a stream that is not in the log"})
		}
	}
	return nil
}

func (r *Report) verifyStream(ctx context.Context, store Store, s events.Stream) error {
	first, f, err := differences(ctx, store, s)
	if err != nil {
		return err
	}
	if len(first) > 0 {
		if !sleep(ctx, settle) {
			return context.Cause(ctx)
		}
		var second []Problem
		if second, f, err = differences(ctx, store, s); err != nil {
			return err
		}
		first = slices.DeleteFunc(second, func(p Problem) bool { return !slices.Contains(first, p) })
	}
	r.Streams++
	r.Open += f.Len()
	if tail := f.Tail(); !tail.ID.IsZero() {
		r.Events += tail.ID.Seq + 1
	}
	r.Problems = append(r.Problems, first...)
	return nil
}

// differences folds a stream and compares it with online. Online is read between two
// reads of the log, so that of a live stream nothing is missed for long.
func differences(ctx context.Context, store Store, s events.Stream) ([]Problem, *events.Fold, error) {
	f := new(events.Fold)
	err := foldStream(ctx, store.Log, s, f, func(*events.Fold) bool { return false })
	if errors.Is(err, events.ErrGrammar) || errors.Is(err, events.ErrInvalid) {
		return []Problem{{BrokenGrammar, s, err.Error()}}, f, nil
	}
	if err != nil {
		return nil, f, err
	}
	found, err := onlineOf(ctx, store.Online, s)
	if err != nil {
		return nil, f, err
	}
	problems := diff(s, f, found)
	if f.Sealed() && f.Len() > 0 {
		problems = append(problems, Problem{NotEnded, s, fmt.Sprintf("sealed, and %d connections have no disconnected event", f.Len())})
	}
	return problems, f, nil
}

// onlineOf reads what online has of a stream.
func onlineOf(ctx context.Context, online Online, s events.Stream) (map[events.Position]Connection, error) {
	found := make(map[events.Position]Connection)
	for after := s.At(0); ; {
		page, err := online.OfStream(ctx, after, maxBatch)
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			found[c.ID] = c
		}
		if len(page) < maxBatch {
			return found, nil
		}
		after = page[len(page)-1].ID
	}
}

// diff is the difference between what a fold says is open and what online has.
func diff(s events.Stream, f *events.Fold, found map[events.Position]Connection) []Problem {
	var problems []Problem
	for _, e := range f.Open() {
		c, there := found[e.ID]
		switch {
		case !there:
			problems = append(problems, Problem{Absent, s, fmt.Sprintf("%s of user %q is open in the log and not in online", e.ID, e.User)})
		case c != ConnectionOf(e):
			problems = append(problems, Problem{Different, s, fmt.Sprintf("%s of user %q is other in online than in the log", e.ID, e.User)})
		}
		delete(found, e.ID)
	}
	ghosts := slices.SortedFunc(maps.Values(found), func(a, b Connection) int { return cmp.Compare(a.ID.Seq, b.ID.Seq) })
	for _, c := range ghosts {
		problems = append(problems, Problem{Ghost, s, fmt.Sprintf("%s of user %q is in online and not open in the log", c.ID, c.User)})
	}
	return problems
}
