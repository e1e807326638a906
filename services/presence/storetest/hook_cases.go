package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// hookCases are the sentences of presence.Hooks.
var hookCases = []testCase{
	{"none", hooksNone},
	{"Save/gives_back_what_it_was_given", hooksGiveBack},
	{"Save/replaces_all_of_it", hooksReplace},
	{"Save/may_be_repeated", hooksRepeat},
	{"Save/the_revision_before_it_must_be_there", hooksTaken},
	{"Save/many_tries_have_one_winner", hooksOneWinner},
	{"Save/as_large_as_it_gets", hooksLarge},
	{"Beat/sets_only_the_beat", hooksBeat},
	{"Beat/of_another_is_taken", hooksBeatTaken},
	{"fails_when_the_context_has_ended", hooksEnded},
}

// hook is one with every field, of a revision and an owner.
func hook(revision uint64, owner string) presence.Hook {
	return presence.Hook{
		HookLease: presence.HookLease{Revision: revision, Owner: owner, Beat: 3},
		Target:    "receiver", Number: 1795428000000 + revision,
		Position: "n1/00000003/00000000000001f4,n2/00000001/0000000000000007",
		Odd: []presence.HookOdd{
			{User: "42", Told: true, At: began}, {User: longUser, At: began.Add(time.Second)},
		},
		Part: 7, After: longUser,
		Pending: presence.HookDelivery{ID: fmt.Sprint("delivery ", revision), At: began, Body: `{"user":"José \"$where\""}` + "\n"},
	}
}

// mustHook fails unless this is the hook.
func mustHook(t *testing.T, s presence.Hooks, want presence.Hook) {
	t.Helper()
	got, err := s.Load(t.Context())
	must(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("the hook\nis   %+v\nwant %+v", got, want)
	}
	lease, err := s.Lease(t.Context())
	must(t, err)
	if lease != want.HookLease {
		t.Fatalf("its lease is %+v, want %+v", lease, want.HookLease)
	}
}

func hooksNone(t *testing.T, s presence.Store) {
	mustHook(t, s.Hooks, presence.Hook{})
	mustBe(t, s.Hooks.Beat(t.Context(), presence.HookLease{}), presence.ErrHookTaken)
	mustBe(t, s.Hooks.Beat(t.Context(), presence.HookLease{Revision: 1, Owner: "a"}), presence.ErrHookTaken)
	mustHook(t, s.Hooks, presence.Hook{})
}

func hooksGiveBack(t *testing.T, s presence.Store) {
	want := hook(1, "n1/"+longUser)
	given := want
	given.Odd = slices.Clone(want.Odd)
	must(t, s.Hooks.Save(t.Context(), given))
	given.Odd[0].User = "mallory"
	mustHook(t, s.Hooks, want)
}

func hooksReplace(t *testing.T, s presence.Store) {
	must(t, s.Hooks.Save(t.Context(), hook(1, "a")))
	bare := presence.Hook{HookLease: presence.HookLease{Revision: 2}}
	must(t, s.Hooks.Save(t.Context(), bare))
	mustHook(t, s.Hooks, bare)
	for revision := uint64(3); revision < 20; revision++ {
		must(t, s.Hooks.Save(t.Context(), hook(revision, "b")))
		mustHook(t, s.Hooks, hook(revision, "b"))
	}
}

// hooksRepeat has saves whose acknowledgement was lost.
func hooksRepeat(t *testing.T, s presence.Store) {
	for revision := uint64(1); revision < 4; revision++ {
		for range 3 {
			must(t, s.Hooks.Save(t.Context(), hook(revision, "a")))
			mustHook(t, s.Hooks, hook(revision, "a"))
		}
	}
	mustBe(t, s.Hooks.Save(t.Context(), hook(2, "a")), presence.ErrHookTaken) // its try of long ago
	mustHook(t, s.Hooks, hook(3, "a"))
}

func hooksTaken(t *testing.T, s presence.Store) {
	must(t, s.Hooks.Save(t.Context(), hook(1, "a")))
	mustBe(t, s.Hooks.Save(t.Context(), hook(1, "b")), presence.ErrHookTaken)
	must(t, s.Hooks.Save(t.Context(), hook(2, "b")))
	for _, late := range []presence.Hook{hook(1, "c"), hook(1, "a"), hook(2, "a")} {
		mustBe(t, s.Hooks.Save(t.Context(), late), presence.ErrHookTaken)
		mustHook(t, s.Hooks, hook(2, "b"))
	}
	must(t, s.Hooks.Save(t.Context(), hook(3, "a")))
	mustHook(t, s.Hooks, hook(3, "a"))
}

func hooksOneWinner(t *testing.T, s presence.Store) {
	const claimants = 8
	for revision := uint64(1); revision <= 5; revision++ {
		var claims sync.WaitGroup
		errs := make([]error, claimants)
		for i := range claimants {
			claims.Go(func() { errs[i] = s.Hooks.Save(t.Context(), hook(revision, fmt.Sprint(i))) })
		}
		claims.Wait()
		there, err := s.Hooks.Lease(t.Context())
		must(t, err)
		if there.Revision != revision {
			t.Fatalf("revision %d, want %d", there.Revision, revision)
		}
		for i, err := range errs {
			switch won := there.Owner == fmt.Sprint(i); {
			case won:
				must(t, err)
			default:
				mustBe(t, err, presence.ErrHookTaken)
			}
		}
	}
}

func hooksLarge(t *testing.T, s presence.Store) {
	large := hook(1, "a")
	for i := range 50_000 {
		number := fmt.Sprint(i)
		user := number + longUser[len(number):]
		large.Odd = append(large.Odd, presence.HookOdd{User: user, Told: i%2 == 0, At: began})
	}
	large.Pending.Body = strings.Repeat("x", 1<<18)
	large.Position = strings.TrimSuffix(strings.Repeat(events.Stream{Node: "n1", Epoch: 1}.At(1).String()+",", 20_000), ",")
	must(t, s.Hooks.Save(t.Context(), large))
	mustHook(t, s.Hooks, large)
}

func hooksBeat(t *testing.T, s presence.Store) {
	h := hook(1, "a")
	must(t, s.Hooks.Save(t.Context(), h))
	for _, beat := range []uint64{4, 4, 5} {
		h.Beat = beat
		must(t, s.Hooks.Beat(t.Context(), h.HookLease))
		mustHook(t, s.Hooks, h)
	}
}

func hooksBeatTaken(t *testing.T, s presence.Store) {
	must(t, s.Hooks.Save(t.Context(), hook(1, "a")))
	must(t, s.Hooks.Save(t.Context(), hook(2, "b")))
	for _, l := range []presence.HookLease{{Revision: 1, Owner: "a", Beat: 9}, {Revision: 2, Owner: "a", Beat: 9}, {Revision: 3, Owner: "b", Beat: 9}} {
		mustBe(t, s.Hooks.Beat(t.Context(), l), presence.ErrHookTaken)
		mustHook(t, s.Hooks, hook(2, "b"))
	}
}

func hooksEnded(t *testing.T, s presence.Store) {
	mustBe(t, s.Hooks.Save(ended(t), hook(1, "a")), events.ErrUnavailable)
	mustBe(t, s.Hooks.Beat(ended(t), hook(1, "a").HookLease), events.ErrUnavailable)
	_, err := s.Hooks.Load(ended(t))
	mustBe(t, err, events.ErrUnavailable)
	_, err = s.Hooks.Lease(ended(t))
	mustBe(t, err, events.ErrUnavailable)
}
