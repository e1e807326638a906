package events

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fold applies events, all of which must fit.
func fold(t *testing.T, history ...Event) *Fold {
	t.Helper()
	var f Fold
	for _, e := range history {
		if err := f.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	return &f
}

func TestFold_Zero(t *testing.T) {
	var f Fold
	if f.Tail() != (Event{}) || f.Seal() != (Event{}) || f.Sealed() || f.Len() != 0 || len(f.Open()) != 0 {
		t.Errorf("got %+v", f)
	}
}

func TestFold_ALife(t *testing.T) {
	anna, ben, again := connected(1, "anna"), connected(2, "ben"), connected(3, "anna")
	f := fold(t, opened(), anna, ben, again)
	if got, want := f.Open(), []Event{anna, ben, again}; !slices.Equal(got, want) || f.Len() != 3 {
		t.Errorf("open %v, %d, want %v", got, f.Len(), want)
	}
	f = fold(t, opened(), anna, ben, again, disconnected(4, 1, "anna"))
	if got, want := f.Open(), []Event{ben, again}; !slices.Equal(got, want) {
		t.Errorf("open %v, want %v", got, want)
	}
	seal := lost(sealed(5))
	last := lost(disconnected(7, 3, "anna"))
	f = fold(t, opened(), anna, ben, again, disconnected(4, 1, "anna"), seal, lost(disconnected(6, 2, "ben")), last)
	if f.Len() != 0 || !f.Sealed() || f.Seal() != seal || f.Tail() != last || !f.Tail().Seals() {
		t.Errorf("got %+v", f)
	}
}

// TestFold_GrammarRefuses has for each rule a next event that breaks it.
func TestFold_GrammarRefuses(t *testing.T) {
	open := []Event{opened(), connected(1, "anna"), connected(2, "ben")}
	closed := append(slices.Clone(open), disconnected(3, 1, "anna"))
	ended := append(slices.Clone(open), lost(sealed(3)))
	over := append(slices.Clone(ended), lost(disconnected(4, 1, "anna")), lost(disconnected(5, 2, "ben")))
	elsewhere := func(e Event, s Stream) Event {
		e.ID.Stream = s
		if !e.Conn.IsZero() {
			e.Conn.Stream = s
		}
		return e
	}
	earlier := func(e Event) Event {
		e.At = e.At.Add(-time.Minute)
		return e
	}
	tests := []struct {
		name    string
		history []Event
		next    Event
		says    string
	}{
		{"I1/begins with connected", nil, connected(1, "anna"), "begins with opened"},
		{"I1/begins with sealed", nil, sealed(1), "begins with opened"},
		{"I1/a gap", open, connected(4, "cleo"), "does not stand at n1/00000003/0000000000000003"},
		{"I1/the same position again", open, connected(2, "ben"), "does not stand at"},
		{"I1/opened again", open, opened(), "does not stand at"},
		{"I1/another epoch", open, elsewhere(connected(3, "cleo"), Stream{"n1", 4}), "does not stand at"},
		{"I1/another node", open, elsewhere(connected(3, "cleo"), Stream{"n2", 3}), "does not stand at"},
		{"I1/a gap before the seal", open, sealed(4), "does not stand at"},
		{"I1/a gap after the seal", ended, lost(disconnected(5, 1, "anna")), "does not stand at"},
		{"time falls", open, earlier(connected(3, "cleo")), "time is before"},
		{"time falls at the seal", open, earlier(lost(sealed(3))), "time is before"},

		{"I2/connected after the seal", ended, connected(4, "cleo"), "sealed at n1/00000003/0000000000000003"},
		{"I2/sealed twice", ended, lost(sealed(4)), "sealed at"},
		{"I2/sealed after the takeover", over, sealed(6), "sealed at"},
		{"I2/connected after the takeover", over, connected(6, "cleo"), "sealed at"},
		{"I2/disconnected by the owner after the seal", ended, disconnected(4, 1, "anna"), "node_lost stands after the seal"},
		{"I2/disconnected by a takeover before the seal", open, lost(disconnected(3, 1, "anna")), "node_lost stands after the seal"},

		{"I4/disconnected twice", closed, disconnected(4, 1, "anna"), "is not open"},
		{"I4/disconnected again by the takeover", over, lost(disconnected(6, 1, "anna")), "is not open"},
		{"I4/disconnected of a disconnected", closed, disconnected(4, 3, "anna"), "is not open"},
		{"I4/disconnected of another user", open, disconnected(3, 1, "ben"), "another user"},
		{"invalid", open, connected(3, ""), "user"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, untouched := fold(t, tt.history...), fold(t, tt.history...)
			err := f.Apply(tt.next)
			want := ErrGrammar
			if tt.name == "invalid" {
				want = ErrInvalid
			}
			if !errors.Is(err, want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want one that says %q", err, tt.says)
			}
			if !equal(f, untouched) {
				t.Errorf("the fold was changed: %+v, before %+v", f, untouched)
			}
		})
	}
}

func equal(a, b *Fold) bool {
	return a.Tail() == b.Tail() && a.Seal() == b.Seal() && a.Sealed() == b.Sealed() && a.Len() == b.Len() && slices.Equal(a.Open(), b.Open())
}

// fits is the grammar of a stream once more, said about the whole history at once.
func fits(history []Event, e Event) bool {
	if e.Validate() != nil || e.ID.Seq != uint64(len(history)) { // I1
		return false
	}
	if len(history) == 0 {
		return e.Type == Opened
	}
	if e.ID.Stream != history[0].ID.Stream || e.At.Before(history[len(history)-1].At) {
		return false
	}
	sealed := slices.ContainsFunc(history, func(h Event) bool { return h.Type == Sealed })
	if e.Type != Disconnected {
		return !sealed && e.Type != Opened // I2
	}
	begun := slices.ContainsFunc(history, func(h Event) bool { return h.Type == Connected && h.ID == e.Conn && h.User == e.User })
	ended := slices.ContainsFunc(history, func(h Event) bool { return h.Type == Disconnected && h.Conn == e.Conn })
	return begun && !ended && sealed == (e.Reason == NodeLost) // I4, I2
}

// openIn are the open connections of a history, by looking for each at all the rest.
func openIn(history []Event) (open []Event) {
	for _, c := range history {
		ended := slices.ContainsFunc(history, func(h Event) bool { return h.Type == Disconnected && h.Conn == c.ID })
		if c.Type == Connected && !ended {
			open = append(open, c)
		}
	}
	return open
}

// genNext makes events that may follow a history, and many that may not.
func genNext(history []Event) *rapid.Generator[Event] {
	return rapid.Custom(func(t *rapid.T) Event {
		seq := uint64(len(history))
		oneIn := func(n int, label string) bool { return rapid.IntRange(1, n).Draw(t, label) == n }
		if oneIn(8, "astray") {
			seq = rapid.Uint64Max(seq+2).Draw(t, "seq")
		}
		user := rapid.SampledFrom([]string{"anna", "ben"}).Draw(t, "user")
		var e Event
		switch kind := rapid.IntRange(0, 19).Draw(t, "kind"); {
		case kind == 0 || len(history) == 0 && kind < 15:
			e = opened()
			e.ID.Seq = seq
		case kind < 10:
			e = connected(seq, user)
		case kind < 19:
			e = disconnected(seq, rapid.Uint64Max(seq).Draw(t, "conn"), user)
			if open := openIn(history); len(open) > 0 && !oneIn(4, "any conn") {
				c := rapid.SampledFrom(open).Draw(t, "open")
				e.Conn, e.User = c.ID, c.User
			}
		default:
			e = sealed(seq)
		}
		if e.Type == Sealed || e.Type == Disconnected {
			if len(history) > 0 && history[len(history)-1].Seals() != oneIn(8, "wrong reason") {
				e = lost(e)
			}
		}
		if oneIn(16, "early") {
			e.At = e.At.Add(-10 * time.Second)
		}
		if oneIn(16, "elsewhere") {
			e.ID.Epoch++
			e.Conn.Epoch++
		}
		return e
	})
}

// TestFold_AgreesWithAModel is I1, I2 and I4 on random streams: the fold takes what
// the grammar says and nothing else, and adds up to what a look at all events says.
func TestFold_AgreesWithAModel(t *testing.T) {
	taken, refused := map[Type]int{}, 0
	rapid.Check(t, func(t *rapid.T) {
		var f Fold
		var history []Event
		for range rapid.IntRange(1, 60).Draw(t, "tries") {
			e := genNext(history).Draw(t, "next")
			want := fits(history, e)
			if err := f.Apply(e); (err == nil) != want {
				t.Fatalf("%s %s: %v, and the model says %v", e.Type, e.ID, err, want)
			}
			if want {
				history = append(history, e)
				taken[e.Type]++
			} else {
				refused++
			}
			checkFold(t, &f, history)
		}
		if err := ValidateRun(history); err != nil {
			t.Fatalf("a stream is no run: %v", err)
		}
	})
	for _, typ := range []Type{Opened, Connected, Disconnected, Sealed} {
		if taken[typ] == 0 || refused == 0 {
			t.Errorf("no %s was taken, or none was refused: %v, %d", typ, taken, refused)
		}
	}
}

func checkFold(t *rapid.T, f *Fold, history []Event) {
	var tail, seal Event
	if len(history) > 0 {
		tail = history[len(history)-1]
	}
	if i := slices.IndexFunc(history, func(h Event) bool { return h.Type == Sealed }); i >= 0 {
		seal = history[i]
	}
	open := openIn(history)
	if f.Tail() != tail || f.Seal() != seal || f.Sealed() != !seal.ID.IsZero() {
		t.Fatalf("tail %v, seal %v, want %v, %v", f.Tail(), f.Seal(), tail, seal)
	}
	if f.Sealed() != tail.Seals() {
		t.Fatalf("sealed: %v, but its tail %s %s says otherwise", f.Sealed(), tail.Type, tail.Reason)
	}
	if f.Len() != len(open) || !slices.Equal(f.Open(), open) {
		t.Fatalf("open %v, want %v", f.Open(), open)
	}
}

func TestFold_OpenIsACopy(t *testing.T) {
	f := fold(t, opened(), connected(1, "anna"))
	f.Open()[0].User = "eve"
	if got := f.Open()[0].User; got != "anna" {
		t.Errorf("the fold was changed through Open: %s", got)
	}
}

func BenchmarkFold_Apply(b *testing.B) {
	b.ReportAllocs()
	var f Fold
	if err := f.Apply(opened()); err != nil {
		b.Fatal(err)
	}
	on, off := connected(1, "42"), disconnected(2, 1, "42")
	on.At, off.At = at(0), at(0)
	for b.Loop() {
		on.ID = f.Tail().ID.Next()
		off.ID, off.Conn = on.ID.Next(), on.ID
		if f.Apply(on) != nil || f.Apply(off) != nil {
			b.Fatal("refused")
		}
	}
}
