package protocol

import (
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// valueKind is what kind of JSON value something is.
type valueKind byte

const (
	aNumber valueKind = iota
	aString
	anObject
	anArray
	aBool
	aNull
)

// kind tells the kind of a valid value by its first byte.
func kind(value []byte) valueKind {
	switch value[0] {
	case '"':
		return aString
	case '{':
		return anObject
	case '[':
		return anArray
	case 't', 'f':
		return aBool
	case 'n':
		return aNull
	}
	return aNumber
}

func (k valueKind) String() string {
	return [...]string{"a number", "a string", "an object", "an array", "a boolean", "null"}[k]
}

// integer reads a JSON number that is written in digits. One of more than 64 bits
// saturates. -0 is 0, and not negative.
func integer(number []byte) (n uint64, negative, ok bool) {
	if number[0] == '-' {
		negative, number = true, number[1:]
	}
	for _, c := range number {
		if !digit(c) {
			return 0, false, false
		}
		d := uint64(c - '0')
		if n > (math.MaxUint64-d)/10 {
			n = math.MaxUint64
			continue
		}
		n = n*10 + d
	}
	return n, negative && n > 0, true
}

// validID reports whether a value may be a command's id.
func validID(value []byte) bool {
	switch kind(value) {
	case aString:
		return len(value)-2 <= MaxID
	case aNumber:
		_, _, ok := integer(value)
		if value[0] == '-' {
			value = value[1:]
		}
		return ok && len(value) <= maxIDDigits
	default:
		return false
	}
}

// unquote is the text of a valid JSON string. It is part of the string if that has no
// escapes, and else appended to b. Half a surrogate pair becomes U+FFFD.
func unquote(b, quoted []byte) []byte {
	text := quoted[1 : len(quoted)-1]
	plain := 0
	for plain < len(text) && text[plain] != '\\' {
		plain++
	}
	if plain == len(text) {
		return text
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b = append(b, text[i])
			continue
		}
		i++
		if text[i] != 'u' {
			b = append(b, unescape(text[i]))
			continue
		}
		r, end := codePoint(text, i)
		b, i = utf8.AppendRune(b, r), end
	}
	return b
}

// unescape is the character that the letter after a backslash stands for.
func unescape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// codePoint reads the escape whose u stands at i, with its other half if it is half
// of a surrogate pair, and returns where its last digit stands.
func codePoint(text []byte, i int) (r rune, end int) {
	r, end = hex4(text[i+1:]), i+4
	if !utf16.IsSurrogate(r) {
		return r, end
	}
	if rest := text[end+1:]; len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(rest[2:])); pair != utf8.RuneError {
			return pair, end + 6
		}
	}
	return utf8.RuneError, end
}

// halved reports whether a valid JSON string has an escape that is half of a surrogate
// pair: it stands for no character.
func halved(quoted []byte) bool {
	text := quoted[1 : len(quoted)-1]
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		if i++; text[i] != 'u' {
			continue
		}
		r, end := codePoint(text, i)
		if r == utf8.RuneError && utf16.IsSurrogate(hex4(text[i+1:])) {
			return true
		}
		i = end
	}
	return false
}

// hex4 is the value of four hexadecimal digits.
func hex4(text []byte) (r rune) {
	for _, c := range text[:4] {
		switch {
		case c >= 'a':
			c -= 'a' - 10
		case c >= 'A':
			c -= 'A' - 10
		default:
			c -= '0'
		}
		r = r<<4 | rune(c)
	}
	return r
}
