package load

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/presenced/presence/clientctl/wire"
	"github.com/presenced/presence/services/protocol"
	"pgregory.net/rapid"
)

// parsed is what comes of chunks, written down.
func parsed(s *parser, chunks ...[]byte) (all []string, err error) {
	for _, p := range chunks {
		for {
			m, rest, ok, err := s.next(p)
			if err != nil {
				return all, err
			}
			if !ok {
				break
			}
			all, p = append(all, fmt.Sprintf("%x %s", m.op, m.payload)), rest
		}
	}
	return all, nil
}

// However what a server sends is cut, the same messages come of it, and nothing is kept
// when they are whole.
func TestParser_next_however_it_is_cut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sent []byte
		var want []string
		for range rapid.IntRange(1, 6).Draw(t, "messages") {
			text := bytes.Repeat([]byte("x"), rapid.SampledFrom([]int{0, 1, 125, 126, 300, 65535, 65536, 70000}).Draw(t, "length"))
			if rapid.Bool().Draw(t, "in fragments") {
				middle := rapid.IntRange(0, len(text)).Draw(t, "middle")
				sent = append(sent, compiled(t, ws.NewFrame(ws.OpText, false, text[:middle]))...)
				sent = append(sent, compiled(t, ws.NewPingFrame([]byte("between")))...)
				sent = append(sent, compiled(t, ws.NewFrame(ws.OpContinuation, true, text[middle:]))...)
				want = append(want, "9 between")
			} else {
				sent = append(sent, compiled(t, ws.NewTextFrame(text))...)
			}
			want = append(want, "1 "+string(text))
		}
		var chunks [][]byte
		for rest := sent; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			chunks, rest = append(chunks, bytes.Clone(rest[:n])), rest[n:]
		}
		var s parser
		got, err := parsed(&s, chunks...)
		if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("%v: %d messages of %d", err, len(got), len(want))
		}
		if s.part != nil && (len(s.part.frame) > 0 || len(s.part.text) > 0 || s.part.more) {
			t.Fatalf("%+v is left", s.part)
		}
	})
}

func compiled(t *rapid.T, f ws.Frame) []byte {
	b, err := ws.CompileFrame(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParser_next_broken_protocol(t *testing.T) {
	for name, tt := range map[string]struct {
		raw  string
		want protocol.CloseCode
	}{
		"a masked frame":                {"81 81 00000000 61", protocol.CloseProtocol},
		"a reserved opcode":             {"83 00", protocol.CloseProtocol},
		"a reserved bit":                {"c1 00", protocol.CloseProtocol},
		"a continuation of nothing":     {"80 00", protocol.CloseProtocol},
		"a text within a text":          {"01 00 81 00", protocol.CloseProtocol},
		"a fragmented ping":             {"09 00", protocol.CloseProtocol},
		"a long ping":                   {"89 7e 007e", protocol.CloseProtocol},
		"a negative length":             {"81 7f 8000000000000000", protocol.CloseTooBig},
		"binary":                        {"82 00", protocol.CloseUnsupported},
		"too long":                      {"81 7f 0000000000400001", protocol.CloseTooBig},
		"too long in all":               {"01 01 61 80 7f 0000000000400000", protocol.CloseTooBig},
		"too long, byte by byte anyway": {"01 01 61 00 7f 7fffffffffffffff", protocol.CloseTooBig},
	} {
		raw, err := hex.DecodeString(strings.ReplaceAll(tt.raw, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		_, err = parsed(new(parser), raw)
		if broken, ok := errors.AsType[*wire.BrokenError](err); !ok || broken.Code != tt.want {
			t.Errorf("%s: %v", name, err)
		}
		var s parser
		err = nil
		for i := 0; i < len(raw) && err == nil; i++ {
			_, err = parsed(&s, raw[i:i+1])
		}
		if err == nil {
			t.Errorf("%s: byte by byte it is taken", name)
		}
	}
}

func FuzzParser(f *testing.F) {
	f.Add([]byte("\x81\x02hi\x01\x01a\x80\x01b\x88\x02\x03\xe8"), 3)
	f.Add([]byte("\x81\x7e\x00\x80"), 1)
	f.Fuzz(func(t *testing.T, p []byte, cut int) {
		whole, err := parsed(new(parser), bytes.Clone(p))
		cut = max(0, min(cut, len(p)))
		split, err2 := parsed(new(parser), bytes.Clone(p[:cut]), bytes.Clone(p[cut:]))
		if (err == nil) != (err2 == nil) || strings.Join(whole, "\n") != strings.Join(split, "\n") {
			t.Errorf("whole: %q, %v; split at %d: %q, %v", whole, err, cut, split, err2)
		}
	})
}

// What is sent is what a server takes: masked, and with the mask off what it was.
func TestAppendFrame(t *testing.T) {
	b := appendFrame([]byte("before"), ws.OpText, []byte("hello"))
	h, payload, err := readFrame(bytes.NewReader(b[len("before"):]))
	if err != nil || !h.Masked || !h.Fin || h.OpCode != ws.OpText || string(payload) != "hello" {
		t.Errorf("%+v, %q, %v", h, payload, err)
	}
}

func TestUnderstand(t *testing.T) {
	const ms = 1795428000000
	for text, want := range map[string]news{
		`{"type":"time","time":"2026-11-23T10:00:00Z","unixMs":1795428000000}`:                    {kind: tick, unixMs: ms},
		`{ "unixMs":1795428000000, "type":"time"}`:                                                {kind: tick, unixMs: ms},
		`{"type":"time","time":"2026-11-23T10:00:00Z","unixMs":1795428000000,"later":"field"}`:    {kind: tick, unixMs: ms},
		`{"type":"welcome","connection":"c","user":"u"}`:                                          {kind: welcome},
		`{"user":"u","type":"welcome"}`:                                                           {kind: welcome},
		`{"type":"fibonacci","id":"17","n":90,"value":"2880067194370816120"}`:                     {kind: answer, id: 17},
		`{"type":"fibonacci","value":"1","id":"17"}`:                                              {kind: answer, id: 17},
		`{"type":"fibonacci","id":17,"n":90}`:                                                     {kind: answer, id: 17},
		`{"type":"fibonacci","id":"17x","n":90}`:                                                  {kind: answer, id: -1},
		`{"type":"fibonacci","id":"99999999999999999999","n":90}`:                                 {kind: answer, id: -1},
		`{"type":"fibonacci","n":90}`:                                                             {kind: answer, id: -1},
		`{"type":"error","id":"17","code":"rate_limited","message":"slow down","retryable":true}`: {kind: refusal, id: 17, code: protocol.RateLimited},
		`{"type":"drain","reconnectAfterMs":5}`:                                                   {kind: other},
		`{"type":"news"}`:                                                                         {kind: other},
	} {
		if got, err := understand([]byte(text)); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{``, `x`, `{}`, `{"type":"time","time":"x","unixMs":}`, `[1]`} {
		if got, err := understand([]byte(text)); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

// What comes to every connection every second does not allocate.
func TestUnderstand_a_tick_does_not_allocate(t *testing.T) {
	frame, err := ws.CompileFrame(ws.NewTextFrame([]byte(`{"type":"time","time":"2026-11-23T10:00:00Z","unixMs":1795428000000}`)))
	if err != nil {
		t.Fatal(err)
	}
	var s parser
	if n := testing.AllocsPerRun(100, func() {
		m, _, ok, err := s.next(frame)
		if n, bad := understand(m.payload); !ok || err != nil || bad != nil || n.kind != tick {
			t.Fatal("no tick")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
