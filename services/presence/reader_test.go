package presence_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// growing is a log that grows by the rules, one event at a time, in any order that they
// allow, and a reader of it.
type growing struct {
	store   presence.Store
	streams []*grown
	reader  *presence.Reader
	read    map[events.Stream][]events.Event
}

type grown struct {
	stream events.Stream
	all    []events.Event
	open   []uint64
	joined bool // has a node document, or had one
	sealed bool
}

func (g *growing) append(t *rapid.T, s *grown, e events.Event) {
	e.ID, e.At = s.stream.At(uint64(len(s.all))), time.UnixMilli(1_800_000_000_000).UTC()
	if _, err := g.store.Log.Append(context.Background(), []events.Event{e}); err != nil {
		t.Fatal(err)
	}
	s.all = append(s.all, e)
}

// pick draws one of the streams that fit, or skips the step.
func (g *growing) pick(t *rapid.T, fits func(*grown) bool) *grown {
	var some []*grown
	for _, s := range g.streams {
		if fits(s) {
			some = append(some, s)
		}
	}
	if len(some) == 0 {
		t.Skip("none fits")
	}
	return rapid.SampledFrom(some).Draw(t, "stream")
}

// claim begins the next epoch of a node, if the one before is sealed.
func (g *growing) claim(t *rapid.T) {
	s := events.Stream{Node: rapid.SampledFrom([]string{"a", "a-b", "b"}).Draw(t, "node"), Epoch: 1}
	for _, other := range g.streams {
		if other.stream.Node == s.Node {
			if !other.sealed {
				t.Skip("it lives")
			}
			s.Epoch = max(s.Epoch, other.stream.Epoch+1)
		}
	}
	n := &grown{stream: s}
	g.streams = append(g.streams, n)
	g.append(t, n, events.Event{Type: events.Opened, Process: "x"})
}

func (g *growing) join(t *rapid.T) {
	s := g.pick(t, func(s *grown) bool { return !s.joined })
	s.joined = true
	if err := g.store.Nodes.Join(context.Background(), presence.Node{Stream: s.stream, Beat: 1}); err != nil {
		t.Fatal(err)
	}
}

func (g *growing) connect(t *rapid.T) {
	s := g.pick(t, func(s *grown) bool { return s.joined && !s.sealed })
	s.open = append(s.open, uint64(len(s.all)))
	g.append(t, s, events.Event{Type: events.Connected, User: "u"})
}

func (g *growing) seal(t *rapid.T) {
	s := g.pick(t, func(s *grown) bool { return s.joined && !s.sealed })
	s.sealed = true
	g.append(t, s, events.Event{Type: events.Sealed, By: "z", Reason: events.NodeLost, LastSeen: time.UnixMilli(1_800_000_000_000).UTC()})
}

// end does one step of a takeover: a disconnected event, or the end.
func (g *growing) end(t *rapid.T) {
	s := g.pick(t, func(s *grown) bool { return s.sealed })
	if len(s.open) == 0 {
		if err := g.store.Nodes.Remove(context.Background(), s.stream); err != nil {
			t.Fatal(err)
		}
		return
	}
	g.append(t, s, events.Event{
		Type: events.Disconnected, User: "u", Conn: s.stream.At(s.open[0]), Reason: events.NodeLost,
		LastSeen: time.UnixMilli(1_800_000_000_000).UTC(),
	})
	s.open = s.open[1:]
}

func (g *growing) poll(t *rapid.T, limit int) int {
	page, err := g.reader.Poll(context.Background(), limit)
	if err != nil || len(page) > limit {
		t.Fatalf("%d events, %v", len(page), err)
	}
	for _, e := range page {
		g.read[e.ID.Stream] = append(g.read[e.ID.Stream], e)
	}
	return len(page)
}

// restart goes on with what is left of a reader: its cursor, as text.
func (g *growing) restart(t *rapid.T) {
	text := g.reader.Cursor().String()
	c, err := presence.ParseCursor(text)
	if err != nil || c.String() != text {
		t.Fatalf("%q is read as %q, %v", text, c, err)
	}
	g.reader = presence.NewReader(g.store, c)
}

// Whatever is appended between polls, and however often the reader starts again from its
// cursor, each stream's events come in order, each once.
func TestReader_Poll_InOrderExactlyOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &growing{store: newStore(), read: make(map[events.Stream][]events.Event)}
		g.reader = presence.NewReader(g.store, presence.Cursor{})
		t.Repeat(map[string]func(*rapid.T){
			"claim": g.claim, "join": g.join, "connect": g.connect, "connect again": g.connect,
			"seal": g.seal, "end": g.end, "end more": g.end,
			"poll":    func(t *rapid.T) { g.poll(t, rapid.IntRange(1, 4).Draw(t, "limit")) },
			"restart": g.restart,
		})
		for quiet := 0; quiet < 12; { // the next list of streams is not further away
			if quiet++; g.poll(t, 1000) > 0 {
				quiet = 0
			}
		}
		for _, s := range g.streams {
			if !slices.Equal(g.read[s.stream], s.all) {
				t.Fatalf("of %s %d events were read, and there are %d", s.stream, len(g.read[s.stream]), len(s.all))
			}
		}
		g.shortCursor(t)
	})
}

// shortCursor holds that only the last epoch of a node, and those that have not ended,
// are in the cursor.
func (g *growing) shortCursor(t *rapid.T) {
	kept := make(map[string]int)
	for _, s := range g.streams {
		kept[s.stream.Node]++
	}
	most := len(kept)
	nodes, err := g.store.Nodes.All(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	live := make(map[string]bool)
	for _, n := range nodes {
		live[n.Stream.Node] = true
	}
	for _, s := range g.streams {
		if live[s.stream.Node] || !s.joined {
			most++ // its older epochs may have to wait
		}
	}
	c := g.reader.Cursor().String()
	if n := strings.Count(c, "/") / 2; n > most {
		t.Fatalf("%d positions, want at most %d: %s", n, most, c)
	}
}

func TestParseCursor(t *testing.T) {
	const a, b = "a/00000001/0000000000000002", "b/00000001/0000000000000001"
	for text, ok := range map[string]bool{
		"": true, a: true, a + "," + b: true,
		b + "," + a: false, a + "," + a: false, a + ",": false, "x": false, " ": false, "a/00000001": false,
	} {
		c, err := presence.ParseCursor(text)
		if (err == nil) != ok || ok && c.String() != text || !ok && !errors.Is(err, events.ErrInvalid) {
			t.Errorf("%q: %q, %v", text, c, err)
		}
	}
}

// A reader that has read everything is told of what comes within a second, by the clock
// or when it is woken, and gives up only when its context ends.
func TestReader_Follow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		m := start(t, store, presence.Config{})
		now, err := presence.Tails(t.Context(), store)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		seen, ended := make(chan events.Event), make(chan error)
		go func() {
			ended <- presence.NewReader(store, now).Follow(ctx, nil, func(page []events.Event) error {
				for _, e := range page {
					seen <- e
				}
				return nil
			})
		}()
		pass(3 * time.Second)
		began := time.Now()
		connect(t, m, "ana")
		if e := <-seen; e.User != "ana" || time.Since(began) > time.Second {
			t.Errorf("%+v after %s", e, time.Since(began))
		}
		other := start(t, store, presence.Config{Node: "n2"})
		if e := <-seen; e.Type != events.Opened || e.ID.Node != "n2" {
			t.Errorf("%+v", e)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		shutdown(t, other)
		shutdown(t, m)
	})
}

// Events that were read while the context ended are yielded: the cursor is after them.
func TestReader_Follow_EndsWhileReading(t *testing.T) {
	store := newStore()
	e := events.Event{ID: n1e1.At(0), At: events.Milliseconds(time.Now()), Type: events.Opened, Process: "x"}
	if _, err := store.Log.Append(t.Context(), []events.Event{e}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	store.Log = &lastRead{store.Log, cancel}
	r, n := presence.NewReader(store, presence.Cursor{}), 0
	err := r.Follow(ctx, nil, func(page []events.Event) error { n += len(page); return nil })
	if n != 1 || !errors.Is(err, context.Canceled) || r.Cursor().String() != e.ID.String() {
		t.Errorf("%d events, cursor %q, %v", n, r.Cursor(), err)
	}
}

// A cursor into what retention has deleted is told apart from one with nothing to read.
func TestReader_Poll_Forgotten(t *testing.T) {
	log := &cutLog{Log: newStore().Log, from: n1e1.At(5)}
	store := newStore()
	store.Log = log
	for i := range 8 {
		e := events.Event{ID: n1e1.At(uint64(i)), At: events.Milliseconds(time.Now()), Type: events.Connected, User: fmt.Sprint(i)}
		if i == 0 {
			e = events.Event{ID: e.ID, At: e.At, Type: events.Opened, Process: "x"}
		}
		if _, err := log.Append(t.Context(), []events.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]int{"": 3, n1e1.At(4).String(): 3, n1e1.At(7).String(): 0, n1e1.At(3).String(): -1} {
		c, err := presence.ParseCursor(text)
		if err != nil {
			t.Fatal(err)
		}
		page, err := presence.NewReader(store, c).Poll(t.Context(), 100)
		if want >= 0 && (err != nil || len(page) != want) || want < 0 && !errors.Is(err, presence.ErrForgotten) {
			t.Errorf("after %q: %d events, %v", text, len(page), err)
		}
	}
}

// cutLog is a log whose events before a position were deleted.
type cutLog struct {
	events.Log
	from events.Position
}

func (l *cutLog) Read(ctx context.Context, from events.Position, limit int) ([]events.Event, error) {
	if from.Seq < l.from.Seq {
		from = l.from
	}
	return l.Log.Read(ctx, from, limit)
}

// lastRead is a log that calls end after each Read that has found something.
type lastRead struct {
	events.Log
	end func()
}

func (l *lastRead) Read(ctx context.Context, from events.Position, limit int) ([]events.Event, error) {
	page, err := l.Log.Read(ctx, from, limit)
	if len(page) > 0 {
		l.end()
	}
	return page, err
}

// A missing event is not passed over, wherever in a page it is.
func TestReader_Poll_Gap(t *testing.T) {
	store, at := newStore(), time.UnixMilli(1_800_000_000_000).UTC()
	run := []events.Event{{ID: n1e1.At(0), Type: events.Opened, At: at, Process: "p"}}
	for seq := uint64(1); seq <= 9; seq++ {
		run = append(run, events.Event{ID: n1e1.At(seq), Type: events.Connected, At: at, User: "ana"})
	}
	if _, err := store.Log.Append(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	for lost := uint64(1); lost < 9; lost++ {
		store := store
		breaks(&store, n1e1.At(lost))
		r, n := presence.NewReader(store, presence.Cursor{}), uint64(0)
		var err error
		for range 9 {
			var page []events.Event
			page, err = r.Poll(t.Context(), 4)
			if n += uint64(len(page)); err != nil {
				break
			}
		}
		if !errors.Is(err, presence.ErrForgotten) || n != lost || r.Cursor().String() != n1e1.At(lost-1).String() {
			t.Errorf("without %d: read %d events up to %s, %v", lost, n, r.Cursor(), err)
		}
	}
}
