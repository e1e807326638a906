package terminal_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/presenced/presence/clientctl/terminal"
	"pgregory.net/rapid"
)

func TestWidth(t *testing.T) {
	for s, want := range map[string]int{
		"": 0, "ana": 3, "Zoë": 3, "Zoe\u0308": 3, "愛": 2, "東京": 4, "👍": 2, "👍🏽": 2, "ｱ": 1, "…": 1, "§±": 2,
	} {
		if got := terminal.Width(s); got != want {
			t.Errorf("Width(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestCutMiddle(t *testing.T) {
	tests := []struct {
		in          string
		width       int
		end, middle string
	}{
		{"n1/00000001/0000000000000001", 28, "n1/00000001/0000000000000001", "n1/00000001/0000000000000001"},
		{"n1/00000001/0000000000000001", 9, "n1/00000…", "n1/0…0001"},
		{"n1/00000001/0000000000000001", 2, "n…", "n…"},
		{"anabel", 1, "…", "…"},
		{"anabel", 0, "", ""},
		{"\u0300", 0, "\u0300", "\u0300"}, // not escaped; it takes no room
		{"東京都庁", 6, "東京…", "東…庁"},
		{"東京都庁", 4, "東…", "…庁"},
		{"Zoe\u0308Zoe\u0308", 4, "Zoe\u0308…", "Z…oe\u0308"},
	}
	for _, tt := range tests {
		if got := terminal.Cut(tt.in, tt.width); got != tt.end {
			t.Errorf("Cut(%q, %d) = %q, want %q", tt.in, tt.width, got, tt.end)
		}
		if got := terminal.CutMiddle(tt.in, tt.width); got != tt.middle {
			t.Errorf("CutMiddle(%q, %d) = %q, want %q", tt.in, tt.width, got, tt.middle)
		}
	}
}

func TestCut_never_too_wide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := terminal.Escape(rapid.String().Draw(t, "text"))
		width := rapid.IntRange(0, 40).Draw(t, "width")
		for _, got := range []string{terminal.Cut(s, width), terminal.CutMiddle(s, width)} {
			if terminal.Width(got) > width || !utf8.ValidString(got) {
				t.Fatalf("%q takes %d of %d cells", got, terminal.Width(got), width)
			}
			if terminal.Width(s) <= width && got != s {
				t.Fatalf("%q fits, and became %q", s, got)
			}
		}
	})
}

func TestPad(t *testing.T) {
	if got := terminal.Pad("愛", 4) + "|" + terminal.PadLeft("7", 3) + "|" + terminal.Pad("long", 2); got != "愛  |  7|long" {
		t.Errorf("got %q", got)
	}
}

func TestWrap(t *testing.T) {
	got := strings.Join(terminal.Wrap("nothing listens at  http://127.0.0.1:8081: start the server", 14), "|")
	if want := "nothing|listens at|http://127.0.…|start the|server"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := terminal.Wrap("", 10); len(got) != 1 || got[0] != "" {
		t.Errorf("of nothing: %q", got)
	}
}
