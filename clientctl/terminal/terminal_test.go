package terminal_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/presenced/presence/clientctl/terminal"
	"pgregory.net/rapid"
)

func TestEscape(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain text stays", "Zoë 愛 42", "Zoë 愛 42"},
		{"colours", "\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		{"C1 controls", "a\u009b2J", `a\u009b2J`},
		{"newlines and tabs", "a\r\n\tb", `a\r\n\tb`},
		{"bidirectional overrides", "a\u202eb", `a\u202eb`},
		{"line separators", "a\u2028b", `a\u2028b`},
		{"zero width", "a\u200bb", `a\u200bb`},
		{"fillers", "\u3164\u115f", `\u3164\u115f`},
		{"an accent on a letter", "Zoe\u0308", "Zoe\u0308"},
		{"an accent on nothing", "\u0300Zoe\u0308", `\u0300Zoe` + "\u0308"},
		{"an emoji", "❤\ufe0f", "❤\ufe0f"},
		{"broken UTF-8", "a\xffb", `a\xffb`},
		{"the replacement character itself", "a\ufffdb", "a\ufffdb"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := terminal.Escape(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestEscape_nothing_hidden_is_left(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		got := terminal.Escape(string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")))
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
			t.Fatalf("left in %q", got)
		}
		if got != "" && terminal.Width(got) == 0 {
			t.Fatalf("nothing is seen of %q", got)
		}
	})
}

func TestEscapeJSON_keeps_the_meaning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.String().Draw(t, "text")
		encoded, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		escaped := terminal.EscapeJSON(string(encoded))
		if strings.ContainsFunc(escaped, unicode.IsControl) {
			t.Fatalf("a control character is left in %q", escaped)
		}
		var got string
		if err := json.Unmarshal([]byte(escaped), &got); err != nil {
			t.Fatalf("%q: %v", escaped, err)
		}
		if got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestEscapeJSON_escapes_what_JSON_does_not(t *testing.T) {
	if got, want := terminal.EscapeJSON("{\"a\":\"\u009b\u202e\U000e0001\"}"), `{"a":"\u009b\u202e\udb40\udc01"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFold(t *testing.T) {
	long := strings.Repeat("1", 48) + strings.Repeat("2", 30) + strings.Repeat("3", 48)
	tests := []struct{ name, in, want string }{
		{"short", "42", "42"},
		{"at the limit", strings.Repeat("9", 120), strings.Repeat("9", 120)},
		{"over it", long, strings.Repeat("1", 48) + "…" + strings.Repeat("3", 48) + " (126 digits)"},
		{"a sign is no digit", "-" + strings.Repeat("9", 120), "-" + strings.Repeat("9", 120)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := terminal.Fold(tt.in); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
