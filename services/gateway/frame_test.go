package gateway

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"pgregory.net/rapid"
)

func TestAppendFrame(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
		got := appendFrame(nil, ws.OpText, make([]byte, n))
		want := ws.MustCompileFrame(ws.NewTextFrame(make([]byte, n)))
		if !bytes.Equal(got, want) {
			t.Errorf("%d bytes: header % x, want % x", n, got[:10], want[:10])
		}
		if frameSize(got) != len(got) {
			t.Errorf("%d bytes: frameSize says %d of %d", n, frameSize(got), len(got))
		}
	}
}

func TestAppendClose_cuts_a_long_reason_at_a_rune(t *testing.T) {
	reason := strings.Repeat("€", 100)
	frame := appendClose(nil, 1012, reason)
	code, got := ws.ParseCloseFrameData(frame[2:])
	if code != 1012 || len(frame) > 2+ws.MaxControlFramePayloadSize || len(got) < 120 || !utf8.ValidString(got) || !strings.HasPrefix(reason, got) {
		t.Errorf("code %d, frame of %d bytes, reason %q", code, len(frame), got)
	}
}

func TestTorn(t *testing.T) {
	p := join(appendFrame(nil, ws.OpText, make([]byte, 10)), appendFrame(nil, ws.OpText, make([]byte, 200)), appendFrame(nil, ws.OpPing, nil))
	for _, c := range []struct{ sent, want int }{{0, 0}, {1, 11}, {11, 1}, {12, 0}, {13, 203}, {215, 1}, {216, 0}, {217, 1}, {218, 0}} {
		if got := torn(p, c.sent); got != c.want {
			t.Errorf("%d bytes sent: %d to finish the frame, want %d", c.sent, got, c.want)
		}
	}
}

// A header is read as gobwas/ws reads it, or refused for its length's form.
func FuzzParseHeader(f *testing.F) {
	f.Add([]byte{0x81, 0x85, 1, 2, 3, 4})
	f.Add([]byte{0x81, 0xfe, 1, 2, 3, 4, 5, 6})
	f.Add([]byte{0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < minHeader || len(b) < headerSize(b) {
			return
		}
		in := bytes.NewReader(b)
		want, err := ws.ReadHeader(in)
		got, fail := parseHeader(b)
		switch {
		case errors.Is(err, ws.ErrHeaderLengthMSB):
			if fail != errLengthMSB {
				t.Fatalf("% x: failure %v, want %v", b, fail, errLengthMSB)
			}
		case err != nil:
			t.Fatalf("% x: %v", b, err)
		case fail == errLengthForm:
			if ws.HeaderSize(want) >= headerSize(b) {
				t.Fatalf("% x: refused, but its length is in the shortest form", b)
			}
		case fail != nil || got != want:
			t.Fatalf("% x: got %+v %v, want %+v", b, got, fail, want)
		case headerSize(b) != len(b)-in.Len():
			t.Fatalf("% x: %d bytes, want %d", b, headerSize(b), len(b)-in.Len())
		}
	})
}

// Whatever the socket takes at a time, the backlog sends the same bytes, and
// whenever it is trimmed what was sent ends with a whole frame.
func TestBacklog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(0, 300), 1, 20).Draw(t, "sizes")
		var all, sent []byte
		frames := make([][]byte, len(sizes))
		for i, n := range sizes {
			frames[i] = appendFrame(nil, ws.OpText, bytes.Repeat([]byte{byte(i)}, n))
			all = append(all, frames[i]...)
		}
		var b backlog
		n := rapid.IntRange(0, len(frames[0])-1).Draw(t, "first")
		sent = append(sent, frames[0][:n]...)
		b.start(frames[0], n, torn(frames[0], n))
		send := func() {
			k := rapid.IntRange(0, len(b.pending())).Draw(t, "taken")
			sent = append(sent, b.pending()[:k]...)
			b.sent(k)
		}
		for _, f := range frames[1:] {
			send()
			b.add(f)
		}
		send()
		if rest := join(sent, b.pending()); !bytes.Equal(rest, all) {
			t.Fatalf("%d bytes, want %d", len(rest), len(all))
		}
		b.trim()
		end := join(sent, b.pending())
		if !bytes.HasPrefix(all, end) || torn(all, len(end)) != 0 {
			t.Fatalf("after %d of %d bytes the trimmed backlog ends at %d, in mid-frame", len(sent), len(all), len(end))
		}
	})
}
