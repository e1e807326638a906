package gateway

import (
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"
)

// oneByOne are the first bytes of a case that are sent each in a write of its own; a
// longer payload follows in one.
const oneByOne = 300

// pieces are the ways in which a case is sent.
func pieces(in []byte) map[string][][]byte {
	n := min(len(in), oneByOne)
	return map[string][][]byte{"at once": {in}, "byte by byte": append(singles(in[:n]), in[n:])}
}

// replies reads frames up to the end: texts, then pongs, then the close.
func (c *client) replies() ([]string, error) {
	var texts, pongs, closes []string
	for {
		op, p, err := c.frame()
		switch {
		case err == io.EOF:
			return slices.Concat(texts, pongs, closes), nil
		case err != nil:
			return nil, err
		case op == ws.OpText:
			texts = append(texts, "text:"+string(p))
		case op == ws.OpPong:
			pongs = append(pongs, "pong:"+string(p))
		case op == ws.OpClose:
			closes = append(closes, closeText(p))
		}
	}
}

func TestConformance_frames(t *testing.T) { overEach(t, conformanceFrames) }

func conformanceFrames(t *testing.T, start starter) {
	s := start(t, &host{}, Config{Loops: 1})
	for _, c := range conformanceCases() {
		want := c.want
		in := c.in
		if len(want) == 0 || !strings.HasPrefix(want[len(want)-1], "close:") {
			in, want = join(in, goodbye(1000, "")), append(slices.Clip(want), "close:1000")
		}
		for how, all := range pieces(in) {
			t.Run(c.name+"/"+how, func(t *testing.T) {
				end := connect(t, s)
				defer end.Close()
				for _, p := range all {
					_, _ = end.Write(p) // what follows a fault may find the server gone
				}
				got, err := end.replies()
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("got %.100q, %v; want %.100q", got, err, want)
				}
			})
		}
	}
}

var conformanceHandshakes = []struct {
	name, in, status string
	has              []string
	hasNot           []string
}{
	{"1.3 the example of the RFC", upgradeRequest("/chat", "Origin: http://example.com"), "101", []string{"\r\nUpgrade: websocket\r\n", "\r\nConnection: Upgrade\r\n", "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"}, nil},
	{"1.9 a subprotocol that is not chosen is not named", upgradeRequest("/", "Sec-WebSocket-Protocol: chat, superchat"), "101", nil, []string{"Sec-WebSocket-Protocol"}},
	{"9.1 an extension that is not accepted is not named", upgradeRequest("/", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"), "101", nil, []string{"Sec-WebSocket-Extensions"}},
	{"4.2.1 the method is GET", strings.Replace(upgradeRequest("/"), "GET", "POST", 1), "405", []string{"Allow: GET"}, nil},
	{"4.2.1 HTTP/1.1 or higher", strings.Replace(upgradeRequest("/"), "HTTP/1.1", "HTTP/1.0", 1), "505", nil, nil},
	{"4.2.1 a request line in three parts", strings.Replace(upgradeRequest("/"), " HTTP/1.1", "", 1), "400", nil, nil},
	{"4.2.1 a Host", upgradeRequest("/", "-Host"), "400", nil, nil},
	{"4.2.1 one Host (RFC 9112, section 3.2)", upgradeRequest("/", "Host: other"), "400", nil, nil},
	{"4.2.1 Upgrade has websocket", upgradeRequest("/", "-Upgrade", "Upgrade: h2c"), "426", []string{"Upgrade: websocket"}, nil},
	{"4.2.1 there is an Upgrade", upgradeRequest("/", "-Upgrade"), "426", []string{"Upgrade: websocket"}, nil},
	{"4.2.1 there is a Connection", upgradeRequest("/", "-Connection"), "400", nil, nil},
	{"4.2.1 Connection has upgrade", upgradeRequest("/", "-Connection", "Connection: keep-alive"), "400", nil, nil},
	{"4.2.1 Connection has upgrade among others", upgradeRequest("/", "-Connection", "Connection: keep-alive, uPgrade"), "101", nil, nil},
	{"4.2.1 a key", upgradeRequest("/", "-Sec-WebSocket-Key"), "400", nil, nil},
	{"4.2.1 a key that is not empty", upgradeRequest("/", "-Sec-WebSocket-Key", "Sec-WebSocket-Key:"), "400", nil, nil},
	{"4.2.1 a key of 16 bytes, not 15", upgradeRequest("/", "-Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j"), "400", nil, nil},
	{"4.2.1 a key of 16 bytes, not 17", upgradeRequest("/", "-Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQA="), "400", nil, nil},
	{"4.2.1 a key in base64", upgradeRequest("/", "-Sec-WebSocket-Key", "Sec-WebSocket-Key: ????IHNhbXBsZSBub25jZQ=="), "400", nil, nil},
	{"11.3.1 a key stands once", upgradeRequest("/", "Sec-WebSocket-Key: "+goodKey), "400", nil, nil},
	{"4.2.2 a version", upgradeRequest("/", "-Sec-WebSocket-Version"), "426", []string{"Sec-WebSocket-Version: 13"}, nil},
	{"4.4 version 8", upgradeRequest("/", "-Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"), "426", []string{"Sec-WebSocket-Version: 13"}, nil},
	{"4.4 version 14", upgradeRequest("/", "-Sec-WebSocket-Version", "Sec-WebSocket-Version: 14"), "426", []string{"Sec-WebSocket-Version: 13"}, nil},
	{"4.4 an empty version", upgradeRequest("/", "-Sec-WebSocket-Version", "Sec-WebSocket-Version:"), "426", []string{"Sec-WebSocket-Version: 13"}, nil},
	{"11.3.5 a version stands once", upgradeRequest("/", "Sec-WebSocket-Version: 8"), "426", []string{"Sec-WebSocket-Version: 13"}, nil},
	{"4.2.1 no body", upgradeRequest("/", "Content-Length: 5"), "400", nil, nil},
	{"4.2.1 a line without a colon", upgradeRequest("/", "nonsense"), "400", nil, nil},
	{"4.2.1 a name without a space behind it", upgradeRequest("/", "X : y"), "400", nil, nil},
	{"10.4 a header that is too large", upgradeRequest("/", "X: "+repeat(9000)), "431", nil, nil},
}

func TestConformance_handshake(t *testing.T) { overEach(t, conformanceHandshake) }

func conformanceHandshake(t *testing.T, start starter) {
	s := start(t, &host{}, Config{Loops: 1})
	for _, c := range conformanceHandshakes {
		for how, all := range pieces([]byte(c.in)) {
			t.Run(c.name+"/"+how, func(t *testing.T) {
				end := dial(t, s)
				defer end.Close()
				for _, p := range all {
					_, _ = end.Write(p)
				}
				head := end.head()
				if !strings.HasPrefix(head, "HTTP/1.1 "+c.status+" ") {
					t.Errorf("answer %q, want status %s", head, c.status)
				}
				for _, part := range c.has {
					if !strings.Contains(head, part) {
						t.Errorf("answer %q has no %q", head, part)
					}
				}
				for _, part := range c.hasNot {
					if strings.Contains(head, part) {
						t.Errorf("answer %q has %q", head, part)
					}
				}
				if c.status != "101" {
					_, _ = io.Copy(io.Discard, end.in)
				}
			})
		}
	}
}

// 5.5.2: a ping between the fragments of a message is answered before the message ends.
func TestConformance_ping_between_fragments(t *testing.T) {
	overEach(t, conformancePingBetweenFragments)
}

func conformancePingBetweenFragments(t *testing.T, start starter) {
	s := start(t, &host{}, Config{Loops: 1})
	c := connect(t, s)
	c.send(join(masked(false, ws.OpText, "Hel"), masked(true, ws.OpPing, "p")))
	c.want(ws.OpPong, "p")
	c.send(masked(true, ws.OpContinuation, "lo"))
	c.wantText("Hello")
	c.leave()
}

// 7.1.1: both sides close at once, and each gets one close frame.
func TestConformance_close_from_both_sides(t *testing.T) { overEach(t, conformanceCloseFromBothSides) }

func conformanceCloseFromBothSides(t *testing.T, start starter) {
	var closing sync.WaitGroup
	h := &host{text: func(g *guest, _ []byte) { g.conn.Close(4503, "kicked") }}
	s := start(t, h, Config{Loops: 1})
	for range 20 {
		c := connect(t, s)
		closing.Go(func() { c.send(join(text("x"), goodbye(1000, ""))) })
		got, err := c.replies()
		if err != nil || len(got) != 1 || got[0] != "close:1000" && got[0] != "close:4503" {
			t.Errorf("got %q, %v; want one close", got, err)
		}
		closing.Wait()
		_ = c.Close()
	}
}
