package lineedit

import (
	"strings"
	"unicode"

	"github.com/presenced/presence/clientctl/terminal"
)

// line is a line of text with a cursor in it.
type line struct {
	left, right string // of the cursor
	killed      string // what was killed last
}

func (l *line) text() string { return l.left + l.right }

func (l *line) set(text string) { l.left, l.right = text, "" }

// insert puts text in, unless the line got too long by it.
func (l *line) insert(text string) {
	if len(l.left)+len(l.right)+len(text) <= MaxLine {
		l.left += text
	}
}

// leftOne is the length of the character on the left, rightOne of that on the right.
func (l *line) leftOne() int {
	c := terminal.Characters(l.left)
	if len(c) == 0 {
		return 0
	}
	return len(c[len(c)-1])
}

func (l *line) rightOne() int {
	c := terminal.Characters(l.right)
	if len(c) == 0 {
		return 0
	}
	return len(c[0])
}

// leftWord is the length of the word on the left, with what stands between it and the
// cursor.
func (l *line) leftWord(in func(rune) bool) int {
	rest := strings.TrimRightFunc(l.left, func(r rune) bool { return !in(r) })
	return len(l.left) - len(strings.TrimRightFunc(rest, in))
}

func (l *line) rightWord(in func(rune) bool) int {
	rest := strings.TrimLeftFunc(l.right, func(r rune) bool { return !in(r) })
	return len(l.right) - len(strings.TrimLeftFunc(rest, in))
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) }

func notBlank(r rune) bool { return !unicode.IsSpace(r) }

// moveLeft moves the cursor by so many bytes.
func (l *line) moveLeft(n int) {
	at := len(l.left) - n
	l.left, l.right = l.left[:at], l.left[at:]+l.right
}

func (l *line) moveRight(n int) { l.left, l.right = l.left+l.right[:n], l.right[n:] }

func (l *line) deleteLeft(n int) string {
	at := len(l.left) - n
	gone := l.left[at:]
	l.left = l.left[:at]
	return gone
}

func (l *line) deleteRight(n int) string {
	gone := l.right[:n]
	l.right = l.right[n:]
	return gone
}

// kill keeps what was deleted for a yank; nothing leaves what was kept before.
func (l *line) kill(text string) {
	if text != "" {
		l.killed = text
	}
}
