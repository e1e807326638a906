package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// recorderCases are the sentences of presence.Recorder.
var recorderCases = []testCase{
	{"Record/is_durable_and_visible", recordVisible},
	{"Record/removes_who_left", recordLeft},
	{"Record/came_and_went_in_one_run_leaves_nothing", recordPair},
	{"Record/repeated_changes_nothing", recordRepeated},
	{"Record/repeated_from_n_changes_nothing", recordRepeatedFromN},
	{"Record/goes_on_where_an_earlier_try_wrote_a_part", recordPart},
	{"Record/goes_on_where_an_earlier_try_made_a_part_visible", recordPartVisible},
	{"Record/on_a_sealed_stream_is_fenced", recordFenced},
	{"Record/on_a_stream_that_was_taken_over_is_fenced", recordTakenOver},
	{"Record/fenced_in_the_middle_of_a_run", recordFencedMiddle},
	{"Record/is_not_fenced_by_the_seal_of_another_epoch", recordOtherSeal},
	{"Record/empty_does_nothing", recordEmpty},
	{"Record/invalid_is_refused_and_nothing_written", recordInvalid},
	{"Record/takes_1_100_and_1000_events", recordSizes},
	{"Record/a_context_that_ended_is_unavailable", recordEnded},
}

// mustHoldAndShow fails unless the log holds run, and online is its fold (I6).
func mustHoldAndShow(t tester, s presence.Store, run []events.Event) {
	t.Helper()
	mustHold(t, s.Log, run[0].ID.Stream, run)
	var fold events.Fold
	for _, e := range run {
		must(t, fold.Apply(e))
	}
	mustShow(t, s.Online, run[0].ID.Stream, connections(fold.Open()...))
}

func recordVisible(t *testing.T, s presence.Store) {
	run := life("n1", 1, 6)
	mustRecord(t, s.Recorder, run[:1])
	mustHoldAndShow(t, s, run[:1])
	mustRecord(t, s.Recorder, run[1:3])
	mustHoldAndShow(t, s, run[:3])
	mustRecord(t, s.Recorder, run[3:])
	mustHoldAndShow(t, s, run)
}

func recordLeft(t *testing.T, s presence.Store) {
	run := life("n1", 1, 6)
	w := &script{stream: run[0].ID.Stream, next: 6}
	mustRecord(t, s.Recorder, run)
	run = append(run, w.disconnected(run[2], events.Client), w.disconnected(run[5], events.Timeout))
	mustRecord(t, s.Recorder, run[6:])
	mustHoldAndShow(t, s, run)
	run = append(run, w.disconnected(run[1], events.Slow), w.connected("late"))
	mustRecord(t, s.Recorder, run[8:])
	mustHoldAndShow(t, s, run)
}

func recordPair(t *testing.T, s presence.Store) {
	w := newScript("n1", 1)
	open, stays, goes := w.opened(), w.connected("stays"), w.connected("goes")
	run := []events.Event{open, stays, goes, w.disconnected(goes, events.Client)}
	mustRecord(t, s.Recorder, run)
	mustHoldAndShow(t, s, run)

	again := w.connected("goes")
	more := []events.Event{again, w.disconnected(again, events.Client), w.disconnected(stays, events.Client)}
	mustRecord(t, s.Recorder, more)
	mustHoldAndShow(t, s, append(run, more...))
}

// mixed is a stream whose last run, from seq 4 on, adds, removes, and has a pair.
func mixed(node string) (run []events.Event, last int) {
	w := newScript(node, 1)
	run = []events.Event{w.opened(), w.connected("a"), w.connected("b"), w.connected("c")}
	last = len(run)
	d := w.connected("d")
	return append(run, d, w.disconnected(run[1], events.Client), w.connected("e"),
		w.disconnected(d, events.Kicked), w.disconnected(run[3], events.Client), w.connected("f")), last
}

func recordRepeated(t *testing.T, s presence.Store) {
	run, last := mixed("n1")
	mustRecord(t, s.Recorder, run[:last])
	for range 3 {
		mustRecord(t, s.Recorder, run[last:])
		mustHoldAndShow(t, s, run)
	}
}

func recordRepeatedFromN(t *testing.T, s presence.Store) {
	run, last := mixed("n1")
	mustRecord(t, s.Recorder, run[:last])
	mustRecord(t, s.Recorder, run[last:])
	for n := last; n < len(run); n++ {
		mustRecord(t, s.Recorder, run[n:])
		mustHoldAndShow(t, s, run)
	}
}

// left reports whether run has the disconnected event of c.
func left(run []events.Event, c events.Event) bool {
	return slices.ContainsFunc(run, func(e events.Event) bool { return e.Type == events.Disconnected && e.Conn == c.ID })
}

// recordPart has an earlier try that wrote each possible part of a run, all of it
// included, to the log, and nothing to online.
func recordPart(t *testing.T, s presence.Store) {
	for part := range 7 {
		run, last := mixed(fmt.Sprintf("n%d", part))
		mustRecord(t, s.Recorder, run[:last])
		mustAppend(t, s.Log, run[last:][:part])
		mustRecord(t, s.Recorder, run[last:])
		mustHoldAndShow(t, s, run)
	}
}

// recordPartVisible has an earlier try that wrote all of a run to the log, and each
// single change of it to online.
func recordPartVisible(t *testing.T, s presence.Store) {
	run, last := mixed("n")
	for i := range run[last:] {
		run, last := mixed(fmt.Sprintf("n%d", i))
		mustRecord(t, s.Recorder, run[:last])
		mustAppend(t, s.Log, run[last:])
		switch e := run[last+i]; {
		case e.Type == events.Disconnected:
			mustApply(t, s.Online, nil, e.Conn)
		case !left(run, e):
			mustApply(t, s.Online, connections(e))
		}
		mustRecord(t, s.Recorder, run[last:])
		mustHoldAndShow(t, s, run)
	}
}

// mustBeFenced fails unless a Record was fenced, and has not added to the stream.
func mustBeFenced(t tester, s presence.Store, run, want []events.Event) {
	t.Helper()
	n, err := s.Recorder.Record(t.Context(), run)
	mustBe(t, err, presence.ErrFenced)
	if n < 0 || n >= len(run) {
		t.Fatalf("n is %d after ErrFenced, of %d", n, len(run))
	}
	mustHold(t, s.Log, run[0].ID.Stream, want)
}

func recordFenced(t *testing.T, s presence.Store) {
	run := life("n1", 1, 8)
	mustRecord(t, s.Recorder, run[:4])
	peer := &script{stream: run[0].ID.Stream, next: 4}
	sealed := append(slices.Clone(run[:4]), peer.sealed("n2"))
	mustAppend(t, s.Log, sealed[4:])

	for range 2 { // nothing more will ever be recorded in it
		mustBeFenced(t, s, run[4:], sealed)
		mustBeFenced(t, s, run[4:5], sealed)
	}
	mustShow(t, s.Online, run[0].ID.Stream, connections(run[:4]...))
}

func recordTakenOver(t *testing.T, s presence.Store) {
	run := life("n1", 1, 12)
	mustRecord(t, s.Recorder, run[:4])
	peer := &script{stream: run[0].ID.Stream, next: 4}
	ended := append(slices.Clone(run[:4]), peer.sealed("n2"))
	for _, c := range run[1:4] {
		ended = append(ended, peer.lost(c))
	}
	mustAppend(t, s.Log, ended[4:])
	must(t, s.Online.DropStream(t.Context(), run[0].ID.Stream))

	mustBeFenced(t, s, run[4:], ended)
	mustBeFenced(t, s, run[4:6], ended)
	mustShow(t, s.Online, run[0].ID.Stream, nil)
}

func recordFencedMiddle(t *testing.T, s presence.Store) {
	run := life("n1", 1, 10)
	mustRecord(t, s.Recorder, run[:4])
	mustAppend(t, s.Log, run[4:6]) // an earlier try of the run, which did not finish
	peer := &script{stream: run[0].ID.Stream, next: 6}
	sealed := append(slices.Clone(run[:6]), peer.sealed("n2"))
	mustAppend(t, s.Log, sealed[6:])
	mustBeFenced(t, s, run[4:], sealed)
	mustShow(t, s.Online, run[0].ID.Stream, connections(run[:4]...))
}

func recordOtherSeal(t *testing.T, s presence.Store) {
	older := life("n1", 1, 3)
	w := &script{stream: older[0].ID.Stream, next: 3}
	mustRecord(t, s.Recorder, older)
	mustAppend(t, s.Log, []events.Event{w.sealed("n1")})

	run := life("n1", 2, 4)
	mustRecord(t, s.Recorder, run)
	mustHoldAndShow(t, s, run)
}

func recordEmpty(t *testing.T, s presence.Store) {
	n, err := s.Recorder.Record(t.Context(), nil)
	must(t, err)
	mustCount(t, n, 0)
}

func recordInvalid(t *testing.T, s presence.Store) {
	for name, spoil := range spoilt {
		run := life("n1", 1, 6)
		spoil(run)
		n, err := s.Recorder.Record(t.Context(), run)
		if !errors.Is(err, events.ErrInvalid) {
			t.Errorf("%s: error %v, want events.ErrInvalid", name, err)
		}
		mustCount(t, n, 0)
		mustHold(t, s.Log, run[0].ID.Stream, nil)
		mustShow(t, s.Online, run[0].ID.Stream, nil)
	}
}

func recordSizes(t *testing.T, s presence.Store) {
	for _, n := range []int{1, 100, 1000} {
		run := life(fmt.Sprintf("n%d", n), 1, n+1)
		mustRecord(t, s.Recorder, run[:1])
		mustRecord(t, s.Recorder, run[1:])
		w := &script{stream: run[0].ID.Stream, next: uint64(n + 1)}
		for _, c := range run[1:] {
			run = append(run, w.disconnected(c, events.Shutdown))
		}
		mustHoldAndShow(t, s, run[:n+1])
		mustRecord(t, s.Recorder, run[n+1:])
		mustHoldAndShow(t, s, run)
	}
}

func recordEnded(t *testing.T, s presence.Store) {
	run := life("n1", 1, 3)
	mustRecord(t, s.Recorder, run[:2])
	n, err := s.Recorder.Record(ended(t), run[2:])
	mustBe(t, err, events.ErrUnavailable)
	if n != 0 {
		t.Fatalf("n is %d, and nothing is known", n)
	}
}
