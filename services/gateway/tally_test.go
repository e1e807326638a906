package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// sum is what all counts come to.
func sum(counts map[int]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// What happens is counted once, under the code or status that was sent first, by whom
// ever; a client's own code makes no new kind.
func TestServer_Totals(t *testing.T) { overPlain(t, totals) }

func totals(t *testing.T, start starter) {
	h := &host{text: func(g *guest, p []byte) {
		if string(p) == "kick" {
			g.conn.Close(4503, "kicked")
			return
		}
		g.conn.Send(p)
	}}
	s := start(t, h, Config{Loops: 1})
	c := connect(t, s)
	c.send(text("hello"))
	c.wantText("hello")
	c.send(text("kick"))
	c.wantClose(4503)
	_ = c.Close()
	for _, code := range []ws.StatusCode{1000, 1001, 4999} {
		c := connect(t, s)
		c.send(goodbye(code, ""))
		c.wantClose(code)
		_ = c.Close()
	}
	c = connect(t, s)
	_ = c.Close()
	c = connect(t, s)
	c.send(masked(true, ws.OpBinary, "x"))
	c.wantClose(1003)
	_ = c.Close()
	for range 2 {
		c = dial(t, s)
		c.send([]byte("\x16\x03\x01 TLS"))
		if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 400") {
			t.Errorf("refused with %q", head)
		}
		_ = c.Close()
	}
	c = dial(t, s)
	_ = c.Close()
	eventually(t, "all have left", func() bool { return s.sockets.Load() == 0 })
	var got Totals
	eventually(t, "all is counted", func() bool {
		got = s.Totals()
		return got.Dropped == 1 && sum(got.Closed) == 6
	})
	for code, n := range map[int]int64{4503: 1, 1000: 1, 1001: 1, ClosedOther: 1, ClosedWithout: 1, 1003: 1, 4008: 0} {
		if got.Closed[code] != n {
			t.Errorf("closed with %d: %d, want %d", code, got.Closed[code], n)
		}
	}
	if got.Upgraded != 6 || got.Refused[400] != 2 || sum(got.Refused) != 2 {
		t.Errorf("%d upgraded, refused %v", got.Upgraded, got.Refused)
	}
	if got.Received < 6*100 || got.Sent < 6*100 {
		t.Errorf("%d bytes received, %d sent", got.Received, got.Sent)
	}
}

// Every code and status has its place, and what is not known goes together.
func TestCounts(t *testing.T) {
	var tl tally
	for _, status := range []int{400, 401, 403, 404, 405, 408, 426, 429, 431, 503, 500, 0} {
		tl.refuse(fmt.Appendf(nil, "HTTP/1.1 %03d x\r\n", status))
	}
	tl.refuse([]byte("HT"))
	tl.refuse(nil)
	for _, code := range append(closeCodes[:], 0, 3000, 65535) {
		tl.part(code)
	}
	totals := Totals{Refused: make(map[int]int64), Closed: make(map[int]int64)}
	if tl.addTo(&totals); sum(totals.Refused)+sum(totals.Closed) != 0 {
		t.Errorf("%+v is shown early", totals)
	}
	tl.show()
	tl.addTo(&totals)
	if totals.Refused[0] != 4 || sum(totals.Refused) != 14 || totals.Closed[ClosedOther] != 2 || totals.Closed[ClosedWithout] != 1 || sum(totals.Closed) != 18 {
		t.Errorf("%+v", totals)
	}
}
