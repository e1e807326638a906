package terminal_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/presenced/presence/clientctl/terminal"
	"pgregory.net/rapid"
)

func TestBreak(t *testing.T) {
	for _, tt := range []struct {
		in    string
		width int
		want  string
	}{
		{"", 5, ""},
		{"one two", 0, "one two"},
		{"one two", 7, "one two"},
		{"one two", 6, "one\ntwo"},
		{"one two  ", 7, "one two"},
		{"one  two three", 8, "one  two\nthree"},
		{"one two three", 9, "one two\nthree"},
		{"  help   what it is\n  short\n", 12, "  help\nwhat it is\n  short\n"},
		{"at ws://localhost:8080 now", 8, "at ws://localhost:8080\nnow"},
		{"at ws://localhost:8080 it is", 10, "at ws://localhost:8080 it is"}, // whose last row has 2 columns
		{"愛 愛 愛", 5, "愛 愛\n愛"},
		{"愛 愛 愛", 4, "愛\n愛\n愛"},
		{"a\n\nb c\n", 2, "a\n\nb\nc\n"},
	} {
		if got := terminal.Break(tt.in, tt.width); got != tt.want {
			t.Errorf("Break(%q, %d) = %q, want %q", tt.in, tt.width, got, tt.want)
		}
	}
}

// Nothing is lost or put in but the ends of lines, and only a word is too wide.
func TestBreak_keeps_every_word(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringMatching(`[a-z愛"]{1,9}`)).Draw(t, "words")
		text := strings.Join(words, rapid.SampledFrom([]string{" ", "  "}).Draw(t, "blanks"))
		width := rapid.IntRange(1, 30).Draw(t, "width")
		got := terminal.Break(text, width)
		if again := strings.Fields(got); strings.Join(again, " ") != strings.Join(words, " ") {
			t.Fatalf("%q became %q", text, got)
		}
		for line := range strings.SplitSeq(got, "\n") {
			long := slices.ContainsFunc(words, func(w string) bool { return terminal.Width(w) > width })
			if terminal.Width(line) > width && !long {
				t.Fatalf("the line %q is wider than %d", line, width)
			}
		}
	})
}
