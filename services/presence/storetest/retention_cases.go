package storetest

import (
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// retentionCases are the sentences of presence.Retention, and what is left to the other
// contracts by a stream whose first events are gone.
var retentionCases = []testCase{
	{"DeleteEvents/only_before_the_position", deleteBefore},
	{"DeleteEvents/all_of_a_stream", deleteStream},
	{"DeleteEvents/leaves_a_stream_that_goes_on", deleteGoesOn},
	{"DeleteSnapshots/only_before_the_position", deleteSnapshotsBefore},
	{"fails_when_the_context_has_ended", retentionEnded},
}

// alike appends the same stream under each of the similar node ids, in two epochs.
func alike(t *testing.T, s presence.Store) (all [][]events.Event) {
	for _, node := range similar {
		for epoch := uint32(1); epoch <= 2; epoch++ {
			run := life(node, epoch, 6)
			mustAppend(t, s.Log, run)
			all = append(all, run)
		}
	}
	return all
}

func deleteBefore(t *testing.T, s presence.Store) {
	all := alike(t, s)
	cut := all[2] // n1, epoch 1
	for _, seq := range []uint64{0, 2, 4, 4, 1} {
		must(t, s.Retention.DeleteEvents(t.Context(), cut[0].ID.At(seq)))
	}
	all[2] = cut[4:]
	for i, run := range all {
		mustHold(t, s.Log, run[0].ID.Stream, all[i])
		tail, err := s.Log.Tail(t.Context(), run[0].ID.Stream)
		must(t, err)
		mustEqual(t, []events.Event{tail}, run[len(run)-1:])
	}
	got, err := s.Log.Read(t.Context(), cut[3].ID, 1)
	must(t, err)
	mustEqual(t, got, cut[4:5])
	own, err := s.Past.OfUser(t.Context(), cut[5].User, presence.Moment{At: began.AddDate(1, 0, 0)}, enough)
	must(t, err)
	mustEqual(t, own, nil)
}

func deleteStream(t *testing.T, s presence.Store) {
	all := alike(t, s)
	gone := all[2][0].ID.Stream
	for range 2 {
		must(t, s.Retention.DeleteEvents(t.Context(), gone.At(6)))
	}
	_, err := s.Log.Tail(t.Context(), gone)
	mustBe(t, err, events.ErrNotFound)
	streams, err := s.Log.Streams(t.Context(), events.Stream{}, enough)
	must(t, err)
	mustCount(t, len(streams), len(all)-1)
	last, err := s.Log.Highest(t.Context(), gone.Node)
	must(t, err)
	mustEqual(t, []events.Event{last}, all[3][5:])
}

func deleteGoesOn(t *testing.T, s presence.Store) {
	w := newScript("n1", 1)
	run := []events.Event{w.opened(), w.connected("a"), w.connected("b"), w.connected("c")}
	mustRecord(t, s.Recorder, run)
	must(t, s.Retention.DeleteEvents(t.Context(), run[2].ID))
	more := []events.Event{w.disconnected(run[3], events.Client), w.connected("d")}
	mustRecord(t, s.Recorder, more)
	mustRecord(t, s.Recorder, more) // again: nothing changes
	mustHold(t, s.Log, w.stream, append(run[2:], more...))
	mustShow(t, s.Online, w.stream, connections(run[1], run[2], more[1]))
	_, err := s.Log.Append(t.Context(), run[2:3])
	mustBeOccupied(t, err, run[2].ID)
}

func deleteSnapshotsBefore(t *testing.T, s presence.Store) {
	must(t, s.Retention.DeleteSnapshots(t.Context(), events.Stream{Node: "n1", Epoch: 1}.At(9))) // there are none yet
	var kept []presence.Chunk
	for _, node := range similar {
		for _, seq := range []uint64{3, 4, 5} {
			c := chunk(events.Stream{Node: node, Epoch: 1}.At(seq), 1, 2, 1)
			must(t, s.Snapshots.Add(t.Context(), []presence.Chunk{c}))
			if node != "n1" || seq >= 4 {
				kept = append(kept, c)
			}
		}
	}
	below := events.Stream{Node: "n1", Epoch: 1}.At(4)
	for range 2 {
		must(t, s.Retention.DeleteSnapshots(t.Context(), below))
	}
	for _, c := range kept {
		mustRead(t, s.Snapshots, c.Of, c)
	}
	mustRead(t, s.Snapshots, below.At(3))
}

func retentionEnded(t *testing.T, s presence.Store) {
	run := life("n1", 1, 3)
	mustAppend(t, s.Log, run)
	mustBe(t, s.Retention.DeleteEvents(ended(t), run[2].ID), events.ErrUnavailable)
	mustBe(t, s.Retention.DeleteSnapshots(ended(t), run[2].ID), events.ErrUnavailable)
	mustBe(t, s.Retention.SetHorizon(ended(t), began), events.ErrUnavailable)
	mustHold(t, s.Log, run[0].ID.Stream, run)
	mustHorizon(t, s.Past, time.Time{})
}
