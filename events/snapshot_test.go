package events

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestFold_SnapshotAndRestIsAll is I8: a fold that is replaced again and again by the
// fold of its own snapshot takes the same events as one that is not, and comes to the
// same end.
func TestFold_SnapshotAndRestIsAll(t *testing.T) {
	snapshots := 0
	rapid.Check(t, func(t *rapid.T) {
		plain, seeded := new(Fold), new(Fold)
		var history []Event
		for range rapid.IntRange(1, 60).Draw(t, "tries") {
			if rapid.IntRange(0, 3).Draw(t, "snapshot") == 0 && len(history) > 0 && !plain.Sealed() {
				seeded = reseeded(t, seeded)
				snapshots++
			}
			e := genNext(history).Draw(t, "next")
			err := plain.Apply(e)
			if got := seeded.Apply(e); (got == nil) != (err == nil) {
				t.Fatalf("%s %s: %v from the snapshot, %v from the beginning", e.Type, e.ID, got, err)
			}
			if err == nil {
				history = append(history, e)
			}
			same(t, seeded, plain)
		}
	})
	if snapshots == 0 {
		t.Error("no snapshot was taken")
	}
}

func reseeded(t *rapid.T, f *Fold) *Fold {
	s, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again, err := FoldFrom(s)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := again.Snapshot(); err != nil || !reflect.DeepEqual(back, s) {
		t.Fatalf("the snapshot of a snapshot is %+v (%v), want %+v", back, err, s)
	}
	return again
}

// same fails unless two folds agree in all that a snapshot keeps.
func same(t *rapid.T, got, want *Fold) {
	if got.Tail().ID != want.Tail().ID || got.Tail().At != want.Tail().At || got.Seal() != want.Seal() || got.Len() != want.Len() {
		t.Fatalf("tail %s, seal %s, %d open; want %s, %s, %d", got.Tail().ID, got.Seal().ID, got.Len(), want.Tail().ID, want.Seal().ID, want.Len())
	}
	same := slices.EqualFunc(got.Open(), want.Open(), func(a, b Event) bool {
		return a.ID == b.ID && a.User == b.User && a.At == b.At && a.Type == b.Type
	})
	if !same {
		t.Fatalf("open %+v, want %+v", got.Open(), want.Open())
	}
}

func TestFold_Snapshot_Refuses(t *testing.T) {
	for name, f := range map[string]*Fold{
		"nothing folded":     fold(t),
		"sealed":             fold(t, opened(), connected(1, "anna"), lost(sealed(2))),
		"after the takeover": fold(t, opened(), connected(1, "anna"), lost(sealed(2)), lost(disconnected(3, 1, "anna"))),
	} {
		if s, err := f.Snapshot(); !errors.Is(err, ErrNoSnapshot) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func TestFoldFrom_Refuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		damage func(*Snapshot)
		says   string
	}{
		{"a node id", func(s *Snapshot) { s.ID.Node = "N1" }, "node"},
		{"no epoch", func(s *Snapshot) { s.ID.Epoch = 0 }, "out of range"},
		{"seq", func(s *Snapshot) { s.ID.Seq = MaxSeq + 1 }, "out of range"},
		{"no time", func(s *Snapshot) { s.At = time.Time{} }, "at:"},
		{"a finer time", func(s *Snapshot) { s.At = s.At.Add(1) }, "at:"},
		{"seq 0", func(s *Snapshot) { s.Open[0].Conn.Seq = 0 }, "out of order"},
		{"order", func(s *Snapshot) { slices.Reverse(s.Open) }, "out of order"},
		{"twice", func(s *Snapshot) { s.Open[1] = s.Open[0] }, "out of order"},
		{"too late", func(s *Snapshot) { s.Open[1].Conn.Seq = s.ID.Seq + 1 }, "too late"},
		{"since after the snapshot", func(s *Snapshot) { s.Open[1].Since = s.At.Add(time.Millisecond) }, "too late"},
		{"another stream", func(s *Snapshot) { s.Open[1].Conn.Epoch++ }, "not of the stream"},
		{"no user", func(s *Snapshot) { s.Open[0].User = "" }, "user"},
		{"no since", func(s *Snapshot) { s.Open[0].Since = time.Time{} }, "since"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := fold(t, opened(), connected(1, "anna"), connected(2, "ben")).Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			tt.damage(&s)
			if f, err := FoldFrom(s); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%+v, %v, want an error that says %q", f, err, tt.says)
			}
		})
	}
}
