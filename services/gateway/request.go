package gateway

import (
	"bytes"
	"encoding/base64"
)

var (
	headerEndMark = []byte("\r\n\r\n")
	crlf          = []byte("\r\n")
	tokenMarks    = []byte("!#$%&'*+-.^_`|~")
)

// headerEnd returns how many bytes of b are the request's header, with the empty
// line that ends it, or 0 when that line has not come yet. The first from bytes
// were searched before.
func headerEnd(b []byte, from int) int {
	from = max(0, from-len(headerEndMark)+1)
	i := bytes.Index(b[from:], headerEndMark)
	if i < 0 {
		return 0
	}
	return from + i + len(headerEndMark)
}

// looksLikeHTTP reports whether a request may begin with the byte: a letter, as
// all methods do. A TLS client, which begins with 0x16, is told at once.
func looksLikeHTTP(first byte) bool {
	return first|0x20 >= 'a' && first|0x20 <= 'z'
}

// intent is what a request's header asks for.
type intent uint8

const (
	wantsHTTP    intent = iota // no upgrade: for net/http to answer
	wantsUpgrade               // an upgrade to websocket; the Upgrader judges the rest
	malformed                  // an upgrade that could be read in two ways, or without a proper key
)

// readIntent looks at a whole header. It rejects, in an upgrade, what the Upgrader
// would let through: line ends other than CRLF, a body, a second Host (RFC 9112,
// section 3.2), and a key that is repeated or not 16 bytes in base64 (RFC 6455,
// section 4.2.1).
func readIntent(head []byte) intent {
	var upgrade, odd bool
	keys, hosts := 0, 0
	_, rest, _ := bytes.Cut(head, crlf)
	odd = bytes.ContainsAny(head[:len(head)-len(rest)-len(crlf)], "\r\n")
	for len(rest) > len(crlf) {
		var line []byte
		line, rest, _ = bytes.Cut(rest, crlf)
		name, value, ok := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		odd = odd || !ok || bytes.ContainsAny(line, "\r\n") || bytes.ContainsAny(name, " \t")
		switch {
		case isName(name, "upgrade"):
			upgrade = upgrade || hasToken(value, "websocket")
		case isName(name, "sec-websocket-key"):
			keys++
			odd = odd || !isNonce(value)
		case isName(name, "host"):
			hosts++
		case isName(name, "transfer-encoding"):
			odd = true
		case isName(name, "content-length"):
			odd = odd || !bytes.Equal(value, []byte("0"))
		}
	}
	switch {
	case !upgrade:
		return wantsHTTP
	case odd || keys > 1 || hosts > 1:
		return malformed
	}
	return wantsUpgrade
}

func isName(b []byte, name string) bool {
	return len(b) == len(name) && bytes.EqualFold(b, []byte(name))
}

// hasToken reports whether a comma-separated list has the token, in any case.
func hasToken(list []byte, token string) bool {
	for len(list) > 0 {
		var item []byte
		item, list, _ = bytes.Cut(list, []byte(","))
		if isName(bytes.TrimSpace(item), token) {
			return true
		}
	}
	return false
}

// isToken reports whether b is a token of HTTP (RFC 9110, section 5.6.2), as
// subprotocols are.
func isToken(b []byte) bool {
	for _, c := range b {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
		if !letter && bytes.IndexByte(tokenMarks, c) < 0 {
			return false
		}
	}
	return len(b) > 0
}

// isNonce reports whether a key is 16 bytes in base64.
func isNonce(key []byte) bool {
	var b [18]byte
	if len(key) != base64.StdEncoding.EncodedLen(16) {
		return false
	}
	n, err := base64.StdEncoding.Decode(b[:], key)
	return err == nil && n == 16
}
