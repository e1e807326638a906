package load

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gobwas/ws"
)

// wire is frames of all forms of length, as a server sends them.
func wire(t *testing.T) (all []byte, payloads [][]byte) {
	t.Helper()
	for _, n := range []int{0, 1, 125, 126, 300, 70_000, 2} {
		p := bytes.Repeat([]byte{byte(n)}, n)
		payloads = append(payloads, p)
		var b bytes.Buffer
		if err := ws.WriteFrame(&b, ws.NewTextFrame(p)); err != nil {
			t.Fatal(err)
		}
		all = append(all, b.Bytes()...)
	}
	return all, payloads
}

func TestParser_AnySplit(t *testing.T) {
	all, payloads := wire(t)
	for _, size := range []int{1, 2, 3, 9, 127, 255, 256, 257, 300, 4096, len(all)} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			var s parser
			var got int
			for piece := range slices.Chunk(all, size) {
				for {
					f, n, ok, err := s.next(piece)
					if err != nil {
						t.Fatal(err)
					}
					if !ok {
						break
					}
					piece = piece[n:]
					want := payloads[got]
					if f.op != opText || f.length != uint64(len(want)) || !bytes.HasPrefix(want, f.payload) {
						t.Fatalf("frame %d: op %d, %d bytes, %d kept", got, f.op, f.length, len(f.payload))
					}
					if len(f.payload) < min(len(want), len(part{}.head)-10) {
						t.Fatalf("frame %d: kept %d of %d bytes", got, len(f.payload), len(want))
					}
					got++
				}
			}
			if got != len(payloads) || s.part != nil {
				t.Errorf("%d of %d frames, and a part of one: %v", got, len(payloads), s.part != nil)
			}
		})
	}
}

func TestParser_BrokenFrame(t *testing.T) {
	for name, p := range map[string][]byte{
		"a fragment":    {opText, 0},
		"reserved bits": {0xC0 | opText, 0},
		"masked":        {finBit | opText, maskBit | 1, 0, 0, 0, 0, 'x'},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{1, len(p)} {
				var s parser
				var err error
				for piece := range slices.Chunk(p, size) {
					if err == nil {
						_, _, _, err = s.next(piece)
					}
				}
				if !errors.Is(err, errFrame) {
					t.Errorf("in pieces of %d: got error %v, want %v", size, err, errFrame)
				}
			}
		})
	}
}

func TestNewCommand_IsWhatItSays(t *testing.T) {
	for _, n := range []int{0, 40, 125, 126, 65_535} {
		text := bytes.Repeat([]byte("x"), n)
		op, payload, err := receive(bytes.NewReader(NewCommand(string(text))))
		if err != nil || op != ws.OpText || !bytes.Equal(payload, text) {
			t.Errorf("%d bytes came as %d of opcode %v, error %v", n, len(payload), op, err)
		}
	}
}

func BenchmarkParser_Next(b *testing.B) {
	tick := append([]byte{finBit | opText, 71}, `{"type":"time","time":"2026-11-23T10:00:00Z","unixMs":1795428000000}   `...)
	var s parser
	b.ReportAllocs()
	for b.Loop() {
		f, _, ok, err := s.next(tick)
		if !ok || err != nil || read(f.payload).Kind != Tick {
			b.Fatal(ok, err)
		}
	}
}
