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
	store  presence.Store
	walker *presence.Walker

	// changed is told of each user who came, or left; nil: nobody is.
	changed func(user string, online bool, at time.Time)

	streams map[events.Stream]*stream
	users   map[string]*resident
}

var _ presence.Sink = (*census)(nil)

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

func newCensus(store presence.Store, log *zap.Logger) *census {
	c := &census{store: store, streams: make(map[events.Stream]*stream), users: make(map[string]*resident)}
	c.walker = presence.NewWalker(store, c, log.With(zap.String("for", "webhooks")))
	return c
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
		c.walker.Begin(p.Stream, fold)
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

// poll reads what has come. It may be repeated after an error, and has lost nothing.
func (c *census) poll(ctx context.Context) error { return c.walker.Poll(ctx) }

// Reach implements presence.Sink.
func (c *census) Reach(id events.Stream) (next uint64, over bool) {
	s := c.streams[id]
	return s.next, s.sealed && len(s.open) == 0
}

// Apply implements presence.Sink.
func (c *census) Apply(id events.Stream, page []events.Event) bool {
	s := c.streams[id]
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

// End implements presence.Sink.
func (c *census) End(id events.Stream) {
	c.Begin(id, new(events.Fold))
	delete(c.streams, id)
}

// Begin implements presence.Sink. The zero Fold is none: nobody is there.
func (c *census) Begin(id events.Stream, f *events.Fold) {
	s := c.streams[id]
	if s == nil {
		s = &stream{id: id}
		c.streams[id] = s
	}
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
