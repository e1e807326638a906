package presence

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/presenced/presence/events"
)

const (
	// forgetPasses bounds how often the events of a user are looked through: once, and
	// again as long as connections have ended meanwhile.
	forgetPasses = 5

	// forgetChunks is how many chunks of snapshots are read at once: each may be 250 KB.
	forgetChunks = 16

	// forgetSettle is how long after the rest the snapshots are looked through once more,
	// where nodes live: one of them may have read events before they were forgotten, and
	// write a snapshot of them after. It takes a node seconds.
	forgetSettle = time.Minute
)

// Forgotten is what Forget has done, or PlanForget has found to do.
type Forgotten struct {
	Connections int // of the user, that have ended
	Snapshots   int // chunks that named the user for such a connection
	Strays      int // such connections that were in online
	Open        int // connections that have not ended: they are left as they are

	// Hook says that the hook named the user. Its receiver will be told all anew.
	Hook bool

	// Unfinished says, of a plan, that an earlier Forget of the user has not come to its
	// end: also if nothing else is left, its note is.
	Unfinished bool
}

// forgetting is one Forget.
type forgetting struct {
	store     Store
	user      string
	tombstone string
	done      Forgotten
	progress  func(Forgotten)
}

// PlanForget says what Forget would do. It changes nothing.
func PlanForget(ctx context.Context, store Store, user string) (Forgotten, error) {
	f := forgetting{store: store, user: user}
	if err := f.plan(ctx); err != nil {
		return f.done, fmt.Errorf("plan forget: %w", err)
	}
	return f.done, nil
}

func (f *forgetting) plan(ctx context.Context) error {
	begun, err := f.store.Forgetting.Begun(ctx, f.user)
	if err != nil {
		return err
	}
	f.done.Unfinished = begun != ""
	open, err := f.walk(ctx, func(ends []events.Event) error {
		f.done.Connections += len(ends)
		return nil
	})
	if err != nil {
		return err
	}
	f.done.Open = len(open)
	err = f.eachChunk(ctx, func(c Chunk) error {
		if slices.ContainsFunc(c.Open, func(o events.Open) bool { return o.User == f.user && !open[o.Conn] }) {
			f.done.Snapshots++
		}
		return nil
	})
	if err != nil {
		return err
	}
	h, err := f.store.Hooks.Load(ctx)
	f.done.Hook = f.done.Open == 0 && h.names(f.user)
	return err
}

// Forget takes a user out of the past: of each of his connections that has ended, in
// whatever epoch of whatever node, both events and the snapshots that it is in get one
// tombstone for the user, made up for this call, and lose the address and the agent. Who
// was online at any time, and for how long, stays as it was, but for the name. It tells
// progress after each page.
//
// A connection that has not ended is left as it is: its owner has the name in memory and
// will write it again. Forgotten.Open says how many there were; they can be forgotten when
// they have ended. Until then the hook is left as it is, too.
//
// It may run beside live nodes, which must not be older than this function. If it stops
// in the middle, another Forget of the user completes it, under the same tombstone.
//
//   - Of a connection the disconnected event is renamed last, and says until then that
//     work is left (I10).
//   - A reader may see one of the two events renamed and the other not, in either order:
//     events.Fold lets a tombstone end any connection, and any user's event one with a
//     tombstone (I4).
//   - An owner, or a takeover, that is still to learn that its events are recorded, and
//     finds them renamed, knows them: see Event.StandsFor.
//   - That a connection has ended is known from its disconnected event, and later from the
//     tombstone in its connected event, never from its absence in online.
//   - A hook that names the user keeps its number only, so that the next delivery is a
//     resync of a higher one. The node that posts loses its turn in any case.
func Forget(ctx context.Context, store Store, user string, progress func(Forgotten)) (Forgotten, error) {
	f := forgetting{store: store, user: user, progress: progress}
	own := events.Tombstone(rand.Text())
	var err error
	if f.tombstone, err = store.Forgetting.Begin(ctx, user, own); err != nil {
		return f.done, fmt.Errorf("forget: %w", err)
	}
	for _, step := range []func(context.Context) error{
		f.events, f.snapshots, f.strays, f.hook,
		func(ctx context.Context) error { return f.settle(ctx, f.tombstone != own) },
		func(ctx context.Context) error { return store.Forgetting.End(ctx, user) },
	} {
		if err := step(ctx); err != nil {
			return f.done, fmt.Errorf("forget: %w", err)
		}
	}
	return f.done, nil
}

// events renames the events of the connections that have ended, and counts the others.
func (f *forgetting) events(ctx context.Context) error {
	for range forgetPasses {
		before := f.done.Connections
		open, err := f.walk(ctx, func(ends []events.Event) error { return f.rename(ctx, ends) })
		if err != nil {
			return err
		}
		if f.done.Open = len(open); f.done.Connections == before {
			break
		}
	}
	return nil
}

// walk goes through the events of the user, and calls do with the ends of connections
// in each page. It returns the connections that have none.
func (f *forgetting) walk(ctx context.Context, do func(ends []events.Event) error) (open map[events.Position]bool, err error) {
	open = make(map[events.Position]bool)
	for after := (Moment{}); ; {
		page, err := f.store.Past.OfUser(ctx, f.user, after, maxBatch)
		if err != nil {
			return nil, err
		}
		var ends []events.Event
		for _, e := range page {
			if e.Type == events.Connected {
				open[e.ID] = true
			} else {
				delete(open, e.Conn) // no connection ends before it has begun
				ends = append(ends, e)
			}
		}
		if len(ends) > 0 {
			if err := do(ends); err != nil {
				return nil, err
			}
		}
		if len(page) < maxBatch {
			return open, nil
		}
		after = MomentOf(page[len(page)-1])
	}
}

// rename forgets the user of connections, given their ends, in everything but snapshots.
func (f *forgetting) rename(ctx context.Context, ends []events.Event) error {
	conns, at := make([]events.Position, len(ends)), make([]events.Position, len(ends))
	byStream := make(map[events.Stream][]events.Position)
	for i, e := range ends {
		conns[i], at[i] = e.Conn, e.ID
		byStream[e.Conn.Stream] = append(byStream[e.Conn.Stream], e.Conn)
	}
	if err := f.store.Forgetting.RenameEvents(ctx, f.user, f.tombstone, conns); err != nil {
		return err
	}
	for _, of := range byStream {
		if err := f.store.Online.Apply(ctx, nil, of); err != nil {
			return err
		}
	}
	// Not removed: a node that was cut off may hold the client still, under another id.
	if err := f.store.Forgetting.DropReasons(ctx, conns); err != nil {
		return err
	}
	if err := f.store.Forgetting.RenameEvents(ctx, f.user, f.tombstone, at); err != nil {
		return err
	}
	f.done.Connections += len(ends)
	f.progress(f.done)
	return nil
}

// eachChunk calls do with every chunk that names the user.
func (f *forgetting) eachChunk(ctx context.Context, do func(Chunk) error) error {
	for after := ""; ; {
		page, err := f.store.Forgetting.Chunks(ctx, f.user, after, forgetChunks)
		if err != nil {
			return err
		}
		for _, c := range page {
			if err := do(c); err != nil {
				return err
			}
		}
		if len(page) < forgetChunks {
			return nil
		}
		after = page[len(page)-1].ID()
	}
}

// snapshots renames the user's connections that have ended, in every snapshot: also in
// those whose events retention has deleted.
func (f *forgetting) snapshots(ctx context.Context) error {
	known := make(map[events.Position]string) // a connection is in many snapshots
	return f.eachChunk(ctx, func(c Chunk) error {
		names := make(map[events.Position]string)
		for _, o := range c.Open {
			if o.User != f.user {
				continue
			}
			name, looked := known[o.Conn]
			if !looked {
				var err error
				if name, err = f.nameOf(ctx, o.Conn); err != nil {
					return err
				}
				known[o.Conn] = name
			}
			if name != f.user {
				names[o.Conn] = name
			}
		}
		if len(names) == 0 {
			return nil
		}
		f.done.Snapshots++
		f.progress(f.done)
		return f.store.Forgetting.RenameOpen(ctx, c, names)
	})
}

// nameOf is whose a connection is that something else than the log says to be the user's:
// the tombstone in its connected event, or the user himself if it has not ended. If
// retention has deleted the event, it has ended long ago.
func (f *forgetting) nameOf(ctx context.Context, conn events.Position) (string, error) {
	found, err := f.store.Log.Read(ctx, conn, 1)
	if err != nil {
		return "", err
	}
	if len(found) == 1 && found[0].ID == conn && found[0].Type == events.Connected {
		if name := found[0].User; name == f.user || events.IsTombstone(name) {
			return name, nil
		}
	}
	return f.tombstone, nil
}

// strays removes from online what a late write of connections that have ended has left.
func (f *forgetting) strays(ctx context.Context) error {
	for after := (events.Position{}); ; {
		page, err := f.store.Online.OfUser(ctx, f.user, after, maxBatch)
		if err != nil {
			return err
		}
		for _, c := range page {
			name, err := f.nameOf(ctx, c.ID)
			if err != nil {
				return err
			}
			if name == f.user {
				continue
			}
			if err := f.store.Online.Apply(ctx, nil, []events.Position{c.ID}); err != nil {
				return err
			}
			f.done.Strays++
		}
		if len(page) < maxBatch {
			return nil
		}
		after = page[len(page)-1].ID
	}
}

// hook takes the user out of the hook, when the log and the snapshots do not have him any
// more. It ends the turn of whoever posts, who may have the name in memory, and reads them
// anew in the next. The save also deletes what the store has left of hooks before it.
func (f *forgetting) hook(ctx context.Context) error {
	if f.done.Open > 0 {
		return nil
	}
	for {
		h, err := f.store.Hooks.Load(ctx)
		if err != nil || h.Revision == 0 {
			return err
		}
		named := h.names(f.user)
		switch err := f.store.Hooks.Save(ctx, h.without(f.user)); {
		case errors.Is(err, ErrHookTaken): // who posts has saved first
		case err != nil:
			return err
		case !named:
			return nil
		default: // look again: who resigned meanwhile has saved the same revision and owner
			f.done.Hook = true
		}
	}
}

// settle looks through the snapshots again after a while, if something was forgotten, now
// or by the call that this one completes, and a node lives that may just be writing one;
// and then through the hook, since who posts may have read such a snapshot.
func (f *forgetting) settle(ctx context.Context, again bool) error {
	if f.store.Exclusive || f.done.Connections == 0 && !f.done.Hook && !again {
		return nil
	}
	nodes, err := f.store.Nodes.All(ctx)
	if err != nil || len(nodes) == 0 {
		return err
	}
	if !sleep(ctx, forgetSettle) {
		return context.Cause(ctx)
	}
	if err := f.snapshots(ctx); err != nil {
		return err
	}
	return f.hook(ctx)
}
