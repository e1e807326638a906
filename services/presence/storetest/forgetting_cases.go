package storetest

import (
	"crypto/rand"
	"slices"
	"testing"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// forgettingCases are the sentences of presence.Forgetting.
var forgettingCases = []testCase{
	{"Begin/gives_back_the_first_tombstone_until_the_end", beginFirst},
	{"RenameEvents/only_those_of_the_user", renameEvents},
	{"RenameEvents/many_at_once", renameMany},
	{"Chunks/that_name_the_user_and_pages", chunksOfUser},
	{"RenameOpen/only_the_connections_that_are_named", renameOpen},
	{"RenameOpen/of_a_chunk_that_is_gone", renameOpenGone},
	{"DropReasons/of_those_connections_only", dropReasons},
	{"fails_when_the_context_has_ended", forgettingEnded},
}

// names are some of the hostile users: a store that is asked by name is slow at it.
var names = []string{`"`, "a", "A", "$where", longUser}

func aTombstone() string { return events.Tombstone(rand.Text()) }

func beginFirst(t *testing.T, s presence.Store) {
	first, second := aTombstone(), aTombstone()
	mustNote := func(user, want string) {
		t.Helper()
		got, err := s.Forgetting.Begun(t.Context(), user)
		must(t, err)
		mustEqual(t, []string{got}, []string{want})
	}
	for _, user := range hostile {
		mustNote(user, "")
		must(t, s.Forgetting.End(t.Context(), user)) // there is none
		for _, own := range []string{first, second, second} {
			got, err := s.Forgetting.Begin(t.Context(), user, own)
			must(t, err)
			mustEqual(t, []string{got}, []string{first})
			mustNote(user, first)
		}
	}
	must(t, s.Forgetting.End(t.Context(), hostile[0]))
	mustNote(hostile[0], "")
	mustNote(hostile[1], first)
	got, err := s.Forgetting.Begin(t.Context(), hostile[0], second)
	must(t, err)
	mustEqual(t, []string{got}, []string{second})
}

// lives appends a stream in which each of the users comes and goes twice.
func lives(t *testing.T, s presence.Store, node string) (run []events.Event) {
	w := newScript(node, 1)
	run = append(run, w.opened())
	for _, user := range slices.Concat(names, names) {
		c := w.connected(user)
		run = append(run, c, w.disconnected(c, events.Client))
	}
	mustAppend(t, s.Log, run)
	return run
}

func positionsOf(run []events.Event) (at []events.Position) {
	for _, e := range run {
		at = append(at, e.ID)
	}
	return at
}

func renameEvents(t *testing.T, s presence.Store) {
	tombstone := aTombstone()
	one, other := lives(t, s, "n1"), lives(t, s, "n2")
	stream := one[0].ID.Stream
	for _, user := range names {
		at := append(positionsOf(one), stream.At(9999), events.Stream{Node: "n3", Epoch: 1}.At(1))
		for range 2 {
			must(t, s.Forgetting.RenameEvents(t.Context(), user, tombstone, at))
			must(t, s.Forgetting.RenameEvents(t.Context(), user, tombstone, nil))
		}
		for i := range one {
			if one[i].User == user {
				one[i].User, one[i].Remote, one[i].Agent = tombstone, "", ""
			}
		}
		mustHold(t, s.Log, stream, one)
		mustHold(t, s.Log, other[0].ID.Stream, other)
		left, err := s.Past.OfUser(t.Context(), user, presence.Moment{}, enough)
		must(t, err)
		mustCount(t, len(left), 4) // of the other stream
		last, err := s.Past.Last(t.Context(), []string{user})
		must(t, err)
		mustEqual(t, last, left[3:])
	}
	all, err := s.Past.OfUser(t.Context(), tombstone, presence.Moment{}, enough)
	must(t, err)
	mustEqual(t, all, one[1:])
}

func renameMany(t *testing.T, s presence.Store) {
	tombstone := aTombstone()
	run := life("n1", 1, 1500)
	mustAppend(t, s.Log, run)
	must(t, s.Forgetting.RenameEvents(t.Context(), "user-3", tombstone, positionsOf(run)))
	for i := range run {
		if run[i].User == "user-3" {
			run[i].User, run[i].Remote, run[i].Agent = tombstone, "", ""
		}
	}
	mustHold(t, s.Log, run[0].ID.Stream, run)
}

// named adds two chunks of a snapshot to each of the similar nodes, of which the second
// alone has all hostile users, and returns those.
func named(t *testing.T, s presence.Store) (with []presence.Chunk) {
	for _, node := range similar {
		p := events.Stream{Node: node, Epoch: 1}.At(1000)
		first, second := chunk(p, 0, 2, 1), chunk(p, 1, 2, 2*len(hostile))
		first.Open[0].User = "nobody"
		must(t, s.Snapshots.Add(t.Context(), []presence.Chunk{first, second}))
		with = append(with, second)
	}
	slices.SortFunc(with, func(a, b presence.Chunk) int { return a.Of.Compare(b.Of) })
	return with
}

// mustName fails unless these are the chunks that name a user, read in pages.
func mustName(t *testing.T, s presence.Forgetting, user string, limit int, want []presence.Chunk) {
	t.Helper()
	var got []string
	for after := ""; ; {
		page, err := s.Chunks(t.Context(), user, after, limit)
		must(t, err)
		for _, c := range page {
			got = append(got, c.ID())
		}
		if len(page) < limit {
			break
		}
		after = page[len(page)-1].ID()
	}
	var ids []string
	for _, c := range want {
		ids = append(ids, c.ID())
	}
	mustEqual(t, got, ids)
}

func chunksOfUser(t *testing.T, s presence.Store) {
	mustName(t, s.Forgetting, "nobody", 5, nil) // there are none yet
	with := named(t, s)
	for _, user := range names {
		for _, limit := range []int{1, 2, len(with), 100} {
			mustName(t, s.Forgetting, user, limit, with)
		}
	}
	mustName(t, s.Forgetting, "somebody else", 5, nil)
	page, err := s.Forgetting.Chunks(t.Context(), names[0], "", 1)
	must(t, err)
	mustRead(t, s.Snapshots, page[0].Of, chunkOf(page[0].Of), page[0])
}

// chunkOf is the first chunk that named adds.
func chunkOf(p events.Position) presence.Chunk {
	c := chunk(p, 0, 2, 1)
	c.Open[0].User = "nobody"
	return c
}

func renameOpen(t *testing.T, s presence.Store) {
	one, other := aTombstone(), aTombstone()
	with := named(t, s)
	c := with[0]
	to := map[events.Position]string{c.Open[0].Conn: one, c.Open[3].Conn: other, c.Of.At(1 << 40): one}
	for range 2 {
		must(t, s.Forgetting.RenameOpen(t.Context(), c, to))
	}
	must(t, s.Forgetting.RenameOpen(t.Context(), c, nil))
	want := c
	want.Open = slices.Clone(c.Open)
	want.Open[0].User, want.Open[3].User = one, other
	mustRead(t, s.Snapshots, c.Of, chunkOf(c.Of), want)
	// Who has read the chunk before undoes nothing.
	must(t, s.Forgetting.RenameOpen(t.Context(), c, map[events.Position]string{c.Open[1].Conn: one}))
	want.Open[1].User = one
	mustRead(t, s.Snapshots, c.Of, chunkOf(c.Of), want)
	mustRead(t, s.Snapshots, with[1].Of, chunkOf(with[1].Of), with[1])
}

func renameOpenGone(t *testing.T, s presence.Store) {
	c := chunk(events.Stream{Node: "n1", Epoch: 1}.At(9), 0, 1, 2)
	to := map[events.Position]string{c.Open[0].Conn: aTombstone()}
	must(t, s.Forgetting.RenameOpen(t.Context(), c, to)) // there is no snapshot at all
	with := named(t, s)
	must(t, s.Forgetting.RenameOpen(t.Context(), c, to))
	mustRead(t, s.Snapshots, c.Of)
	mustRead(t, s.Snapshots, with[0].Of, chunkOf(with[0].Of), with[0])
}

func dropReasons(t *testing.T, s presence.Store) {
	n1 := events.Stream{Node: "n1", Epoch: 1}
	must(t, s.Forgetting.DropReasons(t.Context(), []events.Position{n1.At(1)})) // there are none yet
	all := []presence.Kick{kick(n1.At(1), "ana"), kick(n1.At(2), "bob"), kick(n1.At(3), ""), kick(n1.At(4), "cleo")}
	must(t, s.Kicks.Add(t.Context(), all))
	for range 2 {
		must(t, s.Forgetting.DropReasons(t.Context(), []events.Position{n1.At(1), n1.At(3), n1.At(4), n1.At(7)}))
		must(t, s.Forgetting.DropReasons(t.Context(), nil))
	}
	all[0].Reason, all[3].Reason = "", ""
	mustKick(t, s.Kicks, "n1", all...)
}

func forgettingEnded(t *testing.T, s presence.Store) {
	tombstone := aTombstone()
	run := lives(t, s, "n1")
	with := named(t, s)
	k := kick(run[1].ID, "ana")
	must(t, s.Kicks.Add(t.Context(), []presence.Kick{k}))
	_, err := s.Forgetting.Begin(ended(t), hostile[0], tombstone)
	mustBe(t, err, events.ErrUnavailable)
	_, err = s.Forgetting.Begun(ended(t), hostile[0])
	mustBe(t, err, events.ErrUnavailable)
	mustBe(t, s.Forgetting.End(ended(t), hostile[0]), events.ErrUnavailable)
	mustBe(t, s.Forgetting.RenameEvents(ended(t), hostile[0], tombstone, positionsOf(run)), events.ErrUnavailable)
	_, err = s.Forgetting.Chunks(ended(t), names[0], "", 1)
	mustBe(t, err, events.ErrUnavailable)
	to := map[events.Position]string{with[0].Open[0].Conn: tombstone}
	mustBe(t, s.Forgetting.RenameOpen(ended(t), with[0], to), events.ErrUnavailable)
	mustBe(t, s.Forgetting.DropReasons(ended(t), []events.Position{k.Conn}), events.ErrUnavailable)
	mustHold(t, s.Log, run[0].ID.Stream, run)
	mustRead(t, s.Snapshots, with[0].Of, chunkOf(with[0].Of), with[0])
	mustKick(t, s.Kicks, "n1", k)
}
