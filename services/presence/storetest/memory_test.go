package storetest

import (
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

func TestMemory_keeps_the_contracts(t *testing.T) {
	Run(t, func(*testing.T) presence.Store { return NewMemory().Store() })
}

func TestMemory_keeps_the_contracts_in_two_steps(t *testing.T) {
	Run(t, func(*testing.T) presence.Store {
		s := NewMemory().Store()
		s.Recorder = presence.TwoStep(s.Log, s.Online)
		return s
	})
}

func TestMemory_Append_refuses_a_hole(t *testing.T) {
	s := NewMemory().Store()
	run := life("n1", 1, 6)
	mustAppend(t, s.Log, run[:2])
	n, err := s.Log.Append(t.Context(), run[3:])
	mustBe(t, err, events.ErrInvalid)
	mustCount(t, n, 0)
	_, err = s.Recorder.Record(t.Context(), run[3:])
	mustBe(t, err, events.ErrInvalid)
	mustHold(t, s.Log, run[0].ID.Stream, run[:2])
}

func TestMemory_Record_of_an_older_run_brings_nobody_back(t *testing.T) {
	s := NewMemory().Store()
	run := life("n1", 1, 4)
	w := &script{stream: run[0].ID.Stream, next: 4}
	run = append(run, w.disconnected(run[1], events.Client), w.disconnected(run[3], events.Client))
	mustRecord(t, s.Recorder, run[:4])
	mustRecord(t, s.Recorder, run[4:])
	mustRecord(t, s.Recorder, run[:4])
	mustHoldAndShow(t, s, run)
}

func TestMemory_Record_of_another_writer_is_fenced(t *testing.T) {
	s := NewMemory().Store()
	run := life("n1", 1, 4)
	mustRecord(t, s.Recorder, run)
	run[2].User, run[3].User = "mallory", "mallory"
	_, err := s.Recorder.Record(t.Context(), run[2:])
	mustBe(t, err, presence.ErrFenced)
}

func TestMemory_Now_is_the_clock_of_beats(t *testing.T) {
	m := NewMemory()
	now := time.Date(2026, 11, 23, 10, 0, 0, 999_999_999, time.FixedZone("BRT", -3*60*60))
	m.Now = func() time.Time { return now }
	must(t, m.Store().Nodes.Join(t.Context(), member("n1", 1, 1)))
	all := mustMeet(t, m.Store().Nodes, member("n1", 1, 1))
	if want := time.Date(2026, 11, 23, 13, 0, 0, 999_000_000, time.UTC); all[0].BeatAt != want {
		t.Fatalf("beatAt is %v, want %v", all[0].BeatAt, want)
	}
}
