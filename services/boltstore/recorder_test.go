package boltstore

import (
	"errors"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// commits is how many commits the file has seen.
func commits(t *testing.T, d *DB) (n int) {
	t.Helper()
	if err := d.bolt.View(func(tx *bbolt.Tx) error { n = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRecorder_a_run_is_one_commit(t *testing.T) {
	d := openTemp(t)
	w := &writer{stream: events.Stream{Node: "n1", Epoch: 1}}
	for _, n := range []int{1, 100, 1000} {
		before := commits(t, d)
		mustRecord(t, d, w.run(n))
		if got := commits(t, d) - before; got != 1 {
			t.Errorf("a run of %d events took %d commits", n, got)
		}
	}
}

// A connection that online says is another user's, as somebody may have written by hand,
// goes all the same when it ends, with its key in users; openTemp checks that.
func TestRecorder_a_disconnect_takes_what_online_has(t *testing.T) {
	d, s := openTemp(t), events.Stream{Node: "n1", Epoch: 1}
	online := d.Store().Online
	mustRecord(t, d, []events.Event{
		{ID: s.At(0), Type: events.Opened, At: began, Process: "token"},
		{ID: s.At(1), Type: events.Connected, At: began, User: "ana"},
		{ID: s.At(2), Type: events.Connected, At: began, User: "bob"},
		{ID: s.At(3), Type: events.Connected, At: began, User: "cleo"},
	})
	eve := presence.Connection{ID: s.At(1), User: "eve", Since: began}
	for _, apply := range []error{
		online.Apply(t.Context(), nil, []events.Position{s.At(1), s.At(2)}),
		online.Apply(t.Context(), []presence.Connection{eve}, nil),
	} {
		if apply != nil {
			t.Fatal(apply)
		}
	}
	mustRecord(t, d, []events.Event{
		{ID: s.At(4), Type: events.Disconnected, At: began, User: "ana", Conn: s.At(1), Reason: events.Client},
		{ID: s.At(5), Type: events.Disconnected, At: began, User: "bob", Conn: s.At(2), Reason: events.Client},
	})
	page, err := online.Users(t.Context(), presence.UserQuery{Limit: 10})
	if err != nil || page.Total != 1 || len(page.Users) != 1 || page.Users[0].User != "cleo" {
		t.Errorf("online has %+v, %v; want cleo alone", page, err)
	}
}

func TestRecorder_a_hole_is_refused(t *testing.T) {
	d := openTemp(t)
	w := &writer{stream: events.Stream{Node: "n1", Epoch: 1}}
	mustRecord(t, d, w.run(5))
	run := w.run(5)
	_, record := d.Store().Recorder.Record(t.Context(), run[1:])
	_, appended := d.Store().Log.Append(t.Context(), run[1:])
	for _, err := range []error{record, appended} {
		if !errors.Is(err, events.ErrInvalid) {
			t.Errorf("error %v, want events.ErrInvalid", err)
		}
	}
	mustRecord(t, d, run)
	fold(t, d.Store(), w.stream)
}

func TestRecorder_an_older_run_brings_nobody_back(t *testing.T) {
	d := openTemp(t)
	w := &writer{stream: events.Stream{Node: "n1", Epoch: 1}}
	var runs [][]events.Event
	for range 6 {
		runs = append(runs, w.run(30))
		mustRecord(t, d, runs[len(runs)-1])
	}
	for _, run := range runs {
		mustRecord(t, d, run)
		fold(t, d.Store(), w.stream)
	}
}

func TestRecorder_another_writer_is_fenced(t *testing.T) {
	d := openTemp(t)
	w := &writer{stream: events.Stream{Node: "n1", Epoch: 1}}
	run := w.run(10)
	mustRecord(t, d, run)
	run[9].At = events.Milliseconds(run[9].At.Add(1_000_000))
	before := commits(t, d)
	_, err := d.Store().Recorder.Record(t.Context(), run)
	if !errors.Is(err, presence.ErrFenced) {
		t.Fatalf("error %v, want presence.ErrFenced", err)
	}
	if commits(t, d) != before {
		t.Fatal("something was written")
	}
}

// TestOnline_the_total_is_exact holds the count to the connections that there are,
// whatever is added and removed, twice or not at all, and after a write that fails.
func TestOnline_the_total_is_exact(t *testing.T) {
	d := openTemp(t)
	o := d.Store().Online
	there := make(map[events.Position]bool)
	rapid.Check(t, func(rt *rapid.T) {
		stream := events.Stream{Node: rapid.SampledFrom([]string{"n1", "n1-a", "n10"}).Draw(rt, "node"), Epoch: 1}
		ids := rapid.SliceOfNDistinct(rapid.Uint64Range(1, 30), 1, 20, rapid.ID[uint64]).Draw(rt, "ids")
		cut := rapid.IntRange(0, len(ids)).Draw(rt, "added")
		var add []presence.Connection
		var remove []events.Position
		for i, seq := range ids {
			if i < cut {
				user := rapid.SampledFrom([]string{"a", "b", "ß"}).Draw(rt, "user")
				add = append(add, presence.Connection{ID: stream.At(seq), User: user, Since: began})
			} else {
				remove = append(remove, stream.At(seq))
			}
		}
		failed := errors.New("on purpose")
		err := d.update(rt.Context(), "fail", func(tx *bbolt.Tx) error {
			p := openProjection(tx)
			for _, c := range add {
				p.add(c)
			}
			return errors.Join(failed, p.done())
		})
		if !errors.Is(err, failed) {
			rt.Fatal(err)
		}
		if err := o.Apply(rt.Context(), add, remove); err != nil {
			rt.Fatal(err)
		}
		for _, c := range add {
			there[c.ID] = true
		}
		for _, id := range remove {
			delete(there, id)
		}
		page, err := o.Users(rt.Context(), presence.UserQuery{Limit: 1})
		if err != nil || page.Total != len(there) {
			rt.Fatalf("total is %d, %v, want %d", page.Total, err, len(there))
		}
	})
}

func TestOnline_Apply_refuses_a_user_that_no_event_can_have(t *testing.T) {
	d := openTemp(t)
	c := presence.Connection{ID: events.Stream{Node: "n1", Epoch: 1}.At(1), User: "a\x00b", Since: began}
	if err := d.Store().Online.Apply(t.Context(), []presence.Connection{c}, nil); !errors.Is(err, events.ErrInvalid) {
		t.Fatalf("error %v, want events.ErrInvalid", err)
	}
}
