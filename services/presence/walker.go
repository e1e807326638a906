package presence

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
)

// Sink keeps what streams add up to. A Walker tells it, one call at a time.
type Sink interface {
	// Begin makes a stream be what its fold says: it is new, or what was read of it before
	// was wrong.
	Begin(id events.Stream, f *events.Fold)

	// Apply takes the next events of a stream that has begun. It returns false if one of
	// them does not follow from what was read before; then the stream begins again, so it
	// does not matter which of them it has taken.
	Apply(id events.Stream, page []events.Event) bool

	// Reach is the seq of the next event to read of a stream that has begun, and whether it
	// is over: it is sealed, and nobody is left in it.
	Reach(id events.Stream) (next uint64, over bool)

	// End forgets a stream, and whoever is still in it.
	End(id events.Stream)
}

// Walker keeps a Sink up to what the streams add up to that have not ended. It finds them
// by their signs, folds those that are new, from a snapshot if there is one, and reads on
// in all of them, page by page. It is for one goroutine.
//
// A stream that makes no sense is logged once and does not keep it from the others. What
// was read of it before stays, until it is sealed or nothing tells of it any more: then
// nobody is there.
type Walker struct {
	// static after construction
	store Store
	sink  Sink
	log   *zap.Logger

	streams map[events.Stream]bool // that the sink has begun
	wrong   map[events.Stream]nonsense
	polls   int // since everything was looked for, or is to be
}

// nonsense is a stream that makes no sense.
type nonsense struct {
	open   bool      // somebody may be there
	mended bool      // it makes sense again, but is sealed: its takeover ends who is in it
	until  time.Time // it is not read again before
}

const (
	walkPage = 1000 // events

	// strayEvery is how many polls find streams by their node documents only. One that
	// has lost its document is found by what online has of it.
	strayEvery = 10

	// A stream that makes no sense is not read again for so many times as long as that took,
	// at most for wrongMost: it may be long, and the others wait for it.
	wrongRest = 20
	wrongMost = time.Minute
)

// NewWalker returns a walker over the streams of a store, which has read nothing. The log
// should name who walks.
func NewWalker(store Store, sink Sink, log *zap.Logger) *Walker {
	return &Walker{
		store: store, sink: sink, log: log,
		streams: make(map[events.Stream]bool), wrong: make(map[events.Stream]nonsense),
	}
}

// Begin has the sink begin a stream with a fold that the caller has read: Poll goes on
// from there.
func (w *Walker) Begin(id events.Stream, f *events.Fold) {
	w.streams[id] = true
	w.sink.Begin(id, f)
}

// Wrong is how many streams make no sense, so that who is there is not known.
func (w *Walker) Wrong() (n int) {
	for _, s := range w.wrong {
		if s.open {
			n++
		}
	}
	return n
}

// Poll reads what has come. An error of the store ends it: ErrUnavailable, ErrRefused or
// that of ctx. It may be repeated then, and has lost nothing.
func (w *Walker) Poll(ctx context.Context) error {
	found, err := lookForSigns(ctx, w.store, w.polls%strayEvery == 0)
	if err != nil {
		return err
	}
	w.polls++
	streams := found.with(maps.Keys(w.streams))
	for _, id := range streams {
		if err := w.poll(ctx, id, found); err != nil {
			w.polls = 0 // the next poll looks for everything again
			return fmt.Errorf("read %s: %w", id, err)
		}
	}
	maps.DeleteFunc(w.wrong, func(id events.Stream, _ nonsense) bool { return !slices.Contains(streams, id) })
	return nil
}

// poll reads a stream. If that makes no sense it says so once, and when it is mended. Its
// error is of the store.
func (w *Walker) poll(ctx context.Context, id events.Stream, found signs) error {
	began := time.Now()
	last, known := w.wrong[id]
	if began.Before(last.until) {
		if last.mended {
			return nil
		}
		return w.leaveOut(ctx, id, found, last.until)
	}
	err := w.read(ctx, id, found)
	switch {
	case ctx.Err() != nil || err != nil && heals(err):
		return err
	case err == nil && known && !last.mended:
		w.log.Info("a stream can be read again", zap.Stringer("stream", id))
	case err != nil && !known:
		w.log.Error("a stream makes no sense and is left out; the others are read: see presenced verify",
			zap.Stringer("stream", id), zap.Error(err))
	}
	now := time.Now()
	until := now.Add(min(wrongRest*now.Sub(began), wrongMost))
	switch {
	case err != nil:
		return w.leaveOut(ctx, id, found, until)
	case known && !w.streams[id]:
		w.wrong[id] = nonsense{mended: true, until: until}
	default:
		delete(w.wrong, id)
	}
	return nil
}

// leaveOut ends a stream that makes no sense if nobody can be there: it is sealed, and so
// was dropped from online, or is about to be; or nothing tells of it any more.
func (w *Walker) leaveOut(ctx context.Context, id events.Stream, found signs, until time.Time) error {
	tail, err := w.store.Log.Tail(ctx, id)
	if err != nil && heals(err) {
		return err
	}
	over := err == nil && tail.Seals() || !found.tell(id) && found.thorough()
	w.wrong[id] = nonsense{open: !over, until: until}
	if over && w.streams[id] {
		w.sink.End(id)
		delete(w.streams, id)
	}
	return nil
}

// read reads a stream to its end, and ends it when it is over; or when nothing tells of it
// any more, and so nobody will ever end it.
func (w *Walker) read(ctx context.Context, id events.Stream, found signs) error {
	if !w.streams[id] {
		return w.first(ctx, id, found)
	}
	if err := w.advance(ctx, id); err != nil || found.tell(id) {
		return err
	}
	if _, over := w.sink.Reach(id); over || found.thorough() {
		w.sink.End(id)
		delete(w.streams, id)
	}
	return nil
}

// first reads a stream that is new.
func (w *Walker) first(ctx context.Context, id events.Stream, found signs) error {
	fold, err := FoldToEnd(ctx, w.store, id)
	if err != nil {
		return err
	}
	if fold.Sealed() && fold.Len() == 0 && !found.owned[id] {
		return nil // a late write has brought it back into online
	}
	if _, wrong := w.wrong[id]; wrong && fold.Sealed() {
		return nil // who is in it has left long ago
	}
	w.Begin(id, fold)
	return nil
}

// advance reads the rest of a stream. If that does not fit what was read before, such as
// a snapshot that was wrong, it is read anew.
func (w *Walker) advance(ctx context.Context, id events.Stream) error {
	for {
		next, _ := w.sink.Reach(id)
		page, err := w.store.Log.Read(ctx, id.At(next), walkPage)
		if err != nil || len(page) == 0 {
			return err
		}
		if !w.sink.Apply(id, page) {
			return w.again(ctx, id)
		}
		if len(page) < walkPage {
			return nil
		}
	}
}

func (w *Walker) again(ctx context.Context, id events.Stream) error {
	fold, err := FoldToEnd(ctx, w.store, id)
	if err != nil {
		return err
	}
	w.log.Warn("a stream was read anew: its events did not fit", zap.Stringer("stream", id))
	w.sink.Begin(id, fold)
	return nil
}
