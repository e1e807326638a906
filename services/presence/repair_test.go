package presence_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// repair verifies, repairs, and verifies again.
func repair(t *testing.T, store presence.Store) (repaired, left []presence.ProblemKind) {
	t.Helper()
	v := presence.Verifier{Store: store}
	before, err := v.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mended, err := v.Repair(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	after, err := v.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return kinds(mended), kinds(after.Problems)
}

func kinds(problems []presence.Problem) (k []presence.ProblemKind) {
	for _, p := range problems {
		k = append(k, p.Kind)
	}
	return k
}

// A repair inserts what is absent, deletes ghosts, also those of streams that the log
// does not have, and replaces what differs; the log stays as it is.
func TestVerifier_Repair(t *testing.T) {
	for _, alive := range []bool{true, false} {
		t.Run(fmt.Sprint("alive ", alive), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newStore()
				m, kill := mortal(t, store)
				ana, bob, cleo := connect(t, m, "ana"), connect(t, m, "bob"), connect(t, m, "cleo")
				pass(3 * time.Second) // for a beat
				m.Disconnect(&cleo.Conn, events.Client)
				synctest.Wait()
				if !alive {
					kill()
				}
				since := events.Milliseconds(time.Now())
				apply(t, store, nil, []events.Position{ana.id(t), bob.id(t)})
				apply(t, store, []presence.Connection{
					{ID: bob.id(t), User: "eve", Since: since},
					{ID: cleo.id(t), User: "cleo", Since: since},
					{ID: n1e1.At(99), User: "zoe", Since: since},
				}, nil)
				want := []presence.ProblemKind{presence.Absent, presence.Different, presence.Ghost, presence.Ghost}
				if !alive { // else the sweep may be first
					apply(t, store, []presence.Connection{{ID: n1e2.At(5), User: "zoe", Since: since}}, nil)
					want = append(want, presence.Ghost)
				}
				facts := stream(t, store, n1e1)

				repaired, left := repair(t, store)
				if !slices.Equal(repaired, want) || len(left) > 0 {
					t.Errorf("repaired %v, want %v; left %v", repaired, want, left)
				}
				if got, want := online(t, store), (map[string]int{"ana": 1, "bob": 1}); !equal(got, want) {
					t.Errorf("online %v, want %v", got, want)
				}
				if !slices.Equal(stream(t, store, n1e1), facts) {
					t.Error("the log was changed")
				}
			})
		})
	}
}

// What a dead owner has not said to be recorded is left to its takeover, and what is
// wrong with the log stays wrong.
func TestVerifier_Repair_LeavesToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		m, kill := mortal(t, store)
		pass(3 * time.Second)
		ana := connect(t, m, "ana")
		synctest.Wait()
		kill()
		apply(t, store, nil, []events.Position{ana.id(t)})
		repaired, left := repair(t, store)
		if len(repaired) > 0 || !slices.Equal(left, []presence.ProblemKind{presence.Absent}) {
			t.Errorf("repaired %v, left %v", repaired, left)
		}
		appendAfter(t, store, events.Event{Type: events.Disconnected, User: "eve", Conn: ana.id(t), Reason: events.Client})
		repaired, left = repair(t, store)
		if len(repaired) > 0 || !slices.Equal(left, []presence.ProblemKind{presence.BrokenGrammar}) {
			t.Errorf("repaired %v, left %v", repaired, left)
		}
	})
}

// before is an Online that calls meanwhile, once, just before an Apply takes effect.
type before struct {
	presence.Online
	meanwhile func()
}

func (b *before) Apply(ctx context.Context, add []presence.Connection, remove []events.Position) error {
	if f := b.meanwhile; f != nil {
		b.meanwhile = nil
		f()
	}
	return b.Online.Apply(ctx, add, remove)
}

// The owner, or a takeover, may do what it does between the repairer's last look and
// its write: online is right in the end.
func TestVerifier_Repair_Races(t *testing.T) {
	type scene struct {
		store    presence.Store // as the members see it
		m        *presence.Member
		ana, bob *client
	}
	absent := func(t *testing.T, s scene) {
		apply(t, s.store, nil, []events.Position{s.ana.id(t), s.bob.id(t)})
	}
	early := func(t *testing.T, s scene) { // in online before it is in the log
		apply(t, s.store, []presence.Connection{{ID: n1e1.At(3), User: "cleo", Since: events.Milliseconds(time.Now())}}, nil)
	}
	for name, tt := range map[string]struct {
		spoil     func(*testing.T, scene)
		meanwhile func(*testing.T, scene)
		want      map[string]int
	}{
		"the client leaves": {absent, func(_ *testing.T, s scene) {
			s.m.Disconnect(&s.ana.Conn, events.Client)
			synctest.Wait()
		}, map[string]int{"bob": 1}},
		"the client comes": {early, func(t *testing.T, s scene) {
			connect(t, s.m, "cleo")
			synctest.Wait()
		}, map[string]int{"ana": 1, "bob": 1, "cleo": 1}},
		"the stream is taken over": {absent, func(t *testing.T, s scene) {
			s.m.Die()
			peer, err := presence.New(s.store, presence.Config{Node: "n2"})
			if err != nil {
				t.Fatal(err)
			}
			if err := peer.TakeOver(t.Context(), n1e1); err != nil {
				t.Fatal(err)
			}
		}, map[string]int{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := scene{store: newStore()}
				s.m = start(t, s.store, presence.Config{})
				s.ana, s.bob = connect(t, s.m, "ana"), connect(t, s.m, "bob")
				pass(3 * time.Second)
				tt.spoil(t, s)
				mine := s.store
				mine.Online = &before{s.store.Online, func() { tt.meanwhile(t, s) }}
				if repaired, left := repair(t, mine); len(repaired) == 0 || len(left) > 0 {
					t.Errorf("repaired %v, left %v", repaired, left)
				}
				if got := online(t, s.store); !equal(got, tt.want) {
					t.Errorf("online %v, want %v", got, tt.want)
				}
			})
		})
	}
}
