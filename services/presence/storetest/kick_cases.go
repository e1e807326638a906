package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// kickCases are the sentences of presence.Kicks.
var kickCases = []testCase{
	{"Add/gives_back_what_it_was_given", kicksGiveBack},
	{"Add/leaves_what_is_there", kicksLeave},
	{"OfNode/of_every_epoch_and_of_no_other_node", kicksOfNode},
	{"OfNode/pages", kicksPage},
	{"Pending/of_those_asked_for", kicksPending},
	{"Remove/removes_those_only", kicksRemove},
	{"Streams/ascending_as_text", kicksStreams},
	{"none", kicksNone},
	{"many_at_once", kicksMany},
	{"fails_when_the_context_has_ended", kicksEnded},
}

// kick is the kick of a connection.
func kick(id events.Position, reason string) presence.Kick {
	return presence.Kick{Conn: id, At: began.Add(time.Duration(id.Seq%1000) * time.Second), By: "n9", Reason: reason}
}

// mustKick fails unless these are the kicks of a node.
func mustKick(t *testing.T, s presence.Kicks, node string, want ...presence.Kick) {
	t.Helper()
	got, err := s.OfNode(t.Context(), node, events.Position{}, enough)
	must(t, err)
	mustEqual(t, got, want)
}

func kicksGiveBack(t *testing.T, s presence.Store) {
	small := kick(events.Stream{Node: "n1", Epoch: 1}.At(1), "")
	far := kick(events.Stream{Node: "abcdefghijklmnopqrstuvw-", Epoch: 0xffffffff}.At(events.MaxSeq), longUser)
	must(t, s.Kicks.Add(t.Context(), []presence.Kick{far, small}))
	mustKick(t, s.Kicks, "n1", small)
	mustKick(t, s.Kicks, far.Conn.Node, far)
}

func kicksLeave(t *testing.T, s presence.Store) {
	n1 := events.Stream{Node: "n1", Epoch: 1}
	first, second, third := kick(n1.At(1), "first"), kick(n1.At(2), "second"), kick(n1.At(3), "third")
	must(t, s.Kicks.Add(t.Context(), []presence.Kick{second}))
	other := second
	other.Reason, other.By = "other", "n7"
	must(t, s.Kicks.Add(t.Context(), []presence.Kick{first, other, third}))
	must(t, s.Kicks.Add(t.Context(), nil))
	mustKick(t, s.Kicks, "n1", first, second, third)
}

// kicksOfSimilar adds two kicks in each of two epochs of nodes with similar ids.
func kicksOfSimilar(t *testing.T, s presence.Store) map[string][]presence.Kick {
	all := make(map[string][]presence.Kick)
	for _, node := range similar {
		for _, epoch := range []uint32{1, 0x10} {
			for _, seq := range []uint64{1, 0x10} {
				all[node] = append(all[node], kick(events.Stream{Node: node, Epoch: epoch}.At(seq), node))
			}
		}
		must(t, s.Kicks.Add(t.Context(), all[node]))
	}
	return all
}

func kicksOfNode(t *testing.T, s presence.Store) {
	for node, want := range kicksOfSimilar(t, s) {
		mustKick(t, s.Kicks, node, want...)
	}
	mustKick(t, s.Kicks, "nobody")
}

func kicksPage(t *testing.T, s presence.Store) {
	for node, want := range kicksOfSimilar(t, s) {
		var got []presence.Kick
		for after := (events.Position{}); ; after = got[len(got)-1].Conn {
			page, err := s.Kicks.OfNode(t.Context(), node, after, 1)
			must(t, err)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		mustEqual(t, got, want)
		page, err := s.Kicks.OfNode(t.Context(), node, want[0].Conn.At(9), 0)
		must(t, err)
		mustEqual(t, page, nil)
		page, err = s.Kicks.OfNode(t.Context(), node, want[0].Conn.At(9), 2) // between two
		must(t, err)
		mustEqual(t, page, want[1:3])
	}
}

func kicksPending(t *testing.T, s presence.Store) {
	n1, n2 := events.Stream{Node: "n1", Epoch: 1}, events.Stream{Node: "n2", Epoch: 1}
	must(t, s.Kicks.Add(t.Context(), []presence.Kick{kick(n1.At(1), ""), kick(n1.At(2), ""), kick(n2.At(1), "")}))
	got, err := s.Kicks.Pending(t.Context(), []events.Position{n2.At(2), n2.At(1), n1.At(3), n1.At(2)})
	must(t, err)
	mustEqual(t, got, []events.Position{n1.At(2), n2.At(1)})
}

func kicksRemove(t *testing.T, s presence.Store) {
	all := kicksOfSimilar(t, s)
	for range 2 {
		must(t, s.Kicks.Remove(t.Context(), []events.Position{all["n1"][1].Conn, all["n1"][2].Conn, all["n1"][2].Conn.At(99)}))
		must(t, s.Kicks.Remove(t.Context(), nil))
		mustKick(t, s.Kicks, "n1", all["n1"][0], all["n1"][3])
	}
	delete(all, "n1")
	for node, want := range all {
		mustKick(t, s.Kicks, node, want...)
	}
}

func kicksStreams(t *testing.T, s presence.Store) {
	var want []events.Stream
	for _, kicks := range kicksOfSimilar(t, s) {
		want = append(want, kicks[0].Conn.Stream, kicks[2].Conn.Stream)
	}
	slices.SortFunc(want, events.Stream.Compare)
	got, err := s.Kicks.Streams(t.Context())
	must(t, err)
	mustEqual(t, got, want)
}

func kicksNone(t *testing.T, s presence.Store) {
	id := events.Stream{Node: "n1", Epoch: 1}.At(1)
	must(t, s.Kicks.Remove(t.Context(), []events.Position{id}))
	mustKick(t, s.Kicks, "n1")
	for _, asked := range [][]events.Position{nil, {id}} {
		pending, err := s.Kicks.Pending(t.Context(), asked)
		must(t, err)
		mustEqual(t, pending, nil)
	}
	streams, err := s.Kicks.Streams(t.Context())
	must(t, err)
	mustEqual(t, streams, nil)
}

func kicksMany(t *testing.T, s presence.Store) {
	n1 := events.Stream{Node: "n1", Epoch: 1}
	var all []presence.Kick
	var ids []events.Position
	for seq := range uint64(presence.MaxKicks) {
		all = append(all, kick(n1.At(seq+1), "away"))
		ids = append(ids, n1.At(seq+1))
	}
	must(t, s.Kicks.Add(t.Context(), all))
	mustKick(t, s.Kicks, "n1", all...)
	pending, err := s.Kicks.Pending(t.Context(), ids)
	must(t, err)
	mustEqual(t, pending, ids)
	must(t, s.Kicks.Remove(t.Context(), ids[1:]))
	mustKick(t, s.Kicks, "n1", all[0])
}

func kicksEnded(t *testing.T, s presence.Store) {
	k := kick(events.Stream{Node: "n1", Epoch: 1}.At(5), "")
	mustBe(t, s.Kicks.Add(ended(t), []presence.Kick{k}), events.ErrUnavailable)
	mustBe(t, s.Kicks.Remove(ended(t), []events.Position{k.Conn}), events.ErrUnavailable)
	_, err := s.Kicks.OfNode(ended(t), "n1", events.Position{}, 1)
	mustBe(t, err, events.ErrUnavailable)
	_, err = s.Kicks.Pending(ended(t), []events.Position{k.Conn})
	mustBe(t, err, events.ErrUnavailable)
	_, err = s.Kicks.Streams(ended(t))
	mustBe(t, err, events.ErrUnavailable)
}
