package lineedit

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/presenced/presence/clientctl/terminal"
	"pgregory.net/rapid"
)

// typed feeds keys to an editor and returns the line with a bar at the cursor, and the
// events that were more than edits.
func typed(e *Editor, keys string) (line string, events []string) {
	var d Decoder
	for _, k := range d.Feed([]byte(keys)) {
		switch ev := e.Press(k); ev.Outcome {
		case Edited:
		case Submitted:
			events = append(events, "<"+ev.Line+">")
		case Leave, Ended, Stop, Repaint:
			events = append(events, [...]string{Leave: "leave", Ended: "ended", Stop: "stop", Repaint: "repaint"}[ev.Outcome])
		case Listed:
			events = append(events, strings.Join(ev.Choices, ","))
		}
	}
	return e.line.left + "|" + e.line.right, events
}

func TestEditor_Press(t *testing.T) {
	const left, right, home, del = "\x1b[D", "\x1b[C", "\x01", "\x1b[3~"
	const up, down = "\x1b[A", "\x1b[B"
	tests := []struct{ name, keys, line, events string }{
		{"typing", "42", "42|", "[]"},
		{"enter", "42\rseq", "seq|", "[<42>]"},
		{"in the middle", "ac" + left + "b", "ab|c", "[]"},
		{"beyond the ends", "a" + left + left + right + right + right + "b", "ab|", "[]"},
		{"wide characters", "愛e\u0301x" + left + left + "\x7f", "|e\u0301x", "[]"},
		{"backspace and delete at the ends", "\x7f" + del + "a" + del, "a|", "[]"},
		{"delete", "abc" + home + del, "|bc", "[]"},
		{"Ctrl-D deletes", "abc" + home + "\x04", "|bc", "[]"},
		{"home and end", "b" + home + "a\x05c", "abc|", "[]"},
		{"kill to the right", "abc" + left + "\x0b", "ab|", "[]"},
		{"kill to the left and yank", "abc" + left + "\x15\x05\x19", "cab|", "[]"},
		{"nothing killed leaves what was", "ab\x15\x15\x19", "ab|", "[]"},
		{"kill a word", "/who ana  \x17", "/who |", "[]"},
		{"kill words", "seq a-b\x1b\x7f\x1b\x7f", "seq |", "[]"},
		{"kill a word to the right", "seq 10 x" + home + "\x1bd", "| 10 x", "[]"},
		{"words", "ab cd-ef gh\x1bb\x1bb!", "ab cd-!|ef gh", "[]"},
		{"words to the right", "ab cd" + home + "\x1bf!", "ab!| cd", "[]"},
		{"Ctrl-C clears", "abc\x03", "|", "[]"},
		{"Ctrl-C leaves", "\x03", "|", "[leave]"},
		{"Ctrl-D ends", "\x04", "|", "[ended]"},
		{"stop and repaint", "a\x1a\x0c", "a|", "[stop repaint]"},
		{"history", "1\r2\r" + up + up, "1|", "[<1> <2>]"},
		{"history ends", "1\r" + up + up + down + down + down, "|", "[<1>]"},
		{"a draft comes back", "1\rdra" + up + down + "ft", "draft|", "[<1>]"},
		{"the same twice, and blanks", "1\r1\r \r" + up + up, "1|", "[<1> <1> < >]"},
		{"what is recalled can be changed", "12\r" + up + "\x7f3\r" + up + up, "12|", "[<12> <13>]"},
		{"Ctrl-C forgets the draft", "1\rdraft" + up + "\x03" + up + down, "|", "[<1>]"},
		{"complete", "/h\t", "/help|", "[]"},
		{"complete with an argument", "/who\t", "/who |", "[]"},
		{"complete what is common", "/p\t", "/pi|", "[]"},
		{"complete lists", "/\t", "/|", "[/who ,/help,/ping,/pick]"},
		{"complete nothing", "\t4\t", "4|", "[]"},
		{"complete keeps the rest", "x" + home + "/h\t", "/help|x", "[]"},
		{"complete what is whole", "/help\t", "/help|", "[]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := &Editor{Complete: func(begun string) (all []string) {
				for _, c := range []string{"/who ", "/help", "/ping", "/pick"} {
					if strings.HasPrefix(c, begun) {
						all = append(all, c)
					}
				}
				return all
			}}
			if line, events := typed(e, tt.keys); line != tt.line || fmt.Sprint(events) != tt.events {
				t.Errorf("got %q and %v, want %q and %s", line, events, tt.line, tt.events)
			}
		})
	}
}

func TestEditor_Press_bounds(t *testing.T) {
	var e Editor
	for range 20 {
		e.Press(Key{Text, strings.Repeat("x", MaxLine/8)})
	}
	if n := len(e.line.text()); n != MaxLine {
		t.Errorf("the line has %d bytes, want %d", n, MaxLine)
	}
	typed(&e, "\x15\x19\x19")
	if n := len(e.line.text()); n != MaxLine {
		t.Errorf("after a second yank the line has %d bytes, want %d", n, MaxLine)
	}
	for i := range 3 * maxHistory {
		typed(&e, fmt.Sprint("\x15", i, "\r"))
	}
	if n := len(e.history.lines); n != maxHistory {
		t.Errorf("the history has %d lines, want %d", n, maxHistory)
	}
	if line, _ := typed(&e, strings.Repeat("\x1b[A", 2*maxHistory)); line != fmt.Sprint(2*maxHistory, "|") {
		t.Errorf("the oldest line is %q", line)
	}
}

func TestEditor_View(t *testing.T) {
	const home = "\x01"
	tests := []struct {
		keys   string
		width  int
		text   string
		cursor int
	}{
		{"", 10, "", 0},
		{"abc", 10, "abc", 3},
		{"abc", 4, "abc", 3},
		{"abcd", 4, "…d", 2},
		{"abcdefgh", 4, "…h", 2},
		{"abcdefgh" + home, 4, "abcd", 0},
		{"abc愛" + home, 4, "abc", 0}, // half a character does not fit
		{"愛愛愛", 5, "…愛", 3},
		{"a\u202eb", 10, `a\u202eb`, 8},
		{"abc", 1, "", 0},
		{"abc" + home, 1, "a", 0},
		{"abc", 0, "", 0},
	}
	for _, tt := range tests {
		var e Editor
		typed(&e, tt.keys)
		if text, cursor := e.View(tt.width); text != tt.text || cursor != tt.cursor {
			t.Errorf("%q in %d: got %q, %d, want %q, %d", tt.keys, tt.width, text, cursor, tt.text, tt.cursor)
		}
	}
}

// Whatever is typed, what is shown fits, holds the cursor, and has nothing that a terminal
// takes for more than text.
func TestEditor_View_fits(t *testing.T) {
	piece := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"愛", "e\u0301", "\u202e", "\x1b[D", "\x1b[C", "\x01", "\x05", "\x1bb", "\x17", "\x1b[3~", "👩‍👩‍👧", "🇩🇪"}))
	rapid.Check(t, func(t *rapid.T) {
		var e Editor
		typed(&e, strings.Join(rapid.SliceOf(piece).Draw(t, "typed"), ""))
		width := rapid.IntRange(1, 40).Draw(t, "width")
		text, cursor := e.View(width)
		if terminal.Width(text) > width || cursor < 0 || cursor >= width {
			t.Fatalf("%q has %d columns, the cursor is at %d, in %d", text, terminal.Width(text), cursor, width)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			t.Fatalf("%q has what is not graphic", text)
		}
	})
}
