package presence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/presenced/presence/events"
)

// look is what is known of one stream after one look or several. Each goes on from the
// last, so that of a long stream only what is new is read again.
type look struct {
	stream   events.Stream
	fold     *events.Fold
	missing  uint64 // events at its beginning that retention has deleted
	looked   bool
	problems []Problem // what every look has found
}

func newLook(s events.Stream) *look { return &look{stream: s, fold: new(events.Fold)} }

// mayMend reports whether a live node may still mend something of what was found.
func (l *look) mayMend() bool {
	return slices.ContainsFunc(l.problems, func(p Problem) bool { return p.Kind.ofOnline() })
}

// look looks at the stream, and keeps of its problems those that it has now. Owned says
// that the stream has a node document: then somebody is there to end it.
func (l *look) look(ctx context.Context, store Store, owned bool) error {
	found, err := l.differences(ctx, store, owned)
	if err != nil {
		return err
	}
	if l.looked {
		found = slices.DeleteFunc(found, func(p Problem) bool { return !slices.Contains(l.problems, p) })
	}
	l.looked, l.problems = true, found
	return nil
}

// differences reads online between two reads of the log. So what online has is in the
// log by the second, or never was; and what was open at the first should be in online.
func (l *look) differences(ctx context.Context, store Store, owned bool) ([]Problem, error) {
	if broken, err := l.goOn(ctx, store); broken != nil || err != nil {
		return broken, err
	}
	tail := l.fold.Tail().ID
	found, err := onlineOf(ctx, store.Online, l.stream)
	if err != nil {
		return nil, err
	}
	if !l.fold.Sealed() {
		if broken, err := l.goOn(ctx, store); broken != nil || err != nil {
			return broken, err
		}
	}
	problems := diff(l.fold, tail, found)
	switch {
	case l.fold.Sealed() && l.fold.Len() > 0 && !owned:
		problems = append(problems, Problem{Kind: NotEnded, Stream: l.stream,
			Detail: fmt.Sprintf("sealed, %d connections have no disconnected event, and no document in nodes asks for them", l.fold.Len())})
	case !l.fold.Sealed() && !tail.IsZero():
		more, err := l.successor(ctx, store.Log)
		if err != nil {
			return nil, err
		}
		problems = append(problems, more...)
	}
	return problems, nil
}

// goOn folds what has come since the last look.
func (l *look) goOn(ctx context.Context, store Store) (broken []Problem, err error) {
	missing, err := foldRest(ctx, store, l.stream, l.fold)
	l.missing += missing
	if errors.Is(err, events.ErrGrammar) || errors.Is(err, events.ErrInvalid) {
		return []Problem{{Kind: BrokenGrammar, Stream: l.stream, Detail: err.Error()}}, nil
	}
	return nil, err
}

// successor says whether a stream that is not sealed has a later epoch. That one may
// have been claimed since the fold; the next look, which folds again, tells.
func (l *look) successor(ctx context.Context, log events.Log) ([]Problem, error) {
	highest, err := log.Highest(ctx, l.stream.Node)
	if err != nil {
		return nil, err
	}
	if highest.ID.Epoch <= l.stream.Epoch {
		return nil, nil
	}
	return []Problem{{Kind: NotSealed, Stream: l.stream, Detail: "not sealed, and its node has later epochs"}}, nil
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

// diff is the difference between what a fold says is open and what online has, which
// was read when the log stood at tail. A stream that is sealed may have been dropped
// from online, whatever is open in it: who ends it does that last.
func diff(f *events.Fold, tail events.Position, found map[events.Position]Connection) []Problem {
	var problems []Problem
	note := func(k ProblemKind, id events.Position, user, what string) {
		problems = append(problems, Problem{k, id.Stream, id, fmt.Sprintf("user %q: %s", user, what)})
	}
	for _, e := range f.Open() {
		c, there := found[e.ID]
		delete(found, e.ID)
		switch {
		case f.Sealed() || e.ID.Seq > tail.Seq:
		case !there:
			note(Absent, e.ID, e.User, "open in the log, and not in online")
		case c != ConnectionOf(e):
			note(Different, e.ID, e.User, "other in online than in the log")
		}
	}
	ghosts := slices.SortedFunc(maps.Values(found), func(a, b Connection) int { return cmp.Compare(a.ID.Seq, b.ID.Seq) })
	for _, c := range ghosts {
		note(Ghost, c.ID, c.User, "in online, and not open in the log")
	}
	return problems
}
