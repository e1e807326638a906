package presence_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// I6: what somebody does to online by hand is mended within 30 s: by reconcile in the
// node's own stream, by the sweep in one that the log does not have.
func TestMember_Reconcile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		m := start(t, store, presence.Config{})
		ana := connect(t, m, "ana")
		gone := connect(t, m, "gone")
		connect(t, m, "bob")
		synctest.Wait()
		m.Disconnect(&gone.Conn, events.Client)
		synctest.Wait()

		ghost := presence.Connection{ID: gone.id(t), User: "gone", Since: events.Milliseconds(time.Now())}
		another := presence.Connection{ID: events.Stream{Node: "n2", Epoch: 1}.At(3), User: "zoe", Since: ghost.Since}
		apply(t, store, []presence.Connection{ghost}, []events.Position{ana.id(t)})
		apply(t, store, []presence.Connection{another}, nil)
		if got, want := online(t, store), (map[string]int{"gone": 1, "bob": 1, "zoe": 1}); !equal(got, want) {
			t.Fatalf("online %v, want %v", got, want)
		}
		pass(31 * time.Second)
		if got, want := online(t, store), (map[string]int{"ana": 1, "bob": 1}); !equal(got, want) {
			t.Errorf("online %v, want %v", got, want)
		}
		if s := m.Stats(); s.Mended != 2 || s.Swept != 1 {
			t.Errorf("mended %d, want ana and gone; swept %d, want the stream of zoe", s.Mended, s.Swept)
		}
		holds(t, store, 2)
		shutdown(t, m)
	})
}

// lookedAt is an online that others change while reconcile or the sweep looks at it.
type lookedAt struct {
	presence.Online

	// called when something is read, before who asked has it
	ids, streams atomic.Pointer[func()]
}

func (l *lookedAt) IDs(ctx context.Context, after events.Position, limit int) ([]events.Position, error) {
	ids, err := l.Online.IDs(ctx, after, limit)
	call(&l.ids)
	return ids, err
}

func (l *lookedAt) Streams(ctx context.Context) ([]events.Stream, error) {
	streams, err := l.Online.Streams(ctx)
	call(&l.streams)
	return streams, err
}

func call(p *atomic.Pointer[func()]) {
	if f := p.Load(); f != nil {
		(*f)()
	}
}

// Who comes and goes while reconcile looks has nothing to be mended: it would be counted,
// and warned of, as a ghost.
func TestMember_Reconcile_churn(t *testing.T) {
	for _, tt := range []struct {
		name    string
		waiting bool // the event of who leaves still waits when reconcile judges
	}{{"recorded before it is judged", false}, {"still in the queue", true}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newStore()
				look := &lookedAt{Online: store.Online}
				store.Online = look
				m := start(t, store, presence.Config{})
				users := []*client{connect(t, m, "ana"), connect(t, m, "bob")}
				var looks atomic.Int32
				meanwhile := func() {
					looks.Add(1)
					for _, c := range users {
						m.Disconnect(&c.Conn, events.Client)
					}
					users = []*client{connect(t, m, "ana"), connect(t, m, "bob")}
					if !tt.waiting {
						synctest.Wait()
					}
				}
				look.ids.Store(&meanwhile)
				pass(10 * time.Minute)
				if s := m.Stats(); looks.Load() < 20 || s.Mended != 0 {
					t.Errorf("mended %d in %d looks, want 0 in 20 or more", s.Mended, looks.Load())
				}
				holds(t, store, 2)
				shutdown(t, m)
			})
		})
	}
}

func apply(t *testing.T, store presence.Store, add []presence.Connection, remove []events.Position) {
	t.Helper()
	if err := store.Online.Apply(t.Context(), add, remove); err != nil {
		t.Fatal(err)
	}
}

// A verify says what differs, and in which stream.
func TestVerify_Differences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		m := start(t, store, presence.Config{})
		ana, bob := connect(t, m, "ana"), connect(t, m, "bob")
		synctest.Wait()
		since := events.Milliseconds(time.Now())
		other := presence.Connection{ID: bob.id(t), User: "eve", Since: since}
		ghost := presence.Connection{ID: n1e1.At(99), User: "zoe", Since: since}
		stray := presence.Connection{ID: n1e2.At(5), User: "zoe", Since: since}
		apply(t, store, nil, []events.Position{ana.id(t), bob.id(t)})
		apply(t, store, []presence.Connection{other, ghost}, nil)
		apply(t, store, []presence.Connection{stray}, nil)

		report, err := presence.Verify(t.Context(), store)
		if err != nil {
			t.Fatal(err)
		}
		want := []presence.ProblemKind{presence.Absent, presence.Different, presence.Ghost, presence.Ghost}
		if len(report.Problems) != len(want) || report.Holds() {
			t.Fatalf("found %v, want %v", report.Problems, want)
		}
		for i, p := range report.Problems {
			if p.Kind != want[i] {
				t.Errorf("problem %d is %v, want %s", i, p, want[i])
			}
		}
	})
}
