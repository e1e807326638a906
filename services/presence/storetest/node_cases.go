package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// nodeCases are the sentences of presence.Nodes.
var nodeCases = []testCase{
	{"Join/adds_a_document_with_every_field", joinAdds},
	{"Join/leaves_what_is_there", joinLeaves},
	{"Beat/rewrites_the_document", beatRewrites},
	{"Beat/may_be_repeated", beatRepeated},
	{"Beat/is_lost_when_the_document_is_gone", beatGone},
	{"Beat/is_lost_at_a_beat_of_another", beatOther},
	{"BeatAt/is_set_by_the_store", beatAtSet},
	{"Remove/removes_that_document_only", nodesRemove},
	{"All/ascending_by_stream_as_text", nodesAll},
	{"Nodes/a_context_that_ended_is_unavailable", nodesEnded},
}

// member is the document of a stream at a beat.
func member(node string, epoch uint32, beat uint64) presence.Node {
	s := events.Stream{Node: node, Epoch: epoch}
	return presence.Node{
		Stream: s, Addr: "127.0.0.1:8080", Beat: beat, Tail: s.At(10 * beat), Connections: int(beat) + 7,
		Version: "v1.2.3", StartedAt: began,
	}
}

// mustMeet fails unless the documents are want, whatever their BeatAt, and returns them.
func mustMeet(t tester, s presence.Nodes, want ...presence.Node) []presence.Node {
	t.Helper()
	all, err := s.All(t.Context())
	must(t, err)
	got := slices.Clone(all)
	for i := range got {
		got[i].BeatAt = time.Time{}
	}
	mustEqual(t, got, want)
	return all
}

func joinAdds(t *testing.T, s presence.Store) {
	n1, far := member("n1", 1, 1), member("abcdefghijklmnopqrstuvw-", 0xffffffff, 1<<62)
	far.Connections, far.Addr, far.Version = 0, "", ""
	far.Tail = far.Stream.At(events.MaxSeq)
	must(t, s.Nodes.Join(t.Context(), n1))
	must(t, s.Nodes.Join(t.Context(), far))
	mustMeet(t, s.Nodes, far, n1)
}

func joinLeaves(t *testing.T, s presence.Store) {
	must(t, s.Nodes.Join(t.Context(), member("n1", 1, 1)))
	must(t, s.Nodes.Join(t.Context(), member("n1", 1, 9)))
	mustMeet(t, s.Nodes, member("n1", 1, 1))
	must(t, s.Nodes.Beat(t.Context(), member("n1", 1, 2), 1))
	must(t, s.Nodes.Join(t.Context(), member("n1", 1, 1)))
	mustMeet(t, s.Nodes, member("n1", 1, 2))
}

func beatRewrites(t *testing.T, s presence.Store) {
	must(t, s.Nodes.Join(t.Context(), member("n1", 1, 1)))
	must(t, s.Nodes.Join(t.Context(), member("n1", 2, 1)))
	must(t, s.Nodes.Join(t.Context(), member("n10", 1, 1)))
	for beat := uint64(2); beat < 5; beat++ {
		must(t, s.Nodes.Beat(t.Context(), member("n1", 1, beat), beat-1))
		mustMeet(t, s.Nodes, member("n1", 1, beat), member("n1", 2, 1), member("n10", 1, 1))
	}
}

// beatRepeated has beats whose acknowledgement was lost: the owner counts on, and
// acked stays behind.
func beatRepeated(t *testing.T, s presence.Store) {
	must(t, s.Nodes.Join(t.Context(), member("n1", 1, 1)))
	for range 2 {
		must(t, s.Nodes.Beat(t.Context(), member("n1", 1, 2), 1))
	}
	must(t, s.Nodes.Beat(t.Context(), member("n1", 1, 4), 1)) // 3 was lost on its way
	must(t, s.Nodes.Beat(t.Context(), member("n1", 1, 4), 4))
	must(t, s.Nodes.Beat(t.Context(), member("n1", 1, 5), 2))
	mustMeet(t, s.Nodes, member("n1", 1, 5))
}

func beatGone(t *testing.T, s presence.Store) {
	must(t, s.Nodes.Join(t.Context(), member("n10", 1, 1)))
	mustBe(t, s.Nodes.Beat(t.Context(), member("n1", 1, 2), 1), presence.ErrBeatLost)
	mustBe(t, s.Nodes.Beat(t.Context(), member("n1", 1, 1), 0), presence.ErrBeatLost)
	mustMeet(t, s.Nodes, member("n10", 1, 1)) // it never adds one

	must(t, s.Nodes.Join(t.Context(), member("n1", 1, 1)))
	must(t, s.Nodes.Remove(t.Context(), member("n1", 1, 1).Stream))
	mustBe(t, s.Nodes.Beat(t.Context(), member("n1", 1, 2), 1), presence.ErrBeatLost)
	mustMeet(t, s.Nodes, member("n10", 1, 1))
}

func beatOther(t *testing.T, s presence.Store) {
	must(t, s.Nodes.Join(t.Context(), member("n1", 1, 5)))
	// Older than acked, as after a database was restored from a backup.
	mustBe(t, s.Nodes.Beat(t.Context(), member("n1", 1, 8), 6), presence.ErrBeatLost)
	mustBe(t, s.Nodes.Beat(t.Context(), member("n1", 1, 6), 6), presence.ErrBeatLost)
	// Newer than any its owner wrote.
	mustBe(t, s.Nodes.Beat(t.Context(), member("n1", 1, 4), 3), presence.ErrBeatLost)
	mustMeet(t, s.Nodes, member("n1", 1, 5))
	// The bounds belong to it.
	must(t, s.Nodes.Beat(t.Context(), member("n1", 1, 5), 5))
	must(t, s.Nodes.Beat(t.Context(), member("n1", 1, 6), 5))
	mustMeet(t, s.Nodes, member("n1", 1, 6))
}

func beatAtSet(t *testing.T, s presence.Store) {
	n := member("n1", 1, 1)
	n.BeatAt = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	must(t, s.Nodes.Join(t.Context(), n))
	last := mustBeat(t, s.Nodes, n.BeatAt)

	eventually(t, "the store's clock moves on", func() bool {
		n.Beat++
		must(t, s.Nodes.Beat(t.Context(), n, n.Beat-1))
		return mustBeat(t, s.Nodes, n.BeatAt).After(last)
	})
}

// mustBeat returns the BeatAt of the only document; it fails unless it is a time as
// events keep it, and not the one that was written.
func mustBeat(t tester, s presence.Nodes, written time.Time) time.Time {
	t.Helper()
	all, err := s.All(t.Context())
	must(t, err)
	mustCount(t, len(all), 1)
	at := all[0].BeatAt
	if at.IsZero() || at != events.Milliseconds(at) || at.Equal(written) {
		t.Fatalf("beatAt is %v, want the store's time in whole milliseconds, UTC", at)
	}
	return at
}

func nodesRemove(t *testing.T, s presence.Store) {
	must(t, s.Nodes.Join(t.Context(), member("n1", 1, 1)))
	must(t, s.Nodes.Join(t.Context(), member("n1", 2, 1)))
	must(t, s.Nodes.Join(t.Context(), member("n10", 1, 1)))
	for range 2 {
		must(t, s.Nodes.Remove(t.Context(), member("n1", 1, 1).Stream))
		mustMeet(t, s.Nodes, member("n1", 2, 1), member("n10", 1, 1))
	}
	must(t, s.Nodes.Join(t.Context(), member("n1", 1, 3)))
	mustMeet(t, s.Nodes, member("n1", 1, 3), member("n1", 2, 1), member("n10", 1, 1))
}

func nodesAll(t *testing.T, s presence.Store) {
	mustMeet(t, s.Nodes)
	var want []presence.Node
	for i, node := range similar {
		for epoch := uint32(1); epoch <= 2; epoch++ {
			n := member(node, epoch, uint64(i+1))
			must(t, s.Nodes.Join(t.Context(), n))
			want = append(want, n)
		}
	}
	slices.SortFunc(want, func(a, b presence.Node) int { return a.Stream.Compare(b.Stream) })
	mustMeet(t, s.Nodes, want...)
}

func nodesEnded(t *testing.T, s presence.Store) {
	must(t, s.Nodes.Join(t.Context(), member("n1", 1, 1)))
	ctx := ended(t)
	mustBe(t, s.Nodes.Join(ctx, member("n2", 1, 1)), events.ErrUnavailable)
	mustBe(t, s.Nodes.Beat(ctx, member("n1", 1, 2), 1), events.ErrUnavailable)
	mustBe(t, s.Nodes.Remove(ctx, member("n1", 1, 1).Stream), events.ErrUnavailable)
	_, err := s.Nodes.All(ctx)
	mustBe(t, err, events.ErrUnavailable)
}
