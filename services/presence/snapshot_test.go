package presence_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// A node writes a snapshot when its stream has grown by 10,000 events, and a takeover
// that begins there ends the same connections as one that begins at seq 0 (I8).
func TestMember_Snapshots(t *testing.T) {
	for _, kept := range []bool{true, false} {
		t.Run(fmt.Sprint("kept ", kept), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newStore()
				m := start(t, store, presence.Config{})
				const connections = 6000
				for i := range connections {
					c := connect(t, m, fmt.Sprint("u", i))
					if i%6 != 0 {
						m.Disconnect(&c.Conn, events.Client)
					}
				}
				pass(2 * time.Minute)
				for i := range 100 {
					connect(t, m, fmt.Sprint("late", i))
				}
				pass(2 * time.Minute)
				m.Die()
				last, err := store.Snapshots.Before(t.Context(), n1e1.At(events.MaxSeq))
				if err != nil || last.Seq != connections+connections/6*5 {
					t.Errorf("the last snapshot is at %s, %v", last, err)
				}
				if !kept {
					store.Snapshots = nil
				}
				peer, err := presence.New(store, presence.Config{Node: "n2"})
				if err != nil {
					t.Fatal(err)
				}
				if err := peer.TakeOver(t.Context(), n1e1); err != nil {
					t.Fatal(err)
				}
				holds(t, store, 0)
				if got, want := len(stream(t, store, n1e1)), 1+connections+connections/6*5+100+1+connections/6+100; got != want {
					t.Errorf("%d events, want %d", got, want)
				}
			})
		})
	}
}

// A snapshot that tells of a connection which is not there, or is not whole, ends
// nobody's connection in a takeover.
func TestMember_TakeOver_BrokenSnapshot(t *testing.T) {
	for name, chunk := range map[string]presence.Chunk{
		"a part":        {Chunks: 2},
		"of no version": {Chunks: 1, Version: -1},
		"nobody open":   {Chunks: 1, Version: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newStore()
				m := start(t, store, presence.Config{})
				ana, _ := connect(t, m, "ana"), connect(t, m, "bob")
				synctest.Wait()
				m.Disconnect(&ana.Conn, events.Client)
				synctest.Wait()
				m.Die()
				chunk.Of, chunk.At = n1e1.At(2), stream(t, store, n1e1)[2].At
				if err := store.Snapshots.Add(t.Context(), []presence.Chunk{chunk}); err != nil {
					t.Fatal(err)
				}
				peer, err := presence.New(store, presence.Config{Node: "n2"})
				if err != nil {
					t.Fatal(err)
				}
				if err := peer.TakeOver(t.Context(), n1e1); err != nil {
					t.Fatal(err)
				}
				holds(t, store, 0)
			})
		})
	}
}

// A snapshot of thousands of connections is kept in chunks, and is of no use while one
// of them is missing (I8).
func TestWriteSnapshot_Chunks(t *testing.T) {
	store := storetest.NewMemory().Store()
	const open = 2500
	run := []events.Event{{ID: n1e1.At(0), Type: events.Opened, At: events.Milliseconds(time.Now()), Process: "p"}}
	for i := range open {
		run = append(run, events.Event{ID: n1e1.At(uint64(i + 1)), Type: events.Connected, At: run[0].At, User: fmt.Sprint("u", i)})
	}
	if _, err := store.Log.Append(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s, err := presence.WriteSnapshot(t.Context(), store, n1e1.At(open))
		if err != nil || len(s.Open) != open || s.ID != n1e1.At(open) {
			t.Fatalf("snapshot %s of %d: %v", s.ID, len(s.Open), err)
		}
	}
	chunks, err := store.Snapshots.Read(t.Context(), n1e1.At(open))
	if err != nil || len(chunks) != 3 || len(chunks[0].Open) != 1000 || len(chunks[2].Open) != 500 {
		t.Fatalf("%d chunks, %v", len(chunks), err)
	}
	// A store that has lost what is before the snapshot, and then a chunk.
	if err := store.Retention.DeleteEvents(t.Context(), n1e1.At(open)); err != nil {
		t.Fatal(err)
	}
	if report, err := presence.Verify(context.Background(), store); err != nil || report.Open != open || report.Events != 1 {
		t.Errorf("verify says %d open, %d events, %v: %v", report.Open, report.Events, err, report.Problems)
	}
	half := storetest.NewMemory().Store()
	if err := half.Snapshots.Add(t.Context(), chunks[1:]); err != nil {
		t.Fatal(err)
	}
	store.Snapshots = half.Snapshots
	report, err := presence.Verify(context.Background(), store)
	if err != nil || len(report.Problems) != 1 || report.Problems[0].Kind != presence.BrokenGrammar {
		t.Errorf("verify without a chunk: %+v, %v", report.Problems, err)
	}
}

func TestWriteSnapshot_Refuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		m := start(t, store, presence.Config{})
		connect(t, m, "ana")
		shutdown(t, m)
		if _, err := presence.WriteSnapshot(t.Context(), store, n1e1.At(3)); !errors.Is(err, events.ErrNoSnapshot) {
			t.Errorf("at the seal: %v", err)
		}
		if _, err := presence.WriteSnapshot(t.Context(), store, n1e1.At(9)); !errors.Is(err, events.ErrNotFound) {
			t.Errorf("beyond the end: %v", err)
		}
	})
}
