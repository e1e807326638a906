package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// snapshotCases are the sentences of presence.Snapshots.
var snapshotCases = []testCase{
	{"Add/gives_back_what_it_was_given", addGivesBack},
	{"Add/leaves_what_is_there", addLeaves},
	{"Read/only_of_the_position", readOnlyOf},
	{"Before_and_After/find_the_nearest_of_the_stream", nearest},
	{"Before_and_After/none", nearestNone},
	{"fails_when_the_context_has_ended", snapshotsEnded},
}

// chunk is one of some chunks of a snapshot, with n open connections.
func chunk(of events.Position, number, chunks, n int) presence.Chunk {
	c := presence.Chunk{Of: of, N: number, Chunks: chunks, At: began, Version: 1, Open: []events.Open{}}
	for i := range n {
		c.Open = append(c.Open, events.Open{
			Conn: of.At(uint64(number*n + i + 1)), User: hostile[i%len(hostile)], Since: began.Add(-time.Duration(i) * time.Millisecond),
		})
	}
	return c
}

// mustRead fails unless there are exactly these chunks of the snapshot at a position.
func mustRead(t *testing.T, s presence.Snapshots, at events.Position, want ...presence.Chunk) {
	t.Helper()
	got, err := s.Read(t.Context(), at)
	must(t, err)
	same := slices.EqualFunc(got, want, func(a, b presence.Chunk) bool {
		open := slices.Equal(a.Open, b.Open) // nil or empty
		a.Open, b.Open = nil, nil
		return open && reflect.DeepEqual(a, b)
	})
	if !same {
		t.Fatalf("chunks of %s\nare  %+v\nwant %+v", at, got, want)
	}
}

func addGivesBack(t *testing.T, s presence.Store) {
	small := chunk(events.Stream{Node: "n1", Epoch: 1}.At(0), 0, 1, 0)
	far := chunk(events.Stream{Node: "abcdefghijklmnopqrstuvw-", Epoch: 0xffffffff}.At(events.MaxSeq), 0, 2, 1000)
	far.Version = 7 // the store does not judge it
	rest := chunk(far.Of, 300, 2, len(hostile))
	must(t, s.Snapshots.Add(t.Context(), []presence.Chunk{small}))
	must(t, s.Snapshots.Add(t.Context(), []presence.Chunk{rest, far}))
	mustRead(t, s.Snapshots, small.Of, small)
	mustRead(t, s.Snapshots, far.Of, far, rest)
}

func addLeaves(t *testing.T, s presence.Store) {
	p := events.Stream{Node: "n1", Epoch: 1}.At(5)
	first, second := chunk(p, 0, 2, 3), chunk(p, 1, 2, 3)
	must(t, s.Snapshots.Add(t.Context(), []presence.Chunk{second}))
	other := chunk(p, 1, 9, 1)
	must(t, s.Snapshots.Add(t.Context(), []presence.Chunk{first, other}))
	must(t, s.Snapshots.Add(t.Context(), nil))
	mustRead(t, s.Snapshots, p, first, second)
}

func readOnlyOf(t *testing.T, s presence.Store) {
	var all []presence.Chunk
	for _, node := range similar {
		for _, seq := range []uint64{0, 1, 0x10, 0x11} {
			all = append(all, chunk(events.Stream{Node: node, Epoch: 1}.At(seq), 0, 1, 1))
		}
	}
	must(t, s.Snapshots.Add(t.Context(), all))
	for _, c := range all {
		mustRead(t, s.Snapshots, c.Of, c)
	}
	mustRead(t, s.Snapshots, all[0].Of.At(2))
}

func nearest(t *testing.T, s presence.Store) {
	for _, node := range similar {
		stream := events.Stream{Node: node, Epoch: 2}
		for _, seq := range []uint64{10, 20} {
			must(t, s.Snapshots.Add(t.Context(), []presence.Chunk{chunk(stream.At(seq), 1, 3, 1), chunk(stream.At(seq), 2, 3, 1)}))
		}
	}
	for _, node := range similar {
		stream := events.Stream{Node: node, Epoch: 2}
		for _, c := range []struct{ seq, before, after uint64 }{
			{0, 0, 10}, {9, 0, 10}, {10, 10, 10}, {11, 10, 20}, {20, 20, 20}, {21, 20, 0}, {events.MaxSeq, 20, 0},
		} {
			got, err := s.Snapshots.Before(t.Context(), stream.At(c.seq))
			mustFindAt(t, fmt.Sprint("before ", c.seq), got, err, stream, c.before)
			got, err = s.Snapshots.After(t.Context(), stream.At(c.seq))
			mustFindAt(t, fmt.Sprint("after ", c.seq), got, err, stream, c.after)
		}
	}
}

// mustFindAt fails unless the position at seq was found; none, if that is 0.
func mustFindAt(t *testing.T, what string, got events.Position, err error, s events.Stream, seq uint64) {
	t.Helper()
	if seq == 0 {
		mustBe(t, err, events.ErrNotFound)
		return
	}
	if err != nil || got != s.At(seq) {
		t.Fatalf("%s: %s, %v, want %s", what, got, err, s.At(seq))
	}
}

func nearestNone(t *testing.T, s presence.Store) {
	stream := events.Stream{Node: "n1", Epoch: 2}
	for range 2 {
		_, err := s.Snapshots.Before(t.Context(), stream.At(9))
		mustBe(t, err, events.ErrNotFound)
		_, err = s.Snapshots.After(t.Context(), stream.At(0))
		mustBe(t, err, events.ErrNotFound)
		// Now there are some, of other epochs.
		must(t, s.Snapshots.Add(t.Context(), []presence.Chunk{
			chunk(events.Stream{Node: "n1", Epoch: 1}.At(5), 0, 1, 1), chunk(events.Stream{Node: "n1", Epoch: 3}.At(5), 0, 1, 1),
		}))
	}
}

func snapshotsEnded(t *testing.T, s presence.Store) {
	c := chunk(events.Stream{Node: "n1", Epoch: 1}.At(5), 0, 1, 1)
	mustBe(t, s.Snapshots.Add(ended(t), []presence.Chunk{c}), events.ErrUnavailable)
	_, err := s.Snapshots.Read(ended(t), c.Of)
	mustBe(t, err, events.ErrUnavailable)
	_, err = s.Snapshots.Before(ended(t), c.Of)
	mustBe(t, err, events.ErrUnavailable)
	_, err = s.Snapshots.After(ended(t), c.Of)
	mustBe(t, err, events.ErrUnavailable)
}
