package events

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// genText makes any text, valid UTF-8 or not.
func genText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringN(-1, 200, -1),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 300), func(b []byte) string { return string(b) }),
		rapid.Map(rapid.IntRange(80, 140), func(n int) string { return strings.Repeat("é", n) }),
		rapid.Map(rapid.IntRange(60, 90), func(n int) string { return strings.Repeat("𝄞x", n) }),
	)
}

// genUser makes user ids.
func genUser() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"42", "a", "é", "a b", `"\<>&`, strings.Repeat("u", MaxUser), "\ufffd", "日本"}),
		genText().Filter(func(s string) bool { return ValidateUser(s) == nil }),
	)
}

func TestValidateUser(t *testing.T) {
	for _, user := range []string{
		"42", "a", "anna@example.org", "a b", "é", "日本語", "\"'<>&\\", "\ufffd", "a\u00adb", "👩‍👩‍👧", "עברית",
		strings.Repeat("x", 128), strings.Repeat("é", 64),
	} {
		if err := ValidateUser(user); err != nil {
			t.Errorf("%q: %v", user, err)
		}
	}
	for _, tt := range []struct{ user, says string }{
		{"", "empty"},
		{strings.Repeat("x", 129), "129 bytes"},
		{strings.Repeat("é", 65), "130 bytes"},
		{"a\xff", "UTF-8"},
		{"\xed\xa0\x80", "UTF-8"}, // half a surrogate pair
		{"\xc0\x80", "UTF-8"},     // NUL, too long
		{" a", "white space"},
		{"a\t", "white space"},
		{"a\u00a0", "white space"},
		{"\u3000a", "white space"},
		{" ", "white space"},
		{"a\x00b", "at byte 1"},
		{"ab\ncd", "at byte 2"},
		{"\x7fa", "at byte 0"},
		{"a\u0085b", "at byte 1"},
		{"a\u202eb", "at byte 1"}, // right-to-left override
		{"a\u2066b", "at byte 1"}, // left-to-right isolate
		{"a\u200fb", "at byte 1"}, // right-to-left mark
		{"a\u2028b", "at byte 1"},
	} {
		err := ValidateUser(tt.user)
		if !errors.Is(err, ErrInvalidUser) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%q: got %v, want one that says %q", tt.user, err, tt.says)
		}
	}
}

func TestValidateUser_IsWhatEventsTake(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		user := genText().Draw(t, "user")
		e := connected(1, user)
		if v, u := e.Validate(), ValidateUser(user); (v == nil) != (u == nil) {
			t.Fatalf("%q: the event says %v, the user id %v", user, v, u)
		}
	})
}

func TestCleanAgent(t *testing.T) {
	for agent, want := range map[string]string{
		"":                                  "",
		"clientctl/1.0":                     "clientctl/1.0",
		" spaces may stay ":                 " spaces may stay ",
		"a\x00b\nc\x7f":                     "a?b?c?",
		"a\xffb\xc3":                        "a?b?",
		"\u202eevil":                        "?evil",
		"valid \ufffd stays":                "valid \ufffd stays",
		strings.Repeat("x", 300):            strings.Repeat("x", 256),
		strings.Repeat("é", 128):            strings.Repeat("é", 128),
		"x" + strings.Repeat("é", 128):      "x" + strings.Repeat("é", 127),
		"xx" + strings.Repeat("𝄞", 64):      "xx" + strings.Repeat("𝄞", 63),
		strings.Repeat("\u202e", 100) + "x": strings.Repeat("?", 100) + "x", // 301 bytes, before
	} {
		if got := CleanAgent(agent); got != want {
			t.Errorf("%q: got %q, want %q", agent, got, want)
		}
	}
}

func TestCleanAgent_FitsAndStaysClean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		agent := genText().Draw(t, "agent")
		clean := CleanAgent(agent)
		if len(clean) > MaxAgent || !utf8.ValidString(clean) {
			t.Fatalf("%q: got %q", agent, clean)
		}
		e := connected(1, "42")
		e.Agent = clean
		if err := e.Validate(); err != nil {
			t.Fatalf("%q: %v", agent, err)
		}
		if again := CleanAgent(clean); again != clean {
			t.Fatalf("%q: cleaned twice is %q", clean, again)
		}
		e.Agent = agent
		if e.Validate() == nil && clean != agent {
			t.Fatalf("%q was fit and became %q", agent, clean)
		}
	})
}

func TestMilliseconds(t *testing.T) {
	east := time.FixedZone("east", 3600)
	for _, tt := range []struct{ in, want time.Time }{
		{time.Date(2026, 11, 23, 11, 0, 0, 999_999, east), time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)},
		{time.Date(2026, 11, 23, 10, 0, 0, 1_999_999, time.UTC), time.Date(2026, 11, 23, 10, 0, 0, 1_000_000, time.UTC)},
	} {
		if got := Milliseconds(tt.in); got != tt.want {
			t.Errorf("%v: got %v, want %v", tt.in, got, tt.want)
		}
	}
	now := time.Now()
	if got := Milliseconds(now); got != Milliseconds(got) || now.Sub(got) < 0 || now.Sub(got) >= time.Millisecond {
		t.Errorf("%v became %v", now, got)
	}
}
