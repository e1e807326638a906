package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// pastCases are the sentences of presence.Past.
var pastCases = []testCase{
	{"OfUser/in_the_order_of_moments_over_all_streams", ofUserOrder},
	{"OfUser/after_each_moment_and_limited", ofUserAfter},
	{"OfUser/with_hostile_names", ofUserHostile},
	{"Last/of_each_user_over_all_streams", lastOfEach},
	{"Last/with_hostile_names", lastHostile},
	{"Horizon/is_the_latest_that_was_set", horizonLatest},
	{"fails_when_the_context_has_ended", pastEnded},
}

// crossed appends three streams that overlap in time, in which all users appear, many
// of their events in the same millisecond, and returns all connected and disconnected
// events in the order of moments.
func crossed(t *testing.T, s presence.Store) (all []events.Event) {
	for i, node := range []string{"n1", "n1-a", "n10"} {
		run := everyKind(node)
		for j := range run {
			run[j].At = run[j].At.Add(time.Duration(i) * 2 * time.Millisecond)
		}
		mustAppend(t, s.Log, run)
		for _, e := range run {
			if e.User != "" {
				all = append(all, e)
			}
		}
	}
	slices.SortFunc(all, byMoment)
	return all
}

func byMoment(a, b events.Event) int { return presence.MomentOf(a).Compare(presence.MomentOf(b)) }

// of is the events of a user.
func of(user string, all []events.Event) (own []events.Event) {
	for _, e := range all {
		if e.User == user {
			own = append(own, e)
		}
	}
	return own
}

func ofUserOrder(t *testing.T, s presence.Store) {
	all := crossed(t, s)
	for _, user := range []string{"last", "user client", "nobody", "user"} {
		got, err := s.Past.OfUser(t.Context(), user, presence.Moment{}, enough)
		must(t, err)
		mustEqual(t, got, of(user, all))
	}
}

func ofUserAfter(t *testing.T, s presence.Store) {
	own := of("last", crossed(t, s))
	for i, e := range own {
		first, _ := slices.BinarySearchFunc(own, e.At, func(e events.Event, at time.Time) int { return e.At.Compare(at) })
		for _, limit := range []int{0, 1, 2, len(own), enough} {
			got, err := s.Past.OfUser(t.Context(), "last", presence.MomentOf(e), limit)
			must(t, err)
			mustEqual(t, got, own[i+1:][:min(limit, len(own)-i-1)])
			got, err = s.Past.OfUser(t.Context(), "last", presence.Moment{At: e.At}, limit)
			must(t, err)
			mustEqual(t, got, own[first:][:min(limit, len(own)-first)])
		}
	}
	// A moment at which nothing happened, and one that is in another stream.
	for _, m := range []presence.Moment{
		{At: began.Add(-time.Hour)},
		{At: own[2].At, ID: events.Stream{Node: "n1-", Epoch: 1}.At(9)},
	} {
		got, err := s.Past.OfUser(t.Context(), "last", m, enough)
		must(t, err)
		mustEqual(t, got, slices.DeleteFunc(slices.Clone(own), func(e events.Event) bool { return presence.MomentOf(e).Compare(m) <= 0 }))
	}
}

// oneOfEach appends a stream in which each of the hostile users connects, and leaves.
func oneOfEach(t *testing.T, s presence.Store) (come, gone []events.Event) {
	w := newScript("n1", 1)
	opened := w.opened()
	for _, user := range hostile {
		c := w.connected(user)
		c.Agent = `","user":"42",` // looks like a field, and is none
		come = append(come, c)
	}
	for _, c := range come {
		gone = append(gone, w.disconnected(c, events.Client))
	}
	mustAppend(t, s.Log, slices.Concat([]events.Event{opened}, come, gone))
	return come, gone
}

func ofUserHostile(t *testing.T, s presence.Store) {
	come, gone := oneOfEach(t, s)
	for i, user := range hostile {
		got, err := s.Past.OfUser(t.Context(), user, presence.Moment{}, enough)
		must(t, err)
		mustEqual(t, got, []events.Event{come[i], gone[i]})
	}
}

func lastHostile(t *testing.T, s presence.Store) {
	_, gone := oneOfEach(t, s)
	mustLast(t, s.Past, append(slices.Clone(hostile), "nobody"), gone)
}

// mustLast fails unless the last events of users are want, in any order.
func mustLast(t *testing.T, p presence.Past, users []string, want []events.Event) {
	t.Helper()
	got, err := p.Last(t.Context(), users)
	must(t, err)
	slices.SortFunc(got, byMoment)
	slices.SortFunc(want, byMoment)
	mustEqual(t, got, want)
}

func lastOfEach(t *testing.T, s presence.Store) {
	all := crossed(t, s)
	users := []string{"nobody"}
	var want []events.Event
	for i, e := range all {
		if !slices.Contains(users, e.User) {
			users = append(users, e.User)
		}
		if len(of(e.User, all[i+1:])) == 0 {
			want = append(want, e)
		}
	}
	mustLast(t, s.Past, users, want)
	mustLast(t, s.Past, []string{"last", "last"}, of("last", want))
	mustLast(t, s.Past, nil, nil)
}

func horizonLatest(t *testing.T, s presence.Store) {
	mustHorizon(t, s.Past, time.Time{})
	for _, hours := range []int{0, 5, 3, 5, 10, 9} {
		must(t, s.Retention.SetHorizon(t.Context(), began.Add(time.Duration(hours)*time.Hour)))
	}
	mustHorizon(t, s.Past, began.Add(10*time.Hour))
}

func mustHorizon(t *testing.T, p presence.Past, want time.Time) {
	t.Helper()
	got, err := p.Horizon(t.Context())
	must(t, err)
	if got != want {
		t.Fatalf("the horizon is %v, want %v", got, want)
	}
}

func pastEnded(t *testing.T, s presence.Store) {
	crossed(t, s)
	_, err := s.Past.OfUser(ended(t), "last", presence.Moment{}, 1)
	mustBe(t, err, events.ErrUnavailable)
	_, err = s.Past.Last(ended(t), []string{"last"})
	mustBe(t, err, events.ErrUnavailable)
	_, err = s.Past.Horizon(ended(t))
	mustBe(t, err, events.ErrUnavailable)
}
