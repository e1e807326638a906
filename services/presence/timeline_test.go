package presence_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// A node dies with a connection: it counts as online until the last beat, then as unknown,
// and the marks say which node that was, and since when nothing is known.
func TestHistory_Timeline_NodeLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		peer := start(t, store, presence.Config{Node: "n2"})
		from := events.Milliseconds(time.Now())
		m := start(t, store, presence.Config{})
		connect(t, m, "ana")
		connect(t, m, "ana")
		pass(5 * time.Second)
		m.Die()
		pass(time.Minute)
		shutdown(t, peer)
		to := events.Milliseconds(time.Now())
		line, err := presence.NewHistory(store).Timeline(t.Context(), presence.TimelineQuery{From: from, To: to, Points: presence.MaxTimelinePoints})
		if err != nil || len(line.Points) != presence.MaxTimelinePoints || !line.Kept.IsZero() {
			t.Fatalf("%d points, kept %v, %v", len(line.Points), line.Kept, err)
		}
		kinds, lost := "", presence.Mark{}
		for _, m := range line.Marks {
			if kinds += fmt.Sprint(m.Kind, " ", m.Stream.Node, ", "); m.Kind == presence.MarkLost {
				lost = m
			}
		}
		if kinds != "started n1, started n2, lost n1, left n2, " && kinds != "started n2, started n1, lost n1, left n2, " || lost.Connections != 2 {
			t.Errorf("%s%+v", kinds, lost)
		}
		if silent := lost.At.Sub(lost.LastSeen); silent < 10*time.Second || silent > 20*time.Second {
			t.Errorf("declared lost %v after the last beat", silent)
		}
		for _, p := range line.Points[1:] {
			want := presence.Level{Online: 2, Least: 2, Most: 2}
			if p.At.After(lost.LastSeen) {
				want = presence.Level{Unknown: 2}
			}
			if !p.At.Before(lost.At) {
				want = presence.Level{}
			}
			if got := p.Connections; got.Online != want.Online || got.Unknown != want.Unknown {
				t.Fatalf("at %v: %+v, want %+v", p.At, got, want)
			}
		}
	})
}

func TestHistory_Timeline_Refuses(t *testing.T) {
	h := presence.NewHistory(storetest.NewMemory().Store())
	now := time.Now()
	for name, q := range map[string]presence.TimelineQuery{
		"one point":         {From: now, To: now.Add(time.Hour), Points: 1},
		"too many":          {From: now, To: now.Add(time.Hour), Points: presence.MaxTimelinePoints + 1},
		"no time":           {From: now, To: now, Points: 2},
		"backwards":         {From: now, To: now.Add(-time.Second), Points: 2},
		"less than it says": {From: now.Truncate(time.Millisecond), To: now.Truncate(time.Millisecond).Add(time.Microsecond), Points: 2},
	} {
		if _, err := h.Timeline(t.Context(), q); !errors.Is(err, events.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is less than a point's millisecond is no point, and all of time is no overflow.
func TestHistory_Timeline_Extremes(t *testing.T) {
	h := presence.NewHistory(storetest.NewMemory().Store())
	from := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	for to, want := range map[time.Time]int{
		from.Add(4 * time.Millisecond):                             5,
		time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC): presence.MaxTimelinePoints,
	} {
		line, err := h.Timeline(t.Context(), presence.TimelineQuery{From: from, To: to, Points: presence.MaxTimelinePoints})
		if err != nil || len(line.Points) != want || line.Points[0].At != from || line.Points[want-1].At != to {
			t.Errorf("to %v: %d points, %v", to, len(line.Points), err)
		}
	}
}

// Of very many starts the latest are told of, and how many there were besides.
func TestHistory_Timeline_ManyMarks(t *testing.T) {
	store := storetest.NewMemory().Store()
	began := events.Milliseconds(time.Now()).Add(-time.Hour)
	const lives = presence.MaxTimelineMarks/2 + 3
	for epoch := range uint32(lives) {
		s, at := events.Stream{Node: "n1", Epoch: epoch + 1}, began.Add(time.Duration(epoch)*time.Second)
		if _, err := store.Log.Append(t.Context(), []events.Event{
			{ID: s.At(0), Type: events.Opened, At: at, Process: "p"},
			{ID: s.At(1), Type: events.Sealed, At: at, By: "n1", Reason: events.Shutdown},
		}); err != nil {
			t.Fatal(err)
		}
	}
	line, err := presence.NewHistory(store).Timeline(t.Context(), presence.TimelineQuery{From: began, To: began.Add(time.Hour), Points: 2})
	last := line.Marks[len(line.Marks)-1]
	if err != nil || len(line.Marks) != presence.MaxTimelineMarks || line.Left != 6 || last.Kind != presence.MarkLeft || last.Stream.Epoch != lives {
		t.Errorf("%d marks, the last %+v, left %d, %v", len(line.Marks), last, line.Left, err)
	}
}

// shortLife appends a stream in which ana was connected for a second, and that was sealed in
// good order after a minute.
func shortLife(t *testing.T, store presence.Store, began time.Time) events.Stream {
	t.Helper()
	s := events.Stream{Node: "n1", Epoch: 1}
	if _, err := store.Log.Append(t.Context(), []events.Event{
		{ID: s.At(0), Type: events.Opened, At: began, Process: "p"},
		{ID: s.At(1), Type: events.Connected, At: began, User: "ana"},
		{ID: s.At(2), Type: events.Disconnected, At: began.Add(time.Second), User: "ana", Conn: s.At(1), Reason: events.Client},
		{ID: s.At(3), Type: events.Sealed, At: began.Add(time.Minute), By: "n1", Reason: events.Shutdown},
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

// Retention deletes what is just being read: it is read again, as far as it is kept.
func TestHistory_Timeline_BesideRetention(t *testing.T) {
	store := storetest.NewMemory().Store()
	began := events.Milliseconds(time.Now()).Add(-time.Hour)
	horizon := began.Add(30 * time.Minute)
	shortLife(t, store, began)
	next := events.Stream{Node: "n1", Epoch: 2}
	if _, err := store.Log.Append(t.Context(), []events.Event{
		{ID: next.At(0), Type: events.Opened, At: horizon, Process: "p"},
		{ID: next.At(1), Type: events.Connected, At: horizon.Add(time.Minute), User: "bob"},
	}); err != nil {
		t.Fatal(err)
	}
	cuts, err := presence.PlanRetention(t.Context(), store, horizon)
	if err != nil || len(cuts) != 1 {
		t.Fatal(cuts, err)
	}
	done := false
	watched := storetest.NewFaulty(store, func(c storetest.Call) storetest.Action {
		if c.Op == storetest.LogRead && !done {
			done = true
			if err := presence.Retain(context.Background(), store, horizon, cuts, func(presence.Cut) {}); err != nil {
				t.Error(err)
			}
		}
		return storetest.Action{}
	}).Store()
	line, err := presence.NewHistory(watched).Timeline(t.Context(), presence.TimelineQuery{From: began, To: began.Add(time.Hour), Points: 61})
	if err != nil || !done || line.Kept != horizon || len(line.Points) != 31 || line.Points[0].At != horizon || line.Points[30].Connections.Unknown != 1 {
		t.Errorf("kept %v, %d points, %v", line.Kept, len(line.Points), err)
	}
	if _, err := presence.NewHistory(store).Timeline(t.Context(), presence.TimelineQuery{From: began, To: horizon.Add(-1), Points: 2}); !errors.Is(err, presence.ErrForgotten) {
		t.Errorf("before the horizon: %v", err)
	}
}

// Who asks and goes does not have the log read to its end.
func TestHistory_Timeline_Gone(t *testing.T) {
	ctx, gone := context.WithCancel(t.Context())
	store := storetest.NewMemory().Store()
	began := events.Milliseconds(time.Now()).Add(-time.Hour)
	s := events.Stream{Node: "n1", Epoch: 1}
	if _, err := store.Log.Append(t.Context(), []events.Event{{ID: s.At(0), Type: events.Opened, At: began.Add(time.Minute), Process: "p"}}); err != nil {
		t.Fatal(err)
	}
	gone()
	_, err := presence.NewHistory(store).Timeline(ctx, presence.TimelineQuery{From: began, To: began.Add(time.Hour), Points: 2})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
