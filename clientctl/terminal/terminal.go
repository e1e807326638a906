// Package terminal makes text that others wrote fit to be shown to a person: what
// would move the cursor, change colours or turn letters around is shown as an
// escape, very long numbers are folded, and what is too wide is cut by the cells that
// terminals give to characters.
//
// It is pure.
package terminal

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Escape returns s as one line of visible text: control characters, bidirectional
// controls, line separators, other characters that Unicode does not count as
// graphic or that nothing is to be seen of, an accent with no letter before it, and
// bytes that are not UTF-8 are written as Go writes them in a string.
func Escape(s string) string {
	if first, _ := utf8.DecodeRuneInString(s); visible(s) && !unicode.IsMark(first) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case hidden(r) || b.Len() == 0 && unicode.IsMark(r):
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		default:
			b.WriteRune(r)
		}
		s = s[size:]
	}
	return b.String()
}

// EscapeJSON is Escape for JSON, which stays valid JSON of the same meaning as long
// as what is escaped stands inside a string: it is written as \uXXXX.
func EscapeJSON(s string) string {
	if visible(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func visible(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, hidden)
}

// hidden reports whether r does something to a terminal, or to a reader, other than
// stand there, or stands there unseen. A blank is graphic, and so are accents.
func hidden(r rune) bool {
	return !unicode.IsGraphic(r) || unicode.In(r, unicode.Bidi_Control, unicode.Other_Default_Ignorable_Code_Point)
}

// A number of more than foldOver digits is folded to its first and last foldKeep.
const (
	foldOver = 120
	foldKeep = 48
)

// Fold shortens a number of more than 120 digits to its first and last ones and
// says how many it has.
func Fold(number string) string {
	digits := len(strings.TrimPrefix(number, "-"))
	if digits <= foldOver {
		return number
	}
	head := len(number) - digits + foldKeep
	return fmt.Sprintf("%s…%s (%d digits)", number[:head], number[len(number)-foldKeep:], digits)
}
