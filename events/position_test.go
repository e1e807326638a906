package events

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Generators of what stands in the log. They prefer the edges.

func genNode() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"n", "n1", "n1-", "n10", "n2", "0", strings.Repeat("z", MaxNodeID)}),
		rapid.StringMatching(`[a-z0-9][a-z0-9-]{0,23}`),
	)
}

func genStream() *rapid.Generator[Stream] {
	return rapid.Custom(func(t *rapid.T) Stream {
		epoch := rapid.OneOf(rapid.Uint32Min(1), rapid.SampledFrom([]uint32{1, 9, 10, 15, 16, math.MaxUint32}))
		return Stream{Node: genNode().Draw(t, "node"), Epoch: epoch.Draw(t, "epoch")}
	})
}

func genPosition() *rapid.Generator[Position] {
	return rapid.Custom(func(t *rapid.T) Position {
		seq := rapid.OneOf(rapid.Uint64Max(MaxSeq), rapid.SampledFrom([]uint64{0, 1, 9, 10, 15, 16, 255, 256, MaxSeq}))
		return genStream().Draw(t, "stream").At(seq.Draw(t, "seq"))
	})
}

func TestPosition_Text(t *testing.T) {
	for text, want := range map[string]Position{
		"n1/00000003/00000000000001f4": Stream{"n1", 3}.At(500),
		"0/00000001/0000000000000000":  Stream{"0", 1}.At(0),
		"a-b-/ffffffff/7fffffffffffffff": {
			Stream: Stream{"a-b-", math.MaxUint32}, Seq: MaxSeq,
		},
	} {
		if got := want.String(); got != text {
			t.Errorf("got %s, want %s", got, text)
		}
		if got, err := ParsePosition(text); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
	if got := (Stream{"n1", 3}).Prefix(); got != "n1/00000003/" {
		t.Errorf("prefix %s", got)
	}
}

func TestPosition_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genPosition().Draw(t, "position")
		text := want.String()
		if len(text) > MaxPosition || !strings.HasPrefix(text, want.Prefix()) {
			t.Fatalf("%s: %d bytes, prefix %s", text, len(text), want.Prefix())
		}
		if got, err := ParsePosition(text); err != nil || got != want {
			t.Fatalf("%s: got %+v, %v", text, got, err)
		}
		if got, err := ParseStream(want.Stream.String()); err != nil || got != want.Stream {
			t.Fatalf("%s: got %+v, %v", want.Stream, got, err)
		}
	})
}

// TestPosition_TextOrderIsStreamOrder is what range reads in the stores rest on.
func TestPosition_TextOrderIsStreamOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genPosition().Draw(t, "a"), genPosition().Draw(t, "b")
		if rapid.Bool().Draw(t, "same node") {
			b.Node = a.Node
		}
		if rapid.Bool().Draw(t, "same stream") {
			b.Stream = a.Stream
		}
		switch before := a.String() < b.String(); {
		case a.Stream == b.Stream && before != (a.Seq < b.Seq):
			t.Fatalf("%s and %s: as text not ordered by seq", a, b)
		case a.Node == b.Node && a.Epoch != b.Epoch && before != (a.Epoch < b.Epoch):
			t.Fatalf("%s and %s: as text not ordered by epoch", a, b)
		case a.Stream != b.Stream && strings.HasPrefix(a.String(), b.Prefix()):
			t.Fatalf("%s stands among the events of %s", a, b.Stream)
		case a.Stream != b.Stream && before != (a.Stream.Compare(b.Stream) < 0):
			t.Fatalf("%s and %s: the streams are ordered otherwise", a, b)
		}
		if c := a.Compare(b); (c < 0) != (a.String() < b.String()) || (c == 0) != (a == b) {
			t.Fatalf("%s and %s: compare as %d", a, b, c)
		}
		if (a.Stream.Compare(b.Stream) == 0) != (a.Stream == b.Stream) {
			t.Fatalf("%s and %s: compare as %d", a.Stream, b.Stream, a.Stream.Compare(b.Stream))
		}
	})
}

func TestPosition_Next(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genPosition().Filter(func(p Position) bool { return p.Seq < MaxSeq }).Draw(t, "position")
		if n := p.Next(); n.Stream != p.Stream || n.Seq != p.Seq+1 || n.String() <= p.String() {
			t.Fatalf("after %s comes %s", p, n)
		}
	})
}

func TestPosition_IsZero(t *testing.T) {
	if !(Position{}).IsZero() || !(Stream{}).IsZero() {
		t.Error("the zero values are not zero")
	}
	if p := (Stream{"n1", 1}).At(0); p.IsZero() || p.Stream.IsZero() {
		t.Errorf("%s is zero", p)
	}
}

// otherSpellings are texts that are no position, most of them nearly one.
var otherSpellings = []string{
	"", "/", "//", "n1", "n1/00000003", "n1/00000003/", "n1/00000003/00000000000001f4/",
	"n1/3/1f4",
	"n1/00000003/1f4",
	"n1/3/00000000000001f4",
	"n1/00000003/00000000000001F4",
	"N1/00000003/00000000000001f4",
	"n1/00000003/000000000000001f4",
	"n1/000000003/00000000000001f4",
	"n1/00000000/00000000000001f4",
	"n1/00000003/8000000000000000",
	"n1/00000003/-0000000000001f4",
	"n1/00000003/+0000000000001f4",
	"n1/00000003/0x000000000001f4",
	"n1/00000003/00000000000001g4",
	"n1/00000003 00000000000001f4",
	"n1 00000003/00000000000001f4",
	" n1/00000003/00000000000001f4",
	"n1/00000003/00000000000001f4 ",
	"n1/00000003/00000000000001f4\n",
	"n1/00000003/0000000000000\x00f4",
	"/00000003/00000000000001f4",
	"-1/00000003/00000000000001f4",
	"n_1/00000003/00000000000001f4",
	"n/1/00000003/00000000000001f4",
	"né/00000003/00000000000001f4",
	strings.Repeat("n", MaxNodeID+1) + "/00000003/00000000000001f4",
}

func TestParsePosition_OtherSpellings(t *testing.T) {
	for _, text := range otherSpellings {
		if p, err := ParsePosition(text); !errors.Is(err, ErrInvalidID) || !p.IsZero() {
			t.Errorf("%q: got %+v, %v", text, p, err)
		}
	}
}

func TestParseStream_OtherSpellings(t *testing.T) {
	for _, text := range []string{
		"", "n1", "n1/", "n1/3", "n1/00000000", "n1/0000000g", "n1/0000000A", "N1/00000003", "n1/00000003/", "n1/000000003",
		"/00000003", "-/00000003", "n1\x00/00000003", "n1/00000003/00000000000001f4",
	} {
		if s, err := ParseStream(text); !errors.Is(err, ErrInvalidID) || !s.IsZero() {
			t.Errorf("%q: got %+v, %v", text, s, err)
		}
	}
}

func TestValidateNode(t *testing.T) {
	for _, node := range []string{"a", "0", "n1", "a-b", "a-", "a--b", strings.Repeat("x", 24)} {
		if err := ValidateNode(node); err != nil {
			t.Errorf("%q: %v", node, err)
		}
	}
	for _, node := range []string{"", "-", "-a", "A", "a.b", "a/b", "a b", "a_b", "ä", "a\n", strings.Repeat("x", 25)} {
		if err := ValidateNode(node); !errors.Is(err, ErrInvalidID) {
			t.Errorf("%q: %v", node, err)
		}
	}
}

func TestPosition_AppendTextDoesNotAllocate(t *testing.T) {
	p, b := Stream{"n1", 3}.At(500), make([]byte, 0, MaxPosition)
	if n := testing.AllocsPerRun(100, func() { p.AppendText(b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPosition_String(b *testing.B) {
	p := Stream{"node-with-a-name", 3}.At(500)
	b.ReportAllocs()
	for b.Loop() {
		_ = p.String()
	}
}

func BenchmarkParsePosition(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParsePosition("n1/00000003/00000000000001f4"); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzParsePosition holds that a position has one spelling.
func FuzzParsePosition(f *testing.F) {
	f.Add("n1/00000003/00000000000001f4")
	for _, text := range otherSpellings {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePosition(text)
		if err == nil && (p.String() != text || ValidateNode(p.Node) != nil || p.Epoch == 0 || p.Seq > MaxSeq) {
			t.Fatalf("%q was read as %+v", text, p)
		}
		if err != nil && (!errors.Is(err, ErrInvalidID) || !p.IsZero()) {
			t.Fatalf("%q: %+v, %v", text, p, err)
		}
	})
}

// FuzzParseStream holds that a stream has one spelling.
func FuzzParseStream(f *testing.F) {
	for _, text := range []string{"n1/00000003", "a-/ffffffff", "n1/00000000", "n/1/00000001", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseStream(text)
		if err == nil && (s.String() != text || ValidateNode(s.Node) != nil || s.Epoch == 0) {
			t.Fatalf("%q was read as %+v", text, s)
		}
		if err != nil && (!errors.Is(err, ErrInvalidID) || !s.IsZero()) {
			t.Fatalf("%q: %+v, %v", text, s, err)
		}
	})
}
