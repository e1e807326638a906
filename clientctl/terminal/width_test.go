package terminal_test

import (
	"strings"
	"testing"

	"github.com/presenced/presence/clientctl/terminal"
	"pgregory.net/rapid"
)

func TestCut(t *testing.T) {
	tests := []struct {
		in    string
		width int
		want  string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"愛愛", 4, "愛愛"}, {"愛愛", 3, "愛…"}, {"愛愛", 2, "…"}, {"abc", 1, "…"}, {"abc", 0, ""}, {"abc", -1, ""}, {"", 0, ""},
	}
	for _, tt := range tests {
		if got := terminal.Cut(tt.in, tt.width); got != tt.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tt.in, tt.width, got, tt.want)
		}
	}
}

func TestCharacters_are_the_whole_text(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		if got := strings.Join(terminal.Characters(text), ""); got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

func TestColours(t *testing.T) {
	c := terminal.Colours(true)
	if got, want := c.Red("a")+c.Green("b")+c.Yellow("")+c.Bold("c")+c.Dim("d"), "\x1b[31ma\x1b[0m\x1b[32mb\x1b[0m\x1b[1mc\x1b[0m\x1b[2md\x1b[0m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	c = false
	if got := c.Red("a") + c.Green("b") + c.Yellow("c"); got != "abc" {
		t.Errorf("without colours: %q", got)
	}
}
