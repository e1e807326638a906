package presence_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

func noProgress(presence.Forgotten) {}

// TestForget_ChangesNothingElse_I10 forgets a user in a random log, of which retention may
// have deleted the beginning, often stopping at random steps and going on, and holds that
// every event is what it was but for the name of his connections that have ended; that
// every stream can be folded at any time; and that every answer about the others is the
// same, before, in between and after.
func TestForget_ChangesNothingElse_I10(t *testing.T) {
	stopped, open, forgotten, hooks := 0, 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t)
		h := presence.NewHistory(w.store)
		var horizon time.Time
		if rapid.Bool().Draw(t, "retention") {
			if at := w.time(t, time.Time{}); len(w.retain(t, at)) > 0 {
				horizon = at
			}
		}
		user := rapid.SampledFrom(crowdNames).Draw(t, "who is forgotten")
		kept, named := w.hook(t, user)
		plan, err := presence.PlanForget(t.Context(), w.store, user)
		if err != nil || plan.Unfinished || plan.Hook != (named && plan.Open == 0) {
			t.Fatalf("the hook names him: %t; plan %+v, %v", named, plan, err)
		}
		asBefore := func() {
			want := pastOf(w.streams, w.beats, w.now)
			want.horizon = horizon
			w.askTotals(t, h, want)
			w.folds(t)
		}
		var done presence.Forgotten
		connections := 0
		for {
			store := w.store
			if rapid.Bool().Draw(t, "stops") {
				store = storetest.NewFaulty(store, stopsAfter(t)).Store()
			}
			done, err = presence.Forget(t.Context(), store, user, noProgress)
			connections += done.Connections
			asBefore()
			if err == nil {
				break
			}
			stopped++
			if !errors.Is(err, storetest.ErrInjected) {
				t.Fatal(err)
			}
		}
		// A call that failed may have renamed some of which it was not told.
		if connections > plan.Connections || done.Open != plan.Open {
			t.Fatalf("%d connections were forgotten and %d are open, planned was %+v", connections, done.Open, plan)
		}
		open, forgotten = open+plan.Open, forgotten+plan.Connections
		if plan.Hook {
			hooks++
			kept = presence.Hook{Number: kept.Number}
		}
		w.hookIs(t, kept, plan.Open > 0)
		name := w.forget(t, user)
		want := pastOf(w.streams, w.beats, w.now)
		want.horizon = horizon
		for range 6 {
			w.ask(t, h, want)
			w.ask(t, presence.NewHistory(w.store), want)
		}
		w.folds(t)
		w.nowhere(t, user, name)
		again, err := presence.Forget(t.Context(), w.store, user, noProgress)
		if err != nil || again != (presence.Forgotten{Open: plan.Open}) {
			t.Fatalf("again: %+v, %v", again, err)
		}
	})
	if stopped == 0 || open == 0 || forgotten == 0 || hooks == 0 {
		t.Errorf("%d calls stopped, %d connections were open, %d forgotten, and %d hooks", stopped, open, forgotten, hooks)
	}
}

// hook writes a hook, or none, and reports whether it names the user.
func (w *world) hook(t *rapid.T, user string) (h presence.Hook, named bool) {
	if rapid.Bool().Draw(t, "no hook") {
		return h, false
	}
	names := append([]string{"dora", `quo"ted`}, crowdNames...)
	some := func(label string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 2, rapid.ID[string]).Draw(t, label)
	}
	h = presence.Hook{HookLease: presence.HookLease{Revision: 1, Owner: "n1/turn", Beat: 7}, Target: "receiver", Number: 42, Position: "n1/00000001/0000000000000000"}
	odd, pending := some("odd"), some("pending")
	for _, o := range odd {
		h.Odd = append(h.Odd, presence.HookOdd{User: o, At: w.began})
	}
	if rapid.Bool().Draw(t, "resync") {
		h.Part, h.After = 3, rapid.SampledFrom(names).Draw(t, "after")
	}
	if len(pending) > 0 {
		h.Pending = presence.HookDelivery{ID: "id", At: w.began, Body: bodyOf(t, pending)}
		if named = rapid.Bool().Draw(t, "cannot be read"); named {
			h.Pending.Body = h.Pending.Body[1:]
		}
	}
	if err := w.store.Hooks.Save(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	return h, named || h.After == user || slices.Contains(odd, user) || slices.Contains(pending, user)
}

// bodyOf is the body of a delivery that names users.
func bodyOf(t *rapid.T, users []string) string {
	type change struct {
		Type string `json:"type"`
		User string `json:"user"`
	}
	var changes []change
	for _, u := range users {
		changes = append(changes, change{"join", u})
	}
	body, err := json.Marshal(map[string]any{"type": "presence", "data": map[string]any{"number": 42, "changes": changes}})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// hookIs holds that the hook is the same, under the same lease or under another, in which
// nobody posts.
func (w *world) hookIs(t *rapid.T, want presence.Hook, same bool) {
	got, err := w.store.Hooks.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !same && got.Revision > 0 {
		if got.Revision <= 1 || got.Owner != "" || got.Beat != 0 {
			t.Fatalf("the lease is %+v", got.HookLease)
		}
		want.HookLease = got.HookLease
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("the hook\nis   %+v\nwant %+v", got, want)
	}
}

// stopsAfter is a plan by which everything fails after some calls, the first of them
// perhaps done in part, or wholly and not acknowledged.
func stopsAfter(t *rapid.T) storetest.Plan {
	calls := rapid.IntRange(0, 14).Draw(t, "after calls")
	first := storetest.Action{
		Fault: rapid.SampledFrom([]storetest.Fault{storetest.Before, storetest.After, storetest.Partial}).Draw(t, "fault"),
		Part:  rapid.IntRange(1, 3).Draw(t, "part"),
	}
	return func(c storetest.Call) storetest.Action {
		switch {
		case c.N < calls:
			return storetest.Action{}
		case c.N == calls:
			return first
		}
		return storetest.Action{Fault: storetest.Before}
	}
}

// askTotals compares how many were online at a time, whoever they were.
func (w *world) askTotals(t *rapid.T, h *presence.History, want past) {
	at := w.time(t, want.horizon)
	_, total, unknown := want.onlineAt(at)
	page, err := h.OnlineAt(t.Context(), at, presence.UserQuery{Limit: presence.MaxUserPage})
	if err != nil || page.Total != total || page.Unknown != unknown {
		t.Fatalf("at %v: %d and %d unknown, %v, want %d and %d\n%s", at.Sub(w.began), page.Total, page.Unknown, err, total, unknown, w)
	}
}

// forget gives the user's connections that have ended one tombstone, in what the log is to
// be, and holds that the log is that. It returns the tombstone, "" if there is none.
func (w *world) forget(t *rapid.T, user string) (tombstone string) {
	left := make([][]events.Event, len(w.streams))
	for i, run := range w.streams {
		var err error
		if left[i], err = w.store.Log.Read(t.Context(), run[0].ID.At(0), 1000); err != nil {
			t.Fatal(err)
		}
		for _, e := range left[i] {
			if events.IsTombstone(e.User) {
				tombstone = e.User
			}
		}
	}
	for i, run := range w.streams {
		for j, e := range run {
			ended := slices.ContainsFunc(run, func(d events.Event) bool { return d.Type == events.Disconnected && d.Conn == e.ID })
			if tombstone != "" && e.User == user && (e.Type == events.Disconnected || ended) {
				run[j].User, run[j].Remote, run[j].Agent = tombstone, "", ""
			}
		}
		if want := run[len(run)-len(left[i]):]; !slices.Equal(left[i], want) {
			t.Fatalf("%s\nis   %+v\nwant %+v", run[0].ID.Stream, left[i], want)
		}
	}
	return tombstone
}

// nowhere fails if a snapshot names the user for a connection that has ended, or there is
// a note of him, or of anybody else than the one tombstone.
func (w *world) nowhere(t *rapid.T, user, tombstone string) {
	chunks, err := w.store.Forgetting.Chunks(t.Context(), user, "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	open := make(map[events.Position]bool)
	for _, run := range w.streams {
		for _, e := range run {
			open[e.ID] = open[e.ID] || e.Type == events.Connected && e.User == user
		}
	}
	for _, c := range chunks {
		for _, o := range c.Open {
			if o.User == user && !open[o.Conn] {
				t.Fatalf("the snapshot %s names him for %s", c.Of, o.Conn)
			}
		}
	}
	if noted, err := w.store.Forgetting.Begun(t.Context(), user); noted != "" || err != nil {
		t.Fatalf("there is a note of %q, %v", noted, err)
	}
	h := presence.NewHistory(w.store)
	page, err := h.OnlineAt(t.Context(), w.ended, presence.UserQuery{Limit: presence.MaxUserPage})
	for _, u := range page.Users {
		if events.IsTombstone(u.User) && u.User != tombstone {
			t.Fatalf("%s is another tombstone than %s", u.User, tombstone)
		}
	}
	if err != nil && !errors.Is(err, presence.ErrForgotten) {
		t.Fatal(err)
	}
}

// A node that is still to learn that the end of a connection is recorded, and finds it
// forgotten, is not fenced for it; nor is a takeover by a second peer misled.
func TestForget_BesideLiveNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newStore()
		unacknowledged := storetest.Only(storetest.Sequence(storetest.Action{}, storetest.Action{Fault: storetest.After}), storetest.LogAppend)
		armed := false
		m := start(t, storetest.NewFaulty(inner, func(c storetest.Call) storetest.Action {
			if !armed {
				return storetest.Action{}
			}
			return unacknowledged(c)
		}).TwoSteps(), presence.Config{})
		first, second := connect(t, m, "ana"), connect(t, m, "ana")
		connect(t, m, "bob")
		synctest.Wait()
		armed = true
		late := connect(t, m, "ana")
		synctest.Wait()
		m.Disconnect(&first.Conn, events.Client) // recorded, and not acknowledged
		synctest.Wait()
		began := time.Now()
		forgot := make(chan presence.Forgotten, 1)
		go func() {
			done, err := presence.Forget(t.Context(), inner, "ana", noProgress)
			if err != nil {
				t.Error(err)
			}
			forgot <- done
		}()
		done := <-forgot
		if done.Connections != 1 || done.Open != 2 || time.Since(began) < time.Minute {
			t.Errorf("after %s: %+v", time.Since(began), done)
		}
		if s := m.Stats(); s.Fenced != 0 || m.Stream() != n1e1 {
			t.Errorf("the node was fenced: %+v", s)
		}
		holds(t, inner, 3)
		if got, want := online(t, inner), (map[string]int{"ana": 2, "bob": 1}); !equal(got, want) {
			t.Errorf("online %v, want %v", got, want)
		}
		m.Disconnect(&second.Conn, events.Client)
		m.Disconnect(&late.Conn, events.Client)
		shutdown(t, m)
		done, err := presence.Forget(t.Context(), inner, "ana", noProgress)
		if err != nil || done != (presence.Forgotten{Connections: 2}) {
			t.Errorf("when all have ended: %+v, %v", done, err)
		}
		holds(t, inner, 0)
		for _, e := range stream(t, inner, n1e1) {
			if e.User == "ana" {
				t.Errorf("%s %s has the name", e.Type, e.ID)
			}
		}
	})
}

// Peers that end a dead node's stream at once, one of them after it was forgotten who was
// there, agree on what it reads.
func TestForget_WhileATakeoverGoesOn(t *testing.T) {
	for renamed := range 3 { // events that are forgotten: none, the connected, both
		synctest.Test(t, func(t *testing.T) {
			store := died(t, 7)
			peer := func() *presence.Member {
				m, err := presence.New(store, presence.Config{Node: "n2"})
				if err != nil {
					t.Fatal(err)
				}
				return m
			}
			if err := peer().TakeOver(t.Context(), n1e1); err != nil {
				t.Fatal(err)
			}
			all := stream(t, store, n1e1)
			at := []events.Position{n1e1.At(3), all[len(all)-5].ID}
			if user := all[3].User; all[len(all)-5].Conn != at[0] || all[len(all)-5].User != user {
				t.Fatalf("%s is not the end of %s", all[len(all)-5].ID, at[0])
			}
			if err := store.Forgetting.RenameEvents(t.Context(), all[3].User, events.Tombstone("abcdefghijklmnopqrstuvwxyz"), at[:renamed]); err != nil {
				t.Fatal(err)
			}
			if err := peer().TakeOver(t.Context(), n1e1); err != nil {
				t.Errorf("with %d events renamed: %v", renamed, err)
			}
			holds(t, store, 0)
		})
	}
}

// A snapshot that a node writes after the fact, of what it has read before, is found by
// the second look; and what is written for webhooks after somebody has read it.
func TestForget_LateSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		m := start(t, store, presence.Config{})
		ana := connect(t, m, "ana")
		pass(time.Second)
		since := stream(t, store, n1e1)[1].At
		m.Disconnect(&ana.Conn, events.Client)
		pass(time.Minute)
		go func() {
			pass(20 * time.Second)
			late := presence.Chunk{Of: n1e1.At(1), Chunks: 1, At: since, Version: 1, Open: []events.Open{{Conn: n1e1.At(1), User: "ana", Since: since}}}
			if err := store.Snapshots.Add(context.Background(), []presence.Chunk{late}); err != nil {
				t.Error(err)
			}
			told := presence.Hook{HookLease: presence.HookLease{Revision: 1, Owner: "n1/turn"}, Odd: []presence.HookOdd{{User: "ana"}}}
			if err := store.Hooks.Save(context.Background(), told); err != nil {
				t.Error(err)
			}
		}()
		done, err := presence.Forget(t.Context(), store, "ana", noProgress)
		if err != nil || done != (presence.Forgotten{Connections: 1, Snapshots: 1, Hook: true}) {
			t.Errorf("%+v, %v", done, err)
		}
		if h, err := store.Hooks.Load(t.Context()); err != nil || len(h.Odd) != 0 {
			t.Errorf("the hook is %+v, %v", h, err)
		}
		if left, err := store.Forgetting.Chunks(t.Context(), "ana", "", 10); err != nil || len(left) != 0 {
			t.Errorf("%d chunks name her, %v", len(left), err)
		}
		page, err := presence.NewHistory(store).OnlineAt(t.Context(), since, presence.UserQuery{Limit: 10})
		if err != nil || page.Total != 1 || !events.IsTombstone(page.Users[0].User) {
			t.Errorf("online then: %+v, %v", page, err)
		}
		shutdown(t, m)
	})
}

// Who saves the hook just before Forget does is not taken for it, also if he resigns, which
// is a save of the same revision and owner.
func TestForget_TheHookIsSavedMeanwhile(t *testing.T) {
	for _, owner := range []string{"", "n2/turn"} {
		store := newStore()
		h := presence.Hook{HookLease: presence.HookLease{Revision: 1, Owner: "n1/turn"}, Number: 42, Odd: []presence.HookOdd{{User: "zoe"}}}
		if err := store.Hooks.Save(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		h.Revision, h.Owner = 2, owner
		inner := store.Hooks
		store.Hooks = &overtaken{inner, h}
		done, err := presence.Forget(t.Context(), store, "zoe", noProgress)
		if err != nil || done != (presence.Forgotten{Hook: true}) {
			t.Errorf("%q was first: %+v, %v", owner, done, err)
		}
		left, err := inner.Load(t.Context())
		want := presence.Hook{HookLease: presence.HookLease{Revision: 4}, Number: 42}
		if err != nil || !reflect.DeepEqual(left, want) {
			t.Errorf("%q was first: the hook is %+v, %v", owner, left, err)
		}
	}
}

// overtaken are hooks in which somebody has saved another before the first save.
type overtaken struct {
	presence.Hooks
	by presence.Hook
}

func (o *overtaken) Save(ctx context.Context, h presence.Hook) error {
	if err := o.Hooks.Save(ctx, o.by); err != nil && !errors.Is(err, presence.ErrHookTaken) {
		return err
	}
	return o.Hooks.Save(ctx, h)
}

// What a late write has left in online goes, and the reason of a kick, which may have the
// name; the kick itself stays, for its client may be there yet.
func TestForget_StraysAndReasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := died(t, 0)
		store.Exclusive = true
		m := start(t, store, presence.Config{})
		ana := connect(t, m, "ana")
		synctest.Wait()
		id := ana.id(t)
		m.Disconnect(&ana.Conn, events.Client)
		shutdown(t, m)
		ghosts := []presence.Connection{
			{ID: id, User: "ana", Since: events.Milliseconds(time.Now())},
			{ID: id.At(99), User: "ana", Since: events.Milliseconds(time.Now())}, // that was never recorded
		}
		apply(t, store, ghosts, nil)
		if err := store.Kicks.Add(t.Context(), []presence.Kick{{Conn: id, At: events.Milliseconds(time.Now()), By: "n2", Reason: "ana, go home"}}); err != nil {
			t.Fatal(err)
		}
		plan, err := presence.PlanForget(t.Context(), store, "ana")
		if err != nil || plan != (presence.Forgotten{Connections: 1}) {
			t.Errorf("plan %+v, %v", plan, err)
		}
		done, err := presence.Forget(t.Context(), store, "ana", noProgress)
		if err != nil || done != (presence.Forgotten{Connections: 1, Strays: 1}) {
			t.Errorf("%+v, %v", done, err)
		}
		if got := online(t, store); len(got) != 0 {
			t.Errorf("online has %v", got)
		}
		if left := kicksLeft(t, store, "n1"); len(left) != 1 || left[0].Reason != "" {
			t.Errorf("kicks %+v", left)
		}
	})
}

// Who has no note, and nothing to be forgotten, costs no wait; an unfinished call is seen.
func TestForget_Nobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		m := start(t, store, presence.Config{})
		began := time.Now()
		done, err := presence.Forget(t.Context(), store, "zoe", noProgress)
		if err != nil || done != (presence.Forgotten{}) || time.Since(began) != 0 {
			t.Errorf("after %s: %+v, %v", time.Since(began), done, err)
		}
		if _, err := store.Forgetting.Begin(t.Context(), "zoe", "forgotten-x"); err != nil {
			t.Fatal(err)
		}
		if plan, err := presence.PlanForget(t.Context(), store, "zoe"); err != nil || plan != (presence.Forgotten{Unfinished: true}) {
			t.Errorf("plan %+v, %v", plan, err)
		}
		shutdown(t, m)
	})
}

// I1, I2, I4, I6: users are forgotten again and again while they come and go on two nodes, of
// which one dies and is taken over, and whatever the store does to the operations of all of
// them. No node is fenced for it, and when all have left nothing has their names.
func TestForget_RandomFaults(t *testing.T) {
	seeds := uint64(30)
	if testing.Short() {
		seeds = 10
	}
	forgotten := 0
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { forgotten += forgetAtRandom(t, seed) })
		})
	}
	if forgotten == 0 {
		t.Error("nobody was forgotten while others came and went")
	}
}

// forgetAtRandom returns how many connections were forgotten beside live nodes.
func forgetAtRandom(t *testing.T, seed uint64) (forgotten int) {
	inner := newStore()
	var calm atomic.Bool
	stores := make([]*storetest.Faulty, 3)
	for i := range stores {
		random := storetest.Random(3*seed+uint64(i), storetest.Rates{Before: .05, After: .1, Partial: .1, Refused: .03, Late: .1})
		stores[i] = storetest.NewFaulty(inner, func(c storetest.Call) storetest.Action {
			if calm.Load() {
				return storetest.Action{}
			}
			return random(c)
		})
	}
	nodes := []*presence.Member{
		start(t, stores[0].TwoSteps(), presence.Config{Node: "n1"}),
		start(t, stores[1].TwoSteps(), presence.Config{Node: "n2"}),
	}
	var others sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	others.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			short, cancel := context.WithTimeout(ctx, 200*time.Millisecond) // not the minute of the second look
			done, err := presence.Forget(short, stores[2].Store(), fmt.Sprint("u", i%3), noProgress)
			cancel()
			if err != nil && !errors.Is(err, storetest.ErrInjected) && short.Err() == nil {
				t.Error(err)
			}
			forgotten += done.Connections
			pass(20 * time.Millisecond)
		}
	})
	r := rand.New(rand.NewPCG(seed, 2))
	live := crowdOf(t, nodes, r, 200)
	nodes[1].Die()
	live = live[:1:1]
	live[0] += crowdOf(t, nodes[:1], r, 200)[0]
	pass(within)
	stop()
	others.Wait()
	calm.Store(true)
	for _, f := range stores {
		f.Release()
	}
	pass(time.Minute)
	holds(t, inner, live[0])
	if s := nodes[0].Stats(); s.Fenced != 0 || nodes[0].Stream() != n1e1 {
		t.Errorf("the node was fenced: %+v", s)
	}
	shutdown(t, nodes[0])
	holds(t, inner, 0)
	for i := range 3 {
		user := fmt.Sprint("u", i)
		if done, err := presence.Forget(t.Context(), inner, user, noProgress); err != nil || done.Open != 0 {
			t.Errorf("%s in the end: %+v, %v", user, done, err)
		}
		left, err := inner.Past.OfUser(t.Context(), user, presence.Moment{}, 10)
		chunks, err2 := inner.Forgetting.Chunks(t.Context(), user, "", 10)
		if err = errors.Join(err, err2); err != nil || len(left)+len(chunks) != 0 {
			t.Errorf("%s is in %d events and %d snapshots, %v", user, len(left), len(chunks), err)
		}
	}
	holds(t, inner, 0)
	return forgotten
}

// crowdOf lets clients come to nodes and go for a while, and returns how many have stayed
// with each.
func crowdOf(t *testing.T, nodes []*presence.Member, r *rand.Rand, steps int) (live []int) {
	live = make([]int, len(nodes))
	there := make([][]*client, len(nodes))
	for range steps {
		i := r.IntN(len(nodes))
		switch r.IntN(4) {
		case 0, 1:
			there[i] = append(there[i], connect(t, nodes[i], fmt.Sprint("u", r.IntN(5))))
			live[i]++
		case 2:
			if n := len(there[i]); n > 0 {
				j := r.IntN(n)
				nodes[i].Disconnect(&there[i][j].Conn, events.Client)
				there[i] = slices.Delete(there[i], j, j+1)
				live[i]--
			}
		case 3:
			pass(time.Duration(r.IntN(100)) * time.Millisecond)
		}
	}
	return live
}
