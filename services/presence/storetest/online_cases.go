package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// onlineCases are the sentences of presence.Online, but for Users.
var onlineCases = []testCase{
	{"Apply/adds_and_removes", applyAddsAndRemoves},
	{"Apply/keeps_every_field", applyKeepsFields},
	{"Apply/repeated_changes_nothing", applyRepeated},
	{"Apply/empty_does_nothing", applyEmpty},
	{"Apply/takes_1000_at_once", applyMany},
	{"DropStream/removes_that_stream_only", dropStream},
	{"DropStream/repeated_changes_nothing", dropStreamRepeated},
	{"OfStream/pages_in_order_of_ids", ofStreamPages},
	{"OfStream/stays_in_its_stream", ofStreamOne},
	{"Streams/are_those_with_connections_ascending_as_text", onlineStreams},
	{"Online/a_context_that_ended_is_unavailable", onlineEnded},
}

func mustApply(t tester, o presence.Online, add []presence.Connection, remove ...events.Position) {
	t.Helper()
	must(t, o.Apply(t.Context(), add, remove))
}

func applyAddsAndRemoves(t *testing.T, s presence.Store) {
	run := life("n1", 1, 6)
	stream := run[0].ID.Stream
	all := connections(run...)
	mustApply(t, s.Online, all[:3])
	mustShow(t, s.Online, stream, all[:3])
	mustApply(t, s.Online, all[3:], all[0].ID, all[2].ID)
	mustShow(t, s.Online, stream, []presence.Connection{all[1], all[3], all[4]})
	mustApply(t, s.Online, nil, all[1].ID, all[3].ID, all[4].ID)
	mustShow(t, s.Online, stream, nil)
}

func applyKeepsFields(t *testing.T, s presence.Store) {
	stream := events.Stream{Node: "abcdefghijklmnopqrstuvw-", Epoch: 0xffffffff}
	all := []presence.Connection{
		{ID: stream.At(1), User: "42", Since: began},
		{ID: stream.At(2), User: longUser, Since: began, Remote: "2001:db8::1%eth0", Agent: `"\$.{}` + "größer"},
		{ID: stream.At(events.MaxSeq), User: "z", Since: began.AddDate(200, 0, 0), Remote: "203.0.113.7"},
	}
	mustApply(t, s.Online, all)
	mustShow(t, s.Online, stream, all)
}

func applyRepeated(t *testing.T, s presence.Store) {
	run := life("n1", 1, 6)
	all := connections(run...)
	mustApply(t, s.Online, all[:2])
	for range 3 {
		mustApply(t, s.Online, all[1:], all[0].ID)
		mustShow(t, s.Online, run[0].ID.Stream, all[1:])
	}
	absent := run[0].ID.At(77)
	mustApply(t, s.Online, nil, absent, all[0].ID)
	mustShow(t, s.Online, run[0].ID.Stream, all[1:])
	mustTotal(t, s.Online, 4)
}

func applyEmpty(t *testing.T, s presence.Store) {
	mustApply(t, s.Online, nil)
	mustApply(t, s.Online, []presence.Connection{})
	streams, err := s.Online.Streams(t.Context())
	must(t, err)
	mustEqual(t, streams, nil)
}

func applyMany(t *testing.T, s presence.Store) {
	run := life("n1", 1, 2001)
	all := connections(run...)
	mustApply(t, s.Online, all[:1000])
	var ids []events.Position
	for _, c := range all[:1000] {
		ids = append(ids, c.ID)
	}
	mustApply(t, s.Online, all[1000:], ids...)
	mustShow(t, s.Online, run[0].ID.Stream, all[1000:])
}

func dropStream(t *testing.T, s presence.Store) {
	var streams []events.Stream
	for _, node := range similar {
		for epoch := uint32(1); epoch <= 2; epoch++ {
			run := life(node, epoch, 4)
			mustApply(t, s.Online, connections(run...))
			streams = append(streams, run[0].ID.Stream)
		}
	}
	for i, dropped := range streams {
		must(t, s.Online.DropStream(t.Context(), dropped))
		mustShow(t, s.Online, dropped, nil)
		for _, kept := range streams[i+1:] {
			mustShow(t, s.Online, kept, connections(life(kept.Node, kept.Epoch, 4)...))
		}
	}
	mustTotal(t, s.Online, 0)
}

func dropStreamRepeated(t *testing.T, s presence.Store) {
	run := life("n1", 1, 4)
	mustApply(t, s.Online, connections(run...))
	for range 3 {
		must(t, s.Online.DropStream(t.Context(), run[0].ID.Stream))
		mustShow(t, s.Online, run[0].ID.Stream, nil)
	}
	mustApply(t, s.Online, connections(run[:2]...))
	mustShow(t, s.Online, run[0].ID.Stream, connections(run[:2]...))
}

func ofStreamPages(t *testing.T, s presence.Store) {
	run := life("n1", 1, 14)
	all := connections(run...)
	mustApply(t, s.Online, all)
	mustApply(t, s.Online, nil, all[4].ID)
	all = slices.Delete(all, 4, 5)

	for _, limit := range []int{1, 5, 12, 13} {
		var got []presence.Connection
		for after := run[0].ID; ; after = got[len(got)-1].ID {
			page, err := s.Online.OfStream(t.Context(), after, limit)
			must(t, err)
			if len(page) > limit {
				t.Fatalf("%d connections, and the limit was %d", len(page), limit)
			}
			ids, err := s.Online.IDs(t.Context(), after, limit)
			must(t, err)
			mustEqual(t, ids, idsOf(page))
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		mustEqual(t, got, all)
	}

	// After an id that is not there: those beyond it.
	page, err := s.Online.OfStream(t.Context(), run[5].ID, 2)
	must(t, err)
	mustEqual(t, page, connections(run[6], run[7]))
}

func ofStreamOne(t *testing.T, s presence.Store) {
	for i, node := range similar {
		for epoch := uint32(1); epoch <= 2; epoch++ {
			mustApply(t, s.Online, connections(life(node, epoch, i+2)...))
		}
	}
	for i, node := range similar {
		run := life(node, 1, i+2)
		mustShow(t, s.Online, run[0].ID.Stream, connections(run...))
	}
	mustShow(t, s.Online, events.Stream{Node: "n1", Epoch: 3}, nil)
}

func onlineStreams(t *testing.T, s presence.Store) {
	streams, err := s.Online.Streams(t.Context())
	must(t, err)
	mustEqual(t, streams, nil)

	var want []events.Stream
	for i, node := range similar {
		for epoch := uint32(1); epoch <= 2; epoch++ {
			run := life(node, epoch, i+2)
			mustApply(t, s.Online, connections(run...))
			want = append(want, run[0].ID.Stream)
		}
	}
	slices.SortFunc(want, events.Stream.Compare)
	streams, err = s.Online.Streams(t.Context())
	must(t, err)
	mustEqual(t, streams, want)

	must(t, s.Online.DropStream(t.Context(), want[3]))
	streams, err = s.Online.Streams(t.Context())
	must(t, err)
	mustEqual(t, streams, slices.Delete(slices.Clone(want), 3, 4))
}

func onlineEnded(t *testing.T, s presence.Store) {
	run := life("n1", 1, 3)
	mustApply(t, s.Online, connections(run...))
	ctx := ended(t)
	mustBe(t, s.Online.Apply(ctx, connections(run...), nil), events.ErrUnavailable)
	mustBe(t, s.Online.DropStream(ctx, run[0].ID.Stream), events.ErrUnavailable)
	_, err := s.Online.OfStream(ctx, run[0].ID, 1)
	mustBe(t, err, events.ErrUnavailable)
	_, err = s.Online.IDs(ctx, run[0].ID, 1)
	mustBe(t, err, events.ErrUnavailable)
	_, err = s.Online.Streams(ctx)
	mustBe(t, err, events.ErrUnavailable)
	_, err = s.Online.Users(ctx, presence.UserQuery{Limit: 1})
	mustBe(t, err, events.ErrUnavailable)
}

// mustTotal waits until the total is want: it may be a second old.
func mustTotal(t tester, o presence.Online, want int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d connections online in total", want), func() bool {
		page, err := o.Users(t.Context(), presence.UserQuery{Limit: 1})
		must(t, err)
		return page.Total == want
	})
}
