package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// The suite of this package for RFC 6455: each case is a sentence of the RFC, what a
// client sends, and what it must get. The tests that run a server against it give it
// all bytes at once and byte by byte. It stands in for the Autobahn test suite, which
// needs Python and a container, and covers what its chapters 1 to 7 and 9 cover, but
// for compression, which is not negotiated.

// conformance is one case: what a client sends after the handshake, and what comes
// back before the end: "text:…" for each message, then "pong:…", then "close:code".
type conformance struct {
	name string // "section sentence"
	in   []byte
	want []string
}

// utf8Invalid is what RFC 3629 forbids, and what is cut off.
var utf8Invalid = []struct{ name, bytes string }{
	{"a continuation alone", "\x80"},
	{"the last continuation alone", "\xbf"},
	{"NUL in two bytes", "\xc0\x80"},
	{"DEL in two bytes", "\xc1\xbf"},
	{"NUL in three bytes", "\xe0\x80\x80"},
	{"U+07FF in three bytes", "\xe0\x9f\xbf"},
	{"NUL in four bytes", "\xf0\x80\x80\x80"},
	{"U+FFFF in four bytes", "\xf0\x8f\xbf\xbf"},
	{"the first surrogate", "\xed\xa0\x80"},
	{"the last surrogate", "\xed\xbf\xbf"},
	{"a pair of surrogates", "\xed\xa0\xbd\xed\xb8\x80"},
	{"U+110000", "\xf4\x90\x80\x80"},
	{"a lead of four bytes over F4", "\xf5\x80\x80\x80"},
	{"five bytes", "\xf8\x88\x80\x80\x80"},
	{"six bytes", "\xfc\x84\x80\x80\x80\x80"},
	{"FE", "\xfe"},
	{"FF", "\xff"},
	{"one of two bytes", "\xc3"},
	{"two of three bytes", "\xe2\x82"},
	{"three of four bytes", "\xf0\x9f\x98"},
	{"one of two bytes, and a letter", "\xc3x"},
}

// utf8Valid are the ends of the ranges of RFC 3629.
var utf8Valid = []rune{0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x10ffff}

// conformanceCases returns the cases on frames: those of the decoder, and those that
// are easier to make than to write down.
func conformanceCases() (all []conformance) {
	for _, c := range streamCases {
		all = append(all, conformance{c.name, c.in, answers(c.said, c.code)})
	}
	add := func(name string, in []byte, want ...string) {
		all = append(all, conformance{name, in, want})
	}
	empty := func(first byte) []byte { return []byte{first, maskBit, 0, 0, 0, 0} }
	for rsv := byte(1); rsv < 8; rsv++ {
		for _, op := range []ws.OpCode{ws.OpText, ws.OpPing, ws.OpClose} {
			add(fmt.Sprintf("5.2 RSV must be 0: %03b, opcode %d", rsv, op), empty(finBit|rsv<<4|byte(op)), "close:1002")
		}
	}
	for _, op := range []byte{3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf} {
		add(fmt.Sprintf("5.2 reserved opcode %X", op), empty(finBit|op), "close:1002")
		add(fmt.Sprintf("5.2 reserved opcode %X, not final", op), empty(op), "close:1002")
	}
	for _, op := range []ws.OpCode{ws.OpText, ws.OpContinuation, ws.OpPing, ws.OpPong, ws.OpClose} {
		add(fmt.Sprintf("5.1 a server closes on a frame that is not masked: opcode %d", op), []byte{finBit | byte(op), 0}, "close:1002")
	}
	for _, op := range []ws.OpCode{ws.OpPing, ws.OpPong, ws.OpClose} {
		add(fmt.Sprintf("5.5 control frames must not be fragmented: opcode %d", op), masked(false, op, ""), "close:1002")
		add(fmt.Sprintf("5.5 control frames have at most 125 bytes: opcode %d", op), masked(true, op, repeat(126))[:8], "close:1002")
	}
	add("5.5.1 nothing is heard after a close", join(goodbye(1000, ""), text("x"), masked(true, ws.OpPing, "p"), []byte{0xff, 0xff}), "close:1000")
	add("5.5.1 a close with the longest reason", goodbye(1000, repeat(123)), "close:1000")
	add("5.5.2 a ping with 125 bytes", masked(true, ws.OpPing, repeat(125)), "pong:"+repeat(125))
	add("5.5.2 a ping without bytes", masked(true, ws.OpPing, ""), "pong:")
	add("5.5.3 a pong that nobody asked for", join(masked(true, ws.OpPong, "x"), text("y")), "text:y")
	for _, code := range []ws.StatusCode{0, 999, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 1016, 1100, 2000, 2999, 3000, 3999, 4000, 4999, 5000, 65535} {
		want := "close:1002"
		if code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006 || code >= 3000 && code <= 4999 {
			want = fmt.Sprintf("close:%d", code)
		}
		add(fmt.Sprintf("7.4 close code %d", code), goodbye(code, "why"), want)
	}
	for _, c := range utf8Invalid {
		add("8.1 invalid: "+c.name, text("é"+c.bytes), "close:1007")
		add("8.1 invalid in a reason: "+c.name, goodbye(1000, "é"+c.bytes), "close:1007")
		for i := range len(c.bytes) + 1 {
			add(fmt.Sprintf("8.1 invalid, in fragments cut at %d: %s", i, c.name),
				join(masked(false, ws.OpText, c.bytes[:i]), masked(true, ws.OpContinuation, c.bytes[i:])), "close:1007")
		}
	}
	for _, r := range utf8Valid {
		s := string(r)
		for i := range len(s) + 1 {
			add(fmt.Sprintf("8.1 valid, in fragments cut at %d: %U", i, r),
				join(masked(false, ws.OpText, s[:i]), masked(true, ws.OpContinuation, s[i:])), "text:"+s)
		}
	}
	return all
}

// answers returns what an echo says to what the decoder finds.
func answers(said []string, code ws.StatusCode) (want []string) {
	var pongs, closes []string
	for _, s := range said {
		what, data, _ := strings.Cut(s, ":")
		switch what {
		case "text":
			want = append(want, s)
		case "ping":
			pongs = append(pongs, "pong:"+data)
		case "close":
			closes = append(closes, closeText([]byte(data)))
		}
	}
	if code != 0 {
		closes = append(closes, fmt.Sprintf("close:%d", code))
	}
	return slices.Concat(want, pongs, closes)
}

func closeText(payload []byte) string {
	if len(payload) == 0 {
		return "close:"
	}
	code, _ := ws.ParseCloseFrameData(payload)
	return fmt.Sprintf("close:%d", code)
}

// The table of characters is one of valid and invalid ones by Go's own judgement, too.
func TestConformance_table_of_characters(t *testing.T) {
	for _, c := range utf8Invalid {
		if utf8.ValidString(c.bytes) {
			t.Errorf("%s is valid", c.name)
		}
	}
	for _, r := range utf8Valid {
		if !utf8.ValidRune(r) {
			t.Errorf("%U is not valid", r)
		}
	}
}

// byGobwas is what wsutil's own reader finds, and the error that ended it.
func byGobwas(in []byte) (said []string, err error) {
	control := func(h ws.Header, r io.Reader) error {
		p, err := io.ReadAll(r)
		if err == nil && int64(len(p)) < h.Length {
			err = io.ErrUnexpectedEOF
		}
		if err == nil {
			said = append(said, map[ws.OpCode]string{ws.OpPing: "ping:", ws.OpPong: "pong:", ws.OpClose: "close:"}[h.OpCode]+string(p))
		}
		return err
	}
	r := &wsutil.Reader{Source: bytes.NewReader(in), State: ws.StateServerSide, CheckUTF8: true, OnIntermediate: control}
	for {
		h, err := r.NextFrame()
		if err != nil {
			return said, err
		}
		if h.OpCode.IsControl() {
			if err := control(h, r); err != nil {
				return said, err
			}
			continue
		}
		p, err := io.ReadAll(r)
		if err != nil {
			return said, err
		}
		said = append(said, "text:"+string(p))
	}
}

// allControl says whether no message is among what was heard.
func allControl(said []string) bool {
	return !slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, "text:") })
}

// FuzzStream_like_gobwas compares with another decoder, as far as the two are meant to
// do the same: the stream alone has limits, refuses binary messages and lengths that
// are not in the shortest form, and judges a close frame's payload; the other alone
// finds bad UTF-8 before the message ends.
func FuzzStream_like_gobwas(f *testing.F) {
	for _, c := range conformanceCases() {
		if len(c.in) < 4096 {
			f.Add(c.in)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		ours := hearAll(testRules(), in)
		theirs, err := byGobwas(in)
		n := len(ours.said)
		common := min(n, len(theirs))
		if !slices.Equal(ours.said[:common], theirs[:common]) {
			t.Fatalf("%v, by the other %.80q and %v", ours, theirs, err)
		}
		if more := ours.said[common:]; len(more) > 0 && !(errors.Is(err, wsutil.ErrInvalidUTF8) && allControl(more)) {
			t.Fatalf("%v, by the other only %.80q and %v", ours, theirs, err)
		}
		if ours.code == 0 && n < len(theirs) {
			t.Fatalf("%v, and the other found more: %.80q", ours, theirs)
		}
		if _, ok := errors.AsType[ws.ProtocolError](err); ok && ours.code == 0 {
			t.Fatalf("%v, and to the other it breaks the protocol: %v", ours, err)
		}
	})
}
