package lineedit

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Code says what a key does. The set is closed.
type Code uint8

// The keys.
const (
	Text      Code = iota + 1 // what Key.Text has is put in
	Enter                     // also the end of a line that is pasted
	Tab                       // completes
	Interrupt                 // Ctrl-C
	EOF                       // Ctrl-D: deletes, and ends an empty line
	Suspend                   // Ctrl-Z
	Redraw                    // Ctrl-L
	Left
	Right
	WordLeft
	WordRight
	Home
	End
	Up
	Down
	Backspace
	Delete
	KillLeft      // Ctrl-U
	KillRight     // Ctrl-K
	KillWord      // Ctrl-W: back to a blank
	KillWordLeft  // Alt-Backspace: back to the beginning of a word
	KillWordRight // Alt-D
	Yank          // Ctrl-Y: what was killed last is put in
)

// Key is one key press, or text that came at once.
type Key struct {
	Code Code
	Text string // of Text: without control characters
}

// controls are the keys that are one byte.
var controls = map[byte]Code{
	'\r': Enter, '\n': Enter, '\t': Tab, 0x7f: Backspace, 8: Backspace,
	1: Home, 2: Left, 3: Interrupt, 4: EOF, 5: End, 6: Right, 11: KillRight, 12: Redraw,
	14: Down, 16: Up, 21: KillLeft, 23: KillWord, 25: Yank, 26: Suspend,
}

// alts are the keys that are one byte after an escape.
var alts = map[byte]Code{
	'b': WordLeft, 'B': WordLeft, 'f': WordRight, 'F': WordRight, 'd': KillWordRight, 'D': KillWordRight,
	0x7f: KillWordLeft, 8: KillWordLeft,
}

// sequences are the keys that are a control sequence (CSI), by what follows its bracket,
// and those of application mode (SS3).
var sequences = map[string]Code{
	"A": Up, "B": Down, "C": Right, "D": Left, "H": Home, "F": End,
	"1~": Home, "7~": Home, "4~": End, "8~": End, "3~": Delete, "3;5~": KillWordRight,
	"1;5C": WordRight, "1;3C": WordRight, "5C": WordRight, "1;5D": WordLeft, "1;3D": WordLeft, "5D": WordLeft,
}

const (
	escape     = 0x1b
	pasteBegin = "200~"
	pasteEnd   = "\x1b[201~"

	// maxSequence is the most bytes of a control sequence: what has no end by then is none.
	maxSequence = 64
)

// Decoder turns bytes into keys. What is not whole yet waits for the rest.
type Decoder struct {
	rest    []byte
	pasting bool // between the marks of a bracketed paste: all is text but the ends of lines
	skipLF  bool // the last byte was a carriage return
}

// Feed takes what the keyboard sent and returns the keys that are whole by it.
func (d *Decoder) Feed(p []byte) (keys []Key) {
	d.rest = append(d.rest, p...)
	for len(d.rest) > 0 {
		key, n := d.next(d.rest)
		if n == 0 {
			break
		}
		d.rest = d.rest[n:]
		if last := len(keys) - 1; key.Code == Text && last >= 0 && keys[last].Code == Text {
			keys[last].Text += key.Text // so that a letter and its accent come together
		} else if key.Code != 0 {
			keys = append(keys, key)
		}
	}
	d.rest = bytes.Clone(d.rest) // lets go of what was read
	return keys
}

// next returns the first key of b, with Code 0 if it does nothing, and its length; 0: it
// is not whole.
func (d *Decoder) next(b []byte) (Key, int) {
	afterCR := d.skipLF
	d.skipLF = b[0] == '\r'
	switch c := b[0]; {
	case c == '\n' && afterCR:
		return Key{}, 1
	case c == escape && d.pasting:
		return d.pasteEscape(b)
	case c == escape:
		return d.escape(b)
	case d.pasting && c == '\t':
		return Key{Text, " "}, 1
	case d.pasting && c != '\r' && c != '\n' && unicode.IsControl(rune(c)) && c < utf8.RuneSelf:
		return Key{}, 1
	case c < ' ' || c == 0x7f:
		return Key{Code: controls[c]}, 1
	case !utf8.FullRune(b):
		return Key{}, 0
	}
	r, n := utf8.DecodeRune(b)
	if r == utf8.RuneError && n == 1 || unicode.IsControl(r) {
		return Key{}, n
	}
	return Key{Text, string(r)}, n
}

// pasteEscape finds the end of a paste.
func (d *Decoder) pasteEscape(b []byte) (Key, int) {
	switch {
	case bytes.HasPrefix(b, []byte(pasteEnd)):
		d.pasting = false
		return Key{}, len(pasteEnd)
	case strings.HasPrefix(pasteEnd, string(b)):
		return Key{}, 0
	}
	return Key{}, 1
}

// escape reads what begins with an escape. Who pressed Escape, and then a key, wants that
// key: only what may follow an escape goes with it.
func (d *Decoder) escape(b []byte) (Key, int) {
	switch {
	case len(b) == 1:
		return Key{}, 0
	case b[1] == '[':
		return d.sequence(b)
	case b[1] == 'O':
		if len(b) == 2 {
			return Key{}, 0
		}
		if !printable(b[2]) {
			return Key{}, 2
		}
		return Key{Code: sequences[string(b[2:3])]}, 3
	case alts[b[1]] == 0 && !printable(b[1]):
		return Key{}, 1
	}
	return Key{Code: alts[b[1]]}, 2
}

func printable(c byte) bool { return c >= ' ' && c < 0x7f }

// sequence reads a control sequence (ECMA-48 section 5.4): parameters, and a final byte.
func (d *Decoder) sequence(b []byte) (Key, int) {
	const begin = len("\x1b[")
	if len(b) > begin && b[begin] == '[' { // a function key of the Linux console
		if len(b) == begin+1 {
			return Key{}, 0
		}
		if !printable(b[begin+1]) {
			return Key{}, begin + 1
		}
		return Key{}, begin + 2
	}
	for i := begin; i < len(b) && i < maxSequence; i++ {
		switch c := b[i]; {
		case c >= 0x40 && c <= 0x7e:
			name := string(b[begin : i+1])
			d.pasting = name == pasteBegin
			return Key{Code: sequences[name]}, i + 1
		case c < 0x20 || c > 0x7e: // no sequence has that: it is read for itself
			return Key{}, i
		}
	}
	if len(b) >= maxSequence {
		return Key{}, maxSequence
	}
	return Key{}, 0
}
