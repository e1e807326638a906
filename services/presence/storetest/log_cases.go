package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// logCases are the sentences of events.Log.
var logCases = []testCase{
	{"Append/adds_a_run_in_order", appendAddsInOrder},
	{"Append/keeps_every_field_of_every_type", appendKeepsFields},
	{"Append/keeps_the_first_and_the_last_time_there_is", appendKeepsTimes},
	{"Append/repeated_is_occupied_at_its_first_position", appendRepeated},
	{"Append/stops_at_the_first_position_that_is_taken", appendStopsAtTaken},
	{"Append/writes_nothing_after_a_position_that_is_taken", appendWritesNothingAfter},
	{"Append/leaves_what_is_there", appendLeavesWhatIsThere},
	{"Append/empty_does_nothing", appendEmpty},
	{"Append/invalid_is_refused_and_nothing_written", appendInvalid},
	{"Append/takes_1_100_and_1000_events", appendSizes},
	{"Read/begins_at_from_and_ends_at_limit", readWindow},
	{"Read/fewer_than_limit_means_no_more", readEnd},
	{"Read/stays_in_its_stream", readOneStream},
	{"Tail/is_the_last_event", tailLast},
	{"Tail/of_a_stream_without_events_is_not_found", tailNotFound},
	{"Highest/is_the_last_event_of_the_highest_epoch", highestEpoch},
	{"Highest/is_not_misled_by_similar_node_ids", highestSimilar},
	{"Highest/of_a_node_without_events_is_not_found", highestNotFound},
	{"Streams/pages_through_all_ascending_as_text", streamsPages},
	{"Log/a_context_that_ended_is_unavailable", logEnded},
}

func appendAddsInOrder(t *testing.T, s presence.Store) {
	run := life("n1", 1, 12)
	mustAppend(t, s.Log, run[:1])
	mustAppend(t, s.Log, run[1:5])
	mustAppend(t, s.Log, run[5:])
	mustHold(t, s.Log, run[0].ID.Stream, run)
}

func appendKeepsFields(t *testing.T, s presence.Store) {
	run := everyKind("n1")
	mustAppend(t, s.Log, run)
	mustHold(t, s.Log, run[0].ID.Stream, run)

	longest := everyKind("abcdefghijklmnopqrstuvw-")
	mustAppend(t, s.Log, longest)
	mustHold(t, s.Log, longest[0].ID.Stream, longest)
}

func appendKeepsTimes(t *testing.T, s presence.Store) {
	run := life("n1", 1, 5)
	for i, at := range []time.Time{
		time.UnixMilli(0).UTC(),
		time.Date(1970, 1, 1, 0, 0, 0, 1_000_000, time.UTC),
		time.Date(2026, 11, 23, 23, 59, 59, 999_000_000, time.UTC),
		time.Date(2262, 4, 12, 0, 0, 0, 0, time.UTC), // beyond the nanoseconds of an int64
		time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC),
	} {
		run[i].At = at
	}
	mustAppend(t, s.Log, run)
	mustHold(t, s.Log, run[0].ID.Stream, run)
}

func appendRepeated(t *testing.T, s presence.Store) {
	run := life("n1", 1, 4)
	mustAppend(t, s.Log, run)
	n, err := s.Log.Append(t.Context(), run)
	mustBeOccupied(t, err, run[0].ID)
	mustCount(t, n, 0)
	mustHold(t, s.Log, run[0].ID.Stream, run)
}

// appendStopsAtTaken has another writer's seal in the way, after streams of several
// lengths.
func appendStopsAtTaken(t *testing.T, s presence.Store) {
	for taken := 1; taken < 5; taken++ {
		run := life(fmt.Sprintf("n%d", taken), 1, 6)
		mustAppend(t, s.Log, run[:taken])
		other := &script{stream: run[0].ID.Stream, next: uint64(taken)}
		mustAppend(t, s.Log, []events.Event{other.sealed("n2")})

		n, err := s.Log.Append(t.Context(), run[taken:])
		mustBeOccupied(t, err, run[taken].ID)
		mustCount(t, n, 0)

		tail, err := s.Log.Tail(t.Context(), run[0].ID.Stream)
		must(t, err)
		if tail.Type != events.Sealed {
			t.Fatalf("the tail is %s %s, want the seal", tail.Type, tail.ID)
		}
	}
}

// appendWritesNothingAfter repeats a run of which only a part was written: it stops
// at the part, and the rest is not written either. What follows the part is.
func appendWritesNothingAfter(t *testing.T, s presence.Store) {
	run := life("n1", 1, 9)
	mustAppend(t, s.Log, run[:4])

	n, err := s.Log.Append(t.Context(), run[2:])
	mustBeOccupied(t, err, run[2].ID)
	mustCount(t, n, 0)
	mustHold(t, s.Log, run[0].ID.Stream, run[:4])

	mustAppend(t, s.Log, run[4:])
	mustHold(t, s.Log, run[0].ID.Stream, run)
}

func appendLeavesWhatIsThere(t *testing.T, s presence.Store) {
	run := life("n1", 1, 3)
	mustAppend(t, s.Log, run)
	other := slices.Clone(run)
	other[1].User, other[2].User = "mallory", "mallory"
	_, err := s.Log.Append(t.Context(), other)
	mustBeOccupied(t, err, run[0].ID)
	_, err = s.Log.Append(t.Context(), other[1:])
	mustBeOccupied(t, err, run[1].ID)
	mustHold(t, s.Log, run[0].ID.Stream, run)
}

func appendEmpty(t *testing.T, s presence.Store) {
	n, err := s.Log.Append(t.Context(), nil)
	must(t, err)
	mustCount(t, n, 0)
}

func appendInvalid(t *testing.T, s presence.Store) {
	for name, spoil := range spoilt {
		run := life("n1", 1, 6)
		spoil(run)
		n, err := s.Log.Append(t.Context(), run)
		if !errors.Is(err, events.ErrInvalid) {
			t.Errorf("%s: error %v, want events.ErrInvalid", name, err)
		}
		mustCount(t, n, 0)
		mustHold(t, s.Log, run[0].ID.Stream, nil)
	}
}

// spoilt are the ways to make a run of life invalid.
var spoilt = map[string]func(run []events.Event){
	"a hole in the run":          func(run []events.Event) { run[4].ID.Seq, run[5].ID.Seq = 5, 6 },
	"a position twice":           func(run []events.Event) { run[5].ID.Seq = 4 },
	"two streams":                func(run []events.Event) { run[5].ID.Epoch = 2 },
	"time going back":            func(run []events.Event) { run[5].At = run[4].At.Add(-time.Millisecond) },
	"microseconds":               func(run []events.Event) { run[5].At = run[5].At.Add(time.Microsecond) },
	"a local time":               func(run []events.Event) { run[5].At = run[5].At.In(time.FixedZone("BRT", -3*60*60)) },
	"no user":                    func(run []events.Event) { run[5].User = "" },
	"a user with NUL":            func(run []events.Event) { run[5].User = "a\x00b" },
	"a user of 129 bytes":        func(run []events.Event) { run[5].User = longUser + "x" },
	"a user that is not UTF-8":   func(run []events.Event) { run[5].User = "a\xff" },
	"a field of another type":    func(run []events.Event) { run[5].By = "n2" },
	"no type":                    func(run []events.Event) { run[5].Type = 0 },
	"opened beyond seq 0":        func(run []events.Event) { run[5] = run[0]; run[5].ID.Seq = 5 },
	"a seq that no int64 can be": func(run []events.Event) { run[5].ID.Seq = 1 << 63 },
}

func appendSizes(t *testing.T, s presence.Store) {
	for _, n := range []int{1, 100, 1000} {
		run := life(fmt.Sprintf("n%d", n), 1, n)
		mustAppend(t, s.Log, run)
		mustHold(t, s.Log, run[0].ID.Stream, run)
	}
}

func readWindow(t *testing.T, s presence.Store) {
	run := life("n1", 1, 20)
	mustAppend(t, s.Log, run)
	for _, w := range []struct{ from, limit int }{{0, 1}, {0, 20}, {3, 5}, {19, 1}, {10, 10}} {
		got, err := s.Log.Read(t.Context(), run[w.from].ID, w.limit)
		must(t, err)
		mustEqual(t, got, run[w.from:w.from+w.limit])
	}
}

func readEnd(t *testing.T, s presence.Store) {
	run := life("n1", 1, 10)
	mustAppend(t, s.Log, run)
	for _, w := range []struct{ from, limit int }{{0, 11}, {8, 5}, {9, 2}} {
		got, err := s.Log.Read(t.Context(), run[w.from].ID, w.limit)
		must(t, err)
		mustEqual(t, got, run[w.from:])
	}
	for _, from := range []events.Position{
		run[9].ID.Next(), run[0].ID.At(events.MaxSeq), events.Stream{Node: "n2", Epoch: 1}.At(0),
	} {
		got, err := s.Log.Read(t.Context(), from, 5)
		must(t, err)
		mustEqual(t, got, nil)
	}
}

func readOneStream(t *testing.T, s presence.Store) {
	streams := [][]events.Event{
		life("n1", 1, 4), life("n1", 2, 5), life("n1", 0x10, 6), life("n1-a", 1, 7), life("n10", 1, 8), life("n", 1, 9),
	}
	for _, run := range streams {
		mustAppend(t, s.Log, run)
	}
	for _, run := range streams {
		mustHold(t, s.Log, run[0].ID.Stream, run)
		got, err := s.Log.Read(t.Context(), run[2].ID, enough)
		must(t, err)
		mustEqual(t, got, run[2:])
	}
}

func tailLast(t *testing.T, s presence.Store) {
	streams := [][]events.Event{life("n1", 1, 1), life("n1", 2, 300), life("n1-a", 1, 3), life("n10", 1, 4)}
	for _, run := range streams {
		mustAppend(t, s.Log, run)
	}
	for _, run := range streams {
		tail, err := s.Log.Tail(t.Context(), run[0].ID.Stream)
		must(t, err)
		mustEqual(t, []events.Event{tail}, run[len(run)-1:])
	}
}

func tailNotFound(t *testing.T, s presence.Store) {
	_, err := s.Log.Tail(t.Context(), events.Stream{Node: "n1", Epoch: 1})
	mustBe(t, err, events.ErrNotFound)

	mustAppend(t, s.Log, life("n1", 2, 2))
	mustAppend(t, s.Log, life("n1-a", 1, 2))
	mustAppend(t, s.Log, life("n2", 1, 2))
	for _, none := range []events.Stream{{Node: "n1", Epoch: 1}, {Node: "n1", Epoch: 3}, {Node: "n", Epoch: 1}, {Node: "n10", Epoch: 2}} {
		_, err := s.Log.Tail(t.Context(), none)
		mustBe(t, err, events.ErrNotFound)
	}
}

func highestEpoch(t *testing.T, s presence.Store) {
	for _, epoch := range []uint32{1, 2, 0xf, 0x10, 0xffffffff} {
		run := life("n1", epoch, 3)
		mustAppend(t, s.Log, run)
		highest, err := s.Log.Highest(t.Context(), "n1")
		must(t, err)
		mustEqual(t, []events.Event{highest}, run[2:])
	}
	// More in an older epoch: a takeover finishes what it began.
	older := life("n1", 2, 4)
	mustAppend(t, s.Log, older[3:])
	highest, err := s.Log.Highest(t.Context(), "n1")
	must(t, err)
	mustEqual(t, []events.Event{highest}, life("n1", 0xffffffff, 3)[2:])
}

// similar are node ids of which one begins like another, and that are ordered in
// different ways as node ids and as positions ("-" < "/" < "0").
var similar = []string{"n", "n1", "n1-", "n1-a", "n1-1", "n10", "n1a", "n11", "n2", "0", "z"}

func highestSimilar(t *testing.T, s presence.Store) {
	for i, node := range similar {
		mustAppend(t, s.Log, life(node, uint32(i+1), 2))
		mustAppend(t, s.Log, life(node, uint32(i+2), i+1))
	}
	for i, node := range similar {
		highest, err := s.Log.Highest(t.Context(), node)
		must(t, err)
		mustEqual(t, []events.Event{highest}, life(node, uint32(i+2), i+1)[i:])
	}
}

func highestNotFound(t *testing.T, s presence.Store) {
	_, err := s.Log.Highest(t.Context(), "n1")
	mustBe(t, err, events.ErrNotFound)

	for _, node := range similar {
		if node != "n1" {
			mustAppend(t, s.Log, life(node, 1, 2))
		}
	}
	for _, none := range []string{"n1", "a", "zz"} {
		_, err := s.Log.Highest(t.Context(), none)
		mustBe(t, err, events.ErrNotFound)
	}
}

func streamsPages(t *testing.T, s presence.Store) {
	empty, err := s.Log.Streams(t.Context(), events.Stream{}, 3)
	must(t, err)
	mustEqual(t, empty, nil)

	var all []events.Stream
	for i, node := range similar {
		for epoch := uint32(1); epoch <= 3; epoch++ {
			mustAppend(t, s.Log, life(node, epoch, i+1))
			all = append(all, events.Stream{Node: node, Epoch: epoch})
		}
	}
	slices.SortFunc(all, events.Stream.Compare)

	for _, limit := range []int{1, 2, 5, len(all), len(all) + 1} {
		var got []events.Stream
		for after := (events.Stream{}); ; after = got[len(got)-1] {
			page, err := s.Log.Streams(t.Context(), after, limit)
			must(t, err)
			if len(page) > limit {
				t.Fatalf("%d streams, and the limit was %d", len(page), limit)
			}
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		mustEqual(t, got, all)
	}

	// After a stream that is not there: those beyond it.
	page, err := s.Log.Streams(t.Context(), events.Stream{Node: "n1", Epoch: 99}, 1)
	must(t, err)
	mustEqual(t, page, []events.Stream{{Node: "n10", Epoch: 1}})
}

func logEnded(t *testing.T, s presence.Store) {
	run := life("n1", 1, 3)
	mustAppend(t, s.Log, run[:2])
	ctx := ended(t)

	n, err := s.Log.Append(ctx, run[2:])
	mustBe(t, err, events.ErrUnavailable)
	mustCount(t, n, 0)
	_, err = s.Log.Read(ctx, run[0].ID, 1)
	mustBe(t, err, events.ErrUnavailable)
	_, err = s.Log.Tail(ctx, run[0].ID.Stream)
	mustBe(t, err, events.ErrUnavailable)
	_, err = s.Log.Highest(ctx, "n1")
	mustBe(t, err, events.ErrUnavailable)
	_, err = s.Log.Streams(ctx, events.Stream{}, 1)
	mustBe(t, err, events.ErrUnavailable)
}
