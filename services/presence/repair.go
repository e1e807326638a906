package presence

import (
	"context"
	"fmt"
	"slices"

	"github.com/presenced/presence/events"
)

// Repair mends what a report says of online: it inserts what is absent, deletes ghosts
// and replaces what differs. It never writes to the log. It returns the problems that
// it has mended; verify again to learn what is left.
//
// It may work beside live nodes, because after each write it looks at the log again, and
// writes again if that says otherwise now. A connection that the log has closed is never
// open again, so its document may go at any time. One that is open is inserted only if
// its owner has said, by the tail in its node document, that it has recorded so far:
// from then on the owner's delete comes after its disconnected event, and that event
// either comes after this insert, or is seen by the look that follows it.
//
// So what an owner is still recording is left to the owner, what a dead owner has not
// recorded to its takeover, and a sealed stream that has not ended to whoever ends it.
// If Repair dies between a write and the look that follows, then reconcile, or the
// sweep, removes what should not be there.
func (v Verifier) Repair(ctx context.Context, r Report) (repaired []Problem, err error) {
	online := slices.DeleteFunc(slices.Clone(r.Problems), func(p Problem) bool { return !p.Kind.ofOnline() })
	for rest := online; len(rest) > 0; {
		s := rest[0].Stream
		n := slices.IndexFunc(rest, func(p Problem) bool { return p.Stream != s })
		if n < 0 {
			n = len(rest)
		}
		mended, err := v.repairStream(ctx, s, rest[:n])
		repaired = append(repaired, mended...)
		if err != nil {
			return repaired, fmt.Errorf("repair %s: %w", s, err)
		}
		rest = rest[n:]
	}
	return repaired, nil
}

// maxAmends is how often one stream is looked at and written to. A connection is not yet
// there, then open, then closed, so two changes of mind are enough; the rest is for
// waiting until a beat tells of what was recorded meanwhile.
const maxAmends = 6

// repairStream mends the problems of one stream.
func (v Verifier) repairStream(ctx context.Context, s events.Stream, problems []Problem) (mended []Problem, err error) {
	fold, wrote := new(events.Fold), make(map[events.Position]bool)
	for range maxAmends {
		a, err := v.amends(ctx, s, fold, problems)
		if err == nil && !a.none() {
			err = v.apply(ctx, a, wrote)
		}
		if err != nil {
			return mendedOf(problems, wrote), err
		}
		if a.none() && !slices.ContainsFunc(a.early, func(id events.Position) bool { return wrote[id] }) {
			break
		}
		if a.none() && !sleep(ctx, settle) {
			return mendedOf(problems, wrote), context.Cause(ctx)
		}
	}
	return mendedOf(problems, wrote), nil
}

func mendedOf(problems []Problem, wrote map[events.Position]bool) (mended []Problem) {
	for _, p := range problems {
		if wrote[p.ID] {
			mended = append(mended, p)
		}
	}
	return mended
}

// amends are the writes that mend online, as far as may be. What is to be replaced is
// in both: it is removed, and then added.
type amends struct {
	add    []Connection
	remove []events.Position
	early  []events.Position // open and absent, but the owner has not yet said that they are recorded
}

func (a amends) none() bool { return len(a.add)+len(a.remove) == 0 }

// apply removes first, and then adds: one Apply must not do both to one id.
func (v Verifier) apply(ctx context.Context, a amends, wrote map[events.Position]bool) error {
	for _, id := range a.remove {
		wrote[id] = true
	}
	for _, c := range a.add {
		wrote[c.ID] = true
	}
	if len(a.remove) > 0 {
		if err := v.Store.Online.Apply(ctx, nil, a.remove); err != nil {
			return err
		}
	}
	if len(a.add) == 0 {
		return nil
	}
	return v.Store.Online.Apply(ctx, a.add, nil)
}

// amends looks at the stream and says what to write about the connections that the
// problems name. The node document is read first: what it says is recorded is in the log
// that is read next.
func (v Verifier) amends(ctx context.Context, s events.Stream, fold *events.Fold, problems []Problem) (a amends, err error) {
	nodes, err := nodesByStream(ctx, v.Store.Nodes)
	if err != nil {
		return a, err
	}
	if _, err := foldRest(ctx, v.Store, s, fold); err != nil {
		return a, err
	}
	found, err := onlineOf(ctx, v.Store.Online, s)
	if err != nil {
		return a, err
	}
	open := make(map[events.Position]events.Event, fold.Len())
	for _, e := range fold.Open() {
		open[e.ID] = e
	}
	for _, p := range problems {
		has, there := found[p.ID]
		e, isOpen := open[p.ID]
		switch {
		case there && !isOpen:
			a.remove = append(a.remove, p.ID)
		case !isOpen || fold.Sealed():
		case p.ID.Seq > nodes[s].Tail.Seq:
			if !there {
				a.early = append(a.early, p.ID)
			}
		case !there:
			a.add = append(a.add, ConnectionOf(e))
		case has != ConnectionOf(e):
			a.remove = append(a.remove, p.ID)
			a.add = append(a.add, ConnectionOf(e))
		}
	}
	return a, nil
}
