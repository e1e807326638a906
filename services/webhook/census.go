package webhook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// census is who is online, by what it has read of the log. It belongs to one goroutine.
type census struct {
	// static after construction
	store presence.Store
	log   *zap.Logger

	// changed is told of each user who came, or left; nil: nobody is.
	changed func(user string, online bool, at time.Time)

	streams map[events.Stream]*stream
	users   map[string]*resident
	wrong   map[events.Stream]bool // streams that were complained of
	polls   int
}

// resident is a user with at least one connection.
type resident struct {
	name  string
	conns int
	since int64 // Unix milliseconds
}

// stream is what was read of one.
type stream struct {
	id     events.Stream
	next   uint64 // seq
	sealed bool
	open   map[uint64]*resident
}

const (
	pageSize = 1000 // events

	// strayEvery is how many polls find streams by their node documents only. One that
	// has lost its document is found by what online has of it.
	strayEvery = 10
)

func newCensus(store presence.Store, log *zap.Logger) *census {
	return &census{
		store: store, log: log,
		streams: make(map[events.Stream]*stream), users: make(map[string]*resident), wrong: make(map[events.Stream]bool),
	}
}

// errRenamed is returned by census.restore where the log has forgotten a user.
var errRenamed = errors.New("a user who was online then is forgotten")

// restore reads the log up to a position that a census had. If somebody who was online
// there is forgotten by now, nobody knows any more who that was, and so whose leave is to
// be told.
func (c *census) restore(ctx context.Context, position string) error {
	if position == "" {
		return nil
	}
	for text := range strings.SplitSeq(position, ",") {
		p, err := events.ParsePosition(text)
		if err != nil {
			return err
		}
		fold, err := presence.FoldThrough(ctx, c.store, p)
		if err != nil {
			return fmt.Errorf("fold through %s: %w", p, err)
		}
		if slices.ContainsFunc(fold.Open(), func(e events.Event) bool { return events.IsTombstone(e.User) }) {
			return errRenamed
		}
		c.begin(&stream{id: p.Stream}, fold)
	}
	return nil
}

// position is how far it has read: of each stream the last event.
func (c *census) position() string {
	var all []string
	for _, id := range slices.SortedFunc(maps.Keys(c.streams), events.Stream.Compare) {
		if s := c.streams[id]; s.next > 0 {
			all = append(all, id.At(s.next-1).String())
		}
	}
	return strings.Join(all, ",")
}

// poll reads what has come. It may be repeated after an error, and has lost nothing. A
// stream that makes no sense does not keep it from the others.
func (c *census) poll(ctx context.Context) error {
	found, err := presence.LookForSigns(ctx, c.store, c.polls%strayEvery == 0)
	if err != nil {
		return err
	}
	c.polls++
	for _, id := range found.StreamsWith(maps.Keys(c.streams)) {
		switch err := c.read(ctx, id, found); {
		case forgotten(err):
			c.complain(id, err)
		case err != nil:
			c.polls = 0 // the next poll looks for everything again
			return fmt.Errorf("read %s: %w", id, err)
		}
	}
	return nil
}

// complain says once what is wrong with a stream.
func (c *census) complain(id events.Stream, err error) {
	if !c.wrong[id] {
		c.wrong[id] = true
		c.log.Error("a stream cannot be read for webhooks; the others are", zap.Stringer("stream", id), zap.Error(err))
	}
}

// read reads a stream to its end, and forgets it when it is over: it is sealed and nobody
// is left in it; or nothing tells of it any more, and so nobody will ever end it.
func (c *census) read(ctx context.Context, id events.Stream, found presence.Signs) error {
	s := c.streams[id]
	if s == nil {
		return c.first(ctx, id, found)
	}
	if err := c.advance(ctx, s); err != nil {
		return err
	}
	if !found.Tell(id) && (found.Thorough() || s.sealed && len(s.open) == 0) {
		c.begin(s, new(events.Fold))
		delete(c.streams, id)
	}
	return nil
}

// first reads a stream that is new.
func (c *census) first(ctx context.Context, id events.Stream, found presence.Signs) error {
	fold, err := presence.FoldToEnd(ctx, c.store, id)
	if err != nil {
		return err
	}
	if fold.Sealed() && fold.Len() == 0 && !found.Owned(id) {
		return nil // a late write has brought it back into online
	}
	c.begin(&stream{id: id}, fold)
	return nil
}

// advance reads the rest of a stream. If that does not fit what was read before, such as
// a snapshot that was wrong, it is read anew.
func (c *census) advance(ctx context.Context, s *stream) error {
	for {
		page, err := c.store.Log.Read(ctx, s.id.At(s.next), pageSize)
		if err != nil {
			return err
		}
		if !c.apply(s, page) {
			return c.again(ctx, s)
		}
		if len(page) < pageSize {
			return nil
		}
	}
}

func (c *census) again(ctx context.Context, s *stream) error {
	fold, err := presence.FoldToEnd(ctx, c.store, s.id)
	if err != nil {
		return err
	}
	c.log.Warn("a stream was read anew for webhooks: its events did not fit", zap.Stringer("stream", s.id))
	c.begin(s, fold)
	return nil
}

// apply takes the next events of a stream, and reports whether they fit.
func (c *census) apply(s *stream, page []events.Event) bool {
	for _, e := range page {
		if e.ID != s.id.At(s.next) {
			return false
		}
		switch e.Type {
		case events.Connected:
			c.connect(s, e.ID.Seq, e.User, e.At)
		case events.Disconnected:
			if s.open[e.Conn.Seq] == nil {
				return false
			}
			c.disconnect(s, e.Conn.Seq, e.At)
		case events.Sealed:
			s.sealed = true
		case events.Opened:
		}
		s.next++
	}
	return true
}

// begin makes a stream be what its fold says. The zero Fold is none: nobody is there.
func (c *census) begin(s *stream, f *events.Fold) {
	c.streams[s.id] = s
	s.next, s.sealed = 0, f.Sealed()
	at := events.Milliseconds(time.Now())
	if tail := f.Tail(); !tail.ID.IsZero() {
		s.next, at = tail.ID.Seq+1, tail.At
	}
	open := f.Open()
	users := make(map[uint64]string, len(open))
	for _, e := range open {
		users[e.ID.Seq] = e.User
	}
	for seq, r := range s.open {
		if users[seq] != r.name {
			c.disconnect(s, seq, at)
		}
	}
	if s.open == nil {
		s.open = make(map[uint64]*resident, len(open))
	}
	for _, e := range open {
		if s.open[e.ID.Seq] == nil {
			c.connect(s, e.ID.Seq, e.User, e.At)
		}
	}
}

func (c *census) connect(s *stream, seq uint64, name string, at time.Time) {
	r := c.users[name]
	if r == nil {
		r = &resident{name: strings.Clone(name), since: at.UnixMilli()}
		c.users[r.name] = r
	}
	s.open[seq] = r
	r.since = min(r.since, at.UnixMilli())
	if r.conns++; r.conns == 1 && c.changed != nil {
		c.changed(r.name, true, at)
	}
}

func (c *census) disconnect(s *stream, seq uint64, at time.Time) {
	r := s.open[seq]
	delete(s.open, seq)
	if r.conns--; r.conns > 0 {
		return
	}
	delete(c.users, r.name)
	if c.changed != nil {
		c.changed(r.name, false, at)
	}
}

// forgotten reports whether err says that the log does not have any more what a position
// stands for, and not that it cannot be read at the moment.
func forgotten(err error) bool {
	return err != nil && !errors.Is(err, events.ErrUnavailable) && !errors.Is(err, events.ErrRefused)
}
