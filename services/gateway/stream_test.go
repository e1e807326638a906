package gateway

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"pgregory.net/rapid"
)

func testRules() *rules { return &rules{maxMessage: 64 << 10, maxFragments: 64, maxHeld: 1 << 20} }

// heard is what a stream found in all, as text.
type heard struct {
	said []string
	code ws.StatusCode // of the failure that ended it
}

func (h heard) String() string { return fmt.Sprintf("%.80q code %d", h.said, h.code) }

func (h heard) equal(o heard) bool { return slices.Equal(h.said, o.said) && h.code == o.code }

var kindNames = map[kind]string{gotText: "text", gotPing: "ping", gotPong: "pong", gotClose: "close"}

// hearAll feeds pieces to a new stream. The pieces are copied: a stream writes to them.
func hearAll(r *rules, pieces ...[]byte) (h heard) {
	var s stream
	defer s.drop(r)
	for _, piece := range pieces {
		piece = bytes.Clone(piece)
		for {
			f, n, fail := s.next(r, piece)
			piece = piece[n:]
			if fail != nil {
				h.code = fail.code
				return h
			}
			if f.kind == nothing {
				break
			}
			h.said = append(h.said, kindNames[f.kind]+":"+string(f.data))
		}
		if len(piece) > 0 {
			h.said = append(h.said, "bytes left over")
		}
	}
	return h
}

func singles(p []byte) (pieces [][]byte) {
	for i := range p {
		pieces = append(pieces, p[i:i+1])
	}
	return pieces
}

var streamCases = []struct {
	name string
	in   []byte
	said []string
	code ws.StatusCode
}{
	{"5.2 text", text("Hello"), []string{"text:Hello"}, 0},
	{"5.7 the example of the RFC", []byte{0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}, []string{"text:Hello"}, 0},
	{"5.2 empty text", text(""), []string{"text:"}, 0},
	{"5.2 several in a row", join(text("a"), text("b"), text("c")), []string{"text:a", "text:b", "text:c"}, 0},
	{"5.2 125 bytes", text(repeat(125)), []string{"text:" + repeat(125)}, 0},
	{"5.2 126 bytes", text(repeat(126)), []string{"text:" + repeat(126)}, 0},
	{"5.2 65535 bytes", text(repeat(65535)), []string{"text:" + repeat(65535)}, 0},
	{"5.2 65536 bytes", text(repeat(65536)), []string{"text:" + repeat(65536)}, 0},
	{"5.2 reserved bit 1", []byte{0xc1, 0x80, 0, 0, 0, 0}, nil, 1002},
	{"5.2 reserved bit 2", []byte{0xa1, 0x80, 0, 0, 0, 0}, nil, 1002},
	{"5.2 reserved bit 3", []byte{0x91, 0x80, 0, 0, 0, 0}, nil, 1002},
	{"5.2 reserved opcode", []byte{0x83, 0x80, 0, 0, 0, 0}, nil, 1002},
	{"5.2 reserved control opcode", []byte{0x8b, 0x80, 0, 0, 0, 0}, nil, 1002},
	{"5.2 length with its highest bit", []byte{0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}, nil, 1002},
	{"5.2 length not in the shortest form, 16", []byte{0x81, 0xfe, 0, 125, 0, 0, 0, 0}, nil, 1002},
	{"5.2 length not in the shortest form, 64", []byte{0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}, nil, 1002},
	{"5.1 not masked", []byte{0x81, 0x01, 'a'}, nil, 1002},
	{"5.6 binary", masked(true, ws.OpBinary, "x"), nil, 1003},
	{"5.4 fragments", join(masked(false, ws.OpText, "Hel"), masked(false, ws.OpContinuation, ""), masked(true, ws.OpContinuation, "lo")), []string{"text:Hello"}, 0},
	{"5.4 two fragmented messages", join(masked(false, ws.OpText, "a"), masked(true, ws.OpContinuation, "b"), masked(false, ws.OpText, "c"), masked(true, ws.OpContinuation, "d"), text("e")), []string{"text:ab", "text:cd", "text:e"}, 0},
	{"5.4 control frames between fragments", join(masked(false, ws.OpText, "Hel"), masked(true, ws.OpPing, "p"), masked(true, ws.OpPong, "q"), masked(true, ws.OpContinuation, "lo")), []string{"ping:p", "pong:q", "text:Hello"}, 0},
	{"5.4 continuation of nothing", masked(true, ws.OpContinuation, "x"), nil, 1002},
	{"5.4 new message inside a fragmented one", join(masked(false, ws.OpText, "a"), text("b")), nil, 1002},
	{"5.5 control frame too long", []byte{0x89, 0xfe, 0, 126, 0, 0, 0, 0}, nil, 1002},
	{"5.5 control frame in fragments", masked(false, ws.OpPing, "x"), nil, 1002},
	{"5.5.1 close without a code", masked(true, ws.OpClose, ""), []string{"close:"}, 0},
	{"5.5.1 close with half a code", masked(true, ws.OpClose, "\x03"), nil, 1002},
	{"5.5.1 close with a code and a reason", goodbye(1001, "bye"), []string{"close:\x03\xe9bye"}, 0},
	{"5.5.1 close between fragments", join(masked(false, ws.OpText, "a"), goodbye(1000, "")), []string{"close:\x03\xe8"}, 0},
	{"7.4 close code below 1000", goodbye(999, ""), nil, 1002},
	{"7.4 close code 1004", goodbye(1004, ""), nil, 1002},
	{"7.4 close code 1005", goodbye(1005, ""), nil, 1002},
	{"7.4 close code 1006", goodbye(1006, ""), nil, 1002},
	{"7.4 close code 1012, which we send", goodbye(1012, ""), []string{"close:\x03\xf4"}, 0},
	{"7.4 close code 1015", goodbye(1015, ""), nil, 1002},
	{"7.4 close code 2999", goodbye(2999, ""), nil, 1002},
	{"7.4 close code 4999", goodbye(4999, ""), []string{"close:\x13\x87"}, 0},
	{"7.4 close code 5000", goodbye(5000, ""), nil, 1002},
	{"8.1 close reason not UTF-8", goodbye(1000, "\xff"), nil, 1007},
	{"8.1 text not UTF-8", text("a\xffb"), nil, 1007},
	{"8.1 text cut in a rune", text("\xe2\x82"), nil, 1007},
	{"8.1 rune split over fragments", join(masked(false, ws.OpText, "\xe2"), masked(true, ws.OpContinuation, "\x82\xac")), []string{"text:€"}, 0},
	{"8.1 fragments not UTF-8", join(masked(false, ws.OpText, "\xe2"), masked(true, ws.OpContinuation, "x")), nil, 1007},
	{"10.4 frame too big", text(repeat(64<<10 + 1))[:14], nil, 1009},
	{"10.4 frame of 2^63-1 bytes", []byte{0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, nil, 1009},
	{"10.4 message too big in fragments", join(masked(false, ws.OpText, repeat(40000)), masked(true, ws.OpContinuation, repeat(30000))[:8]), nil, 1009},
	{"10.4 message as big as may be in fragments", join(masked(false, ws.OpText, repeat(65536)[:40000]), masked(true, ws.OpContinuation, repeat(65536)[40000:])), []string{"text:" + repeat(65536)}, 0},
	{"10.4 64 fragments", join(masked(false, ws.OpText, "x"), bytes.Repeat(masked(false, ws.OpContinuation, "x"), 62), masked(true, ws.OpContinuation, "x")), []string{"text:" + strings.Repeat("x", 64)}, 0},
	{"10.4 65 fragments", join(masked(false, ws.OpText, "x"), bytes.Repeat(masked(false, ws.OpContinuation, "x"), 63), masked(true, ws.OpContinuation, "x")), nil, 1008},
	{"10.4 a second message has its own 64 fragments", join(
		masked(false, ws.OpText, "x"), bytes.Repeat(masked(false, ws.OpContinuation, "x"), 62), masked(true, ws.OpContinuation, "x"),
		masked(false, ws.OpText, "y"), masked(true, ws.OpContinuation, "z")), []string{"text:" + strings.Repeat("x", 64), "text:yz"}, 0},
}

func TestStream_next(t *testing.T) {
	for _, c := range streamCases {
		t.Run(c.name, func(t *testing.T) {
			want := heard{c.said, c.code}
			if got := hearAll(testRules(), c.in); !got.equal(want) {
				t.Errorf("at once: got %v, want %v", got, want)
			}
			if got := hearAll(testRules(), singles(c.in)...); !got.equal(want) {
				t.Errorf("byte by byte: got %v, want %v", got, want)
			}
			for cut := range min(len(c.in), 40) {
				if got := hearAll(testRules(), c.in[:cut], c.in[cut:]); !got.equal(want) {
					t.Errorf("cut at %d: got %v, want %v", cut, got, want)
				}
			}
		})
	}
}

func TestStream_next_owns_nothing_at_rest(t *testing.T) {
	r := testRules()
	var s stream
	for _, piece := range singles(join(text("abc"), masked(false, ws.OpText, "d"), masked(true, ws.OpContinuation, "e"), masked(true, ws.OpPing, "f"))) {
		for {
			f, n, fail := s.next(r, piece)
			if fail != nil {
				t.Fatal(fail)
			}
			piece = piece[n:]
			if f.kind == nothing {
				break
			}
		}
	}
	if s.part != nil {
		t.Errorf("after whole messages the stream still owns %+v", s.part)
	}
	if len(r.spare) != 1 {
		t.Errorf("%d spare partials, want the one that was used again and again", len(r.spare))
	}
}

func TestStream_next_buffers_only_what_came(t *testing.T) {
	var s stream
	frame := text(repeat(60 << 10))
	if _, _, fail := s.next(testRules(), frame[:100]); fail != nil {
		t.Fatal(fail)
	}
	if got := cap(s.part.message); got > 1024 {
		t.Errorf("100 bytes came and %d are kept: a header must not reserve memory", got)
	}
}

func TestStream_next_bounds_what_all_streams_hold(t *testing.T) {
	r := testRules()
	var streams []*stream
	var crowded *failure
	for crowded == nil {
		s := new(stream)
		_, _, crowded = s.next(r, text(repeat(60_000))[:50_000])
		streams = append(streams, s)
	}
	if crowded != errCrowded || len(streams) != 1<<20/49_992+1 {
		t.Errorf("stream %d of 50,000 bytes fails with %v", len(streams), crowded)
	}
	for _, s := range streams {
		s.drop(r)
	}
	if r.held != 0 {
		t.Errorf("%d bytes are held by nobody", r.held)
	}
	if got := hearAll(r, cuts(rand.New(rand.NewPCG(1, 1)), text("room again"))...); got.code != 0 || r.held != 0 {
		t.Errorf("heard %v, and %d bytes are held", got, r.held)
	}
}

func TestStream_drop_in_mid_message(t *testing.T) {
	r := testRules()
	hearAll(r, join(masked(false, ws.OpText, "left"), masked(false, ws.OpContinuation, "over")), text("x")[:5])
	if got := hearAll(r, singles(text("new"))...); !got.equal(heard{said: []string{"text:new"}}) {
		t.Errorf("a stream that uses the memory of a broken one hears %v", got)
	}
}

func TestRules_put_is_bounded(t *testing.T) {
	r := testRules()
	for range 2 * maxSpare {
		r.put(&partial{message: make([]byte, 0, 2*maxSpareBytes)})
	}
	if len(r.spare) != maxSpare || cap(r.spare[0].message) > 0 {
		t.Errorf("%d spare partials with %d bytes", len(r.spare), cap(r.spare[0].message))
	}
}

// drawFrames draws what clients might send, mostly well-formed.
func drawFrames(t *rapid.T) []byte {
	frame := rapid.Custom(func(t *rapid.T) []byte {
		op := rapid.SampledFrom([]ws.OpCode{ws.OpText, ws.OpText, ws.OpContinuation, ws.OpPing, ws.OpPong, ws.OpClose, ws.OpBinary}).Draw(t, "op")
		size := rapid.SampledFrom([]int{0, 1, 2, 5, 125, 126, 300}).Draw(t, "size")
		payload := rapid.StringN(0, size, size).Draw(t, "payload")
		return masked(rapid.Bool().Draw(t, "fin"), op, payload)
	})
	return join(rapid.SliceOfN(frame, 1, 12).Draw(t, "frames")...)
}

func TestStream_next_does_not_depend_on_the_cuts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawFrames(t)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		rules := testRules()
		whole, cut := hearAll(rules, in), hearAll(rules, cuts(r, in)...)
		if !whole.equal(cut) {
			t.Fatalf("at once %v, in pieces %v", whole, cut)
		}
	})
}

func FuzzStream(f *testing.F) {
	for i, c := range streamCases {
		if len(c.in) < 4096 {
			f.Add(c.in, uint64(i))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		r := testRules()
		whole := hearAll(r, in)
		if cut := hearAll(r, cuts(rand.New(rand.NewPCG(seed, 0)), in)...); !whole.equal(cut) {
			t.Fatalf("at once %v, in pieces %v", whole, cut)
		}
		if bytewise := hearAll(r, singles(in)...); !whole.equal(bytewise) {
			t.Fatalf("at once %v, byte by byte %v", whole, bytewise)
		}
	})
}

func BenchmarkStream(b *testing.B) {
	in := text(`{"type":"fibonacci","id":"a1","n":90}`)
	b.Run("whole", func(b *testing.B) { benchmarkStream(b, in) })
	b.Run("in two reads", func(b *testing.B) { benchmarkStream(b, in[:9], in[9:]) })
	b.Run("64KiB", func(b *testing.B) { benchmarkStream(b, text(repeat(64<<10))) })
}

func benchmarkStream(b *testing.B, pieces ...[]byte) {
	r := testRules()
	var s stream
	size := 0
	for _, p := range pieces {
		size += len(p)
	}
	buf := make([]byte, size)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range pieces {
			in := buf[:copy(buf, p)]
			for {
				f, n, fail := s.next(r, in)
				if fail != nil {
					b.Fatal(fail)
				}
				if in = in[n:]; f.kind == nothing {
					break
				}
			}
		}
	}
}
