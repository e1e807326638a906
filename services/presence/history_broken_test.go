package presence_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// holedPast does not have an event that its log has lost.
type holedPast struct {
	presence.Past
	lost events.Position
}

func (p holedPast) OfUser(ctx context.Context, user string, after presence.Moment, limit int) ([]events.Event, error) {
	all, err := p.Past.OfUser(ctx, user, after, limit+1)
	all = slices.DeleteFunc(all, func(e events.Event) bool { return e.ID == p.lost })
	return all[:min(limit, len(all))], err
}

func (p holedPast) Last(ctx context.Context, users []string) (last []events.Event, err error) {
	for _, user := range users {
		all, err := p.OfUser(ctx, user, presence.Moment{}, 1000)
		if err != nil {
			return nil, err
		}
		if len(all) > 0 {
			last = append(last, all[len(all)-1])
		}
	}
	return last, nil
}

// lose makes the world lose an event that is not the last of its stream: that such a one is
// missing nobody can know. It returns the stream, and the past that the others tell.
func (w *world) lose(t *rapid.T) (broken events.Stream, others past) {
	run := rapid.SampledFrom(w.streams).Draw(t, "broken")
	if len(run) < 2 {
		t.Skip("too short")
	}
	lost := run[rapid.IntRange(0, len(run)-2).Draw(t, "lost")].ID
	w.store.Log = holed{w.store.Log, lost, new(atomic.Bool)}
	w.store.Past = holedPast{w.store.Past, lost}
	rest := slices.DeleteFunc(slices.Clone(w.streams), func(r []events.Event) bool { return r[0].ID.Stream == lost.Stream })
	return lost.Stream, pastOf(rest, w.beats, w.now)
}

// TestHistory_Broken asks random questions of a random log that has lost an event. Who was
// online at a time, and how many, is as if it were there, or else the stream is named, and
// the answer is as if that stream were not there. Each other question is answered, and
// what the answer says of other streams is right.
func TestHistory_Broken(t *testing.T) {
	named, unnamed := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t)
		all := pastOf(w.streams, w.beats, w.now)
		planned, err := presence.PlanRetention(t.Context(), w.store, w.now)
		if err != nil {
			t.Fatal(err)
		}
		broken, others := w.lose(t)
		h := presence.NewHistory(w.store)
		want := func(names []events.Stream) past {
			switch {
			case len(names) == 0:
				unnamed++
				return all
			case len(names) > 1 || names[0] != broken:
				t.Fatalf("%v are broken, want %s", names, broken)
			}
			named++
			return others
		}
		for range 4 {
			at := w.time(t, time.Time{})
			page, err := h.OnlineAt(t.Context(), at, presence.UserQuery{Limit: 10})
			users, total, unknown := want(page.Broken).onlineAt(at)
			if err != nil || !slices.Equal(page.Users, users) || page.Total != total || page.Unknown != unknown {
				t.Fatalf("%s is broken; at %v: %+v, %v\nwant %+v, %d, %d\n%s", broken, at, page, err, users, total, unknown, w)
			}
			q := presence.TimelineQuery{From: at, To: at.Add(time.Minute), Points: 7}
			line, err := h.Timeline(t.Context(), q)
			if points := want(line.Broken).timeline(q); err != nil || !slices.Equal(line.Points, points) {
				t.Fatalf("%s is broken, named %v; %+v: %v\nis   %+v\nwant %+v\n%s", broken, line.Broken, q, err, line.Points, points, w)
			}
			w.askBroken(t, h, broken, others, want)
		}
		w.planBroken(t, broken, planned)
	})
	if named == 0 || unnamed == 0 {
		t.Errorf("the stream was named %d times, and not %d times", named, unnamed)
	}
}

func (w *world) askBroken(t *rapid.T, h *presence.History, broken events.Stream, others past, want func([]events.Stream) past) {
	user, from := rapid.SampledFrom(crowdNames).Draw(t, "user"), w.time(t, time.Time{})
	page, err := h.Sessions(t.Context(), presence.SessionQuery{User: user, From: from, Limit: presence.MaxSessionPage})
	got := slices.DeleteFunc(page.Sessions, func(s presence.Session) bool { return s.Connection.Stream == broken })
	if all := others.sessions(user, from, time.Time{}); err != nil || !slices.Equal(got, all) {
		t.Fatalf("%s is broken; sessions of %s from %v: %v\nare  %+v\nwant %+v\n%s", broken, user, from, err, got, all, w)
	}
	seen, err := h.LastSeen(t.Context(), []string{user})
	if err != nil {
		t.Fatalf("%s is broken; last seen: %v\n%s", broken, err, w)
	}
	want(page.Broken)
	want(seen.Broken)
	if least, ever := others.lastSeen(user); ever && (len(seen.Users) != 1 || seen.Users[0].Last.Before(least.Last) || seen.Users[0].State > least.State) {
		t.Fatalf("%s is broken; last seen %+v, and by the others %+v\n%s", broken, seen.Users, least, w)
	}
}

// planBroken fails unless retention leaves alone what of the broken stream is not old as a
// whole, and does with others as before.
func (w *world) planBroken(t *rapid.T, broken events.Stream, before []presence.Cut) {
	cuts, err := presence.PlanRetention(t.Context(), w.store, w.now)
	if err != nil {
		t.Fatal(err)
	}
	of := func(cuts []presence.Cut, broken events.Stream, is bool) (all []presence.Cut) {
		for _, c := range cuts {
			if (c.Below.Stream == broken) == is {
				all = append(all, c)
			}
		}
		return all
	}
	if got, want := of(cuts, broken, false), of(before, broken, false); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%s is broken; of others %v, want %v\n%s", broken, got, want, w)
	}
	for _, c := range of(cuts, broken, true) {
		if c.Broken != nil && (c.Events() > 0 || !errors.Is(c.Broken, events.ErrGrammar)) {
			t.Fatalf("%s is broken, and cut %+v\n%s", broken, c, w)
		}
	}
	made := 0
	err = presence.Retain(t.Context(), w.store, w.now, cuts, func(c presence.Cut) {
		if made++; c.Broken != nil && c.Below.Stream != broken {
			t.Fatalf("%s is broken, and left alone is %+v\n%s", broken, c, w)
		}
	})
	if want := len(slices.DeleteFunc(cuts, func(c presence.Cut) bool { return c.Events() == 0 })); err != nil || made != want {
		t.Fatalf("%s is broken; %d cuts of %d made, %v\n%s", broken, made, want, err, w)
	}
}

// A session whose end is missing, in a stream that was sealed when all had ended, is not
// known to have ended with it.
func TestHistory_Broken_EndMissing(t *testing.T) {
	store := storetest.NewMemory().Store()
	began := events.Milliseconds(time.Now()).Add(-time.Hour)
	s := shortLife(t, store, began)
	store.Past = holedPast{store.Past, s.At(2)}
	store.Log = holed{store.Log, s.At(2), new(atomic.Bool)}
	page, err := presence.NewHistory(store).Sessions(t.Context(), presence.SessionQuery{User: "ana", Limit: 1})
	want := presence.Session{Connection: s.At(1), User: "ana", Since: began, LastSeen: began, State: presence.StateUnknown}
	if err != nil || len(page.Sessions) != 1 || page.Sessions[0] != want || !slices.Equal(page.Broken, []events.Stream{s}) {
		t.Errorf("%+v, %v", page, err)
	}
}

// foreign is a log with an event that another version has written, at one end of a stream.
type foreign struct {
	events.Log
	at events.Position
}

func (f foreign) Tail(ctx context.Context, s events.Stream) (events.Event, error) {
	e, err := f.Log.Tail(ctx, s)
	if e.ID == f.at {
		return events.Event{}, fmt.Errorf("%w: of version 2", events.ErrInvalid)
	}
	return e, err
}

func (f foreign) Read(ctx context.Context, from events.Position, limit int) ([]events.Event, error) {
	page, err := f.Log.Read(ctx, from, limit)
	if slices.ContainsFunc(page, func(e events.Event) bool { return e.ID == f.at }) {
		return nil, fmt.Errorf("%w: of version 2", events.ErrInvalid)
	}
	return page, err
}

// A stream of which not even the ends can be read is named too, whatever the time.
func TestHistory_Broken_OtherVersion(t *testing.T) {
	n1, n2 := events.Stream{Node: "n1", Epoch: 1}, events.Stream{Node: "n2", Epoch: 1}
	for seq := range uint64(2) {
		store, at := storetest.NewMemory().Store(), events.Milliseconds(time.Now()).Add(-time.Second)
		for _, s := range []events.Stream{n1, n2} {
			if _, err := store.Log.Append(t.Context(), []events.Event{
				{ID: s.At(0), Type: events.Opened, At: at, Process: "p"}, {ID: s.At(1), Type: events.Connected, At: at, User: "ana"},
			}); err != nil {
				t.Fatal(err)
			}
		}
		store.Log = foreign{store.Log, n1.At(seq)}
		h := presence.NewHistory(store)
		page, err := h.OnlineAt(t.Context(), at, presence.UserQuery{Limit: 1})
		if err != nil || page.Total != 1 || !slices.Equal(page.Broken, []events.Stream{n1}) {
			t.Errorf("%d is foreign: %+v, %v", seq, page, err)
		}
		line, err := h.Timeline(t.Context(), presence.TimelineQuery{From: at, To: at.Add(time.Second), Points: 2})
		if err != nil || line.Points[0].Connections.Online != 1 || !slices.Equal(line.Broken, []events.Stream{n1}) {
			t.Errorf("%d is foreign: %+v, %v", seq, line, err)
		}
		seen, err := h.LastSeen(t.Context(), []string{"ana"})
		if err != nil || len(seen.Users) != 1 || !slices.Equal(seen.Broken, []events.Stream{n1}) {
			t.Errorf("%d is foreign: %+v, %v", seq, seen, err)
		}
		cuts, err := presence.PlanRetention(t.Context(), store, time.Now())
		if err != nil || len(cuts) != 1 || cuts[0].Below.Stream != n1 || cuts[0].Broken == nil {
			t.Errorf("%d is foreign: %+v, %v", seq, cuts, err)
		}
		store.Past = foreignPast{store.Past}
		_, err = presence.NewHistory(store).Sessions(t.Context(), presence.SessionQuery{User: "ana", Limit: 1})
		if err == nil || errors.Is(err, events.ErrInvalid) {
			t.Errorf("what cannot be read is the fault of who asks: %v", err)
		}
	}
}

// foreignPast finds nothing but what another version has written.
type foreignPast struct{ presence.Past }

func (foreignPast) OfUser(context.Context, string, presence.Moment, int) ([]events.Event, error) {
	return nil, fmt.Errorf("%w: of version 2", events.ErrInvalid)
}
