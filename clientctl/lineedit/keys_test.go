package lineedit

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestDecoder_Feed(t *testing.T) {
	tests := []struct {
		name, bytes string
		want        []Key
	}{
		{"text", "42é愛", []Key{{Text, "42é愛"}}},
		{"a letter and its accent", "e\u0301", []Key{{Text, "e\u0301"}}},
		{"ends of lines", "1\r2\n3\r\n4", []Key{{Text, "1"}, {Code: Enter}, {Text, "2"}, {Code: Enter}, {Text, "3"}, {Code: Enter}, {Text, "4"}}},
		{"controls", "\x01\x02\x05\x06\x0b\x15\x17\x19\x0c\x10\x0e\x7f\b\t", codes(Home, Left, End, Right, KillRight, KillLeft, KillWord, Yank, Redraw, Up, Down, Backspace, Backspace, Tab)},
		{"ends", "\x03\x04\x1a", codes(Interrupt, EOF, Suspend)},
		{"controls that do nothing", "\x00\x07\x1c\x1d", nil},
		{"arrows", "\x1b[A\x1b[B\x1b[C\x1b[D\x1bOA\x1bOB\x1bOC\x1bOD", codes(Up, Down, Right, Left, Up, Down, Right, Left)},
		{"ends of the line", "\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[7~\x1b[8~\x1bOH\x1bOF", codes(Home, End, Home, End, Home, End, Home, End)},
		{"words", "\x1b[1;5D\x1b[1;5C\x1b[1;3D\x1b[1;3C\x1bb\x1bf\x1b\x7f\x1bd\x1b[3;5~", codes(WordLeft, WordRight, WordLeft, WordRight, WordLeft, WordRight, KillWordLeft, KillWordRight, KillWordRight)},
		{"delete", "\x1b[3~", codes(Delete)},
		{"keys that do nothing", "\x1b[15~\x1bOP\x1b[[A\x1bx\x1b[5;2~\x1b[2026;2$y1", []Key{{Text, "1"}}},
		{"a report that has letters in it", "\x1b[<0;1;1M2", []Key{{Text, "2"}}},
		{"a sequence that is broken off", "\x1b[1\x03", codes(Interrupt)},
		{"a sequence without an end", "\x1b[" + strings.Repeat("1", 200) + "A", []Key{{Text, strings.Repeat("1", 200-maxSequence+2) + "A"}}},
		{"keys after a lone escape", "\x1b\x03\x1b\r\x1b\x04\x1bé\x1b", []Key{{Code: Interrupt}, {Code: Enter}, {Code: EOF}, {Text, "é"}}},
		{"Ctrl-C after what begins like a key", "\x1bO\x03\x1b[[\x03", codes(Interrupt, Interrupt)},
		{"two escapes", "\x1b\x1b[A", codes(Up)},
		{"broken UTF-8", "a\xffb\xe6\x84c", []Key{{Text, "abc"}}},
		{"8-bit controls", "a\u009b31mb", []Key{{Text, "a31mb"}}},
		{"a paste", "\x1b[200~a\tb\x03\x1b[A\x1b[201~\x03", []Key{{Text, "a b[A"}, {Code: Interrupt}}},
		{"a paste of lines", "\x1b[200~1\n2\r\n3\x1b[201~", []Key{{Text, "1"}, {Code: Enter}, {Text, "2"}, {Code: Enter}, {Text, "3"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var whole Decoder
			if got := whole.Feed([]byte(tt.bytes)); fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("at once: got %v, want %v", got, tt.want)
			}
			var single Decoder
			var got []Key
			for i := range len(tt.bytes) {
				got = append(got, single.Feed([]byte(tt.bytes[i:i+1]))...)
			}
			if fmt.Sprint(merged(got)) != fmt.Sprint(tt.want) {
				t.Errorf("byte by byte: got %v, want %v", merged(got), tt.want)
			}
		})
	}
}

func codes(all ...Code) (keys []Key) {
	for _, c := range all {
		keys = append(keys, Key{Code: c})
	}
	return keys
}

// merged puts texts together that follow each other.
func merged(keys []Key) (all []Key) {
	for _, k := range keys {
		if n := len(all); k.Code == Text && n > 0 && all[n-1].Code == Text {
			all[n-1].Text += k.Text
			continue
		}
		all = append(all, k)
	}
	return all
}

// Whatever the keyboard sends, text has no control characters, and little waits.
func TestDecoder_Feed_takes_anything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d Decoder
		for _, p := range rapid.SliceOf(rapid.OneOf(rapid.SliceOf(rapid.Byte()), rapid.Just([]byte("\x1b[200~")), rapid.Just([]byte("\x1b[")))).Draw(t, "reads") {
			for _, k := range d.Feed(p) {
				if k.Code == Text && (k.Text == "" || !utf8.ValidString(k.Text) || strings.ContainsFunc(k.Text, unicode.IsControl)) {
					t.Fatalf("text %q", k.Text)
				}
			}
			if len(d.rest) > maxSequence {
				t.Fatalf("%d bytes wait", len(d.rest))
			}
		}
	})
}
