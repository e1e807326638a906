package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/protocol"
)

// guest is a client that came to the door, and what it was told: it is welcomed, or it
// has the code and the reason of a close.
type guest struct {
	conn net.Conn
	in   io.Reader // conn, behind what came with the answer to the upgrade
	code ws.StatusCode
	why  string
}

// come connects a user and reads until the answer is known. It ends with the test.
func come(t *testing.T, tg *target, user string, d ws.Dialer) *guest {
	t.Helper()
	conn, buffered, _, err := d.Dial(t.Context(), tg.ws+"/?user="+url.QueryEscape(user))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	g := newGuest(conn, buffered)
	if err := g.listen(); err != nil {
		t.Fatalf("%s is neither welcomed nor told to go: %v", user, err)
	}
	if g.code == 0 {
		gone := make(chan struct{})
		go func() { // until the end of the connection, which the cleanup sees to
			defer close(gone)
			g.stay()
		}()
		t.Cleanup(func() { _ = conn.Close(); <-gone })
	}
	return g
}

func newGuest(conn net.Conn, buffered *bufio.Reader) *guest {
	if buffered != nil {
		return &guest{conn: conn, in: buffered}
	}
	return &guest{conn: conn, in: conn}
}

// listen reads up to the welcome or the close.
func (g *guest) listen() error {
	for {
		f, err := readFrame(g.in)
		if err != nil {
			return err
		}
		if f.Header.OpCode == ws.OpClose {
			g.code, g.why = ws.ParseCloseFrameData(f.Payload)
			return nil
		}
		if m, err := protocol.Decode(f.Payload); err == nil && m.Type == protocol.TypeWelcome {
			return nil
		}
	}
}

// stay reads until it is told to go.
func (g *guest) stay() {
	for {
		if f, err := readFrame(g.in); err != nil || f.Header.OpCode == ws.OpClose {
			_ = g.conn.Close()
			return
		}
	}
}

// saying is a client whose request has a header field.
func saying(name, value string) ws.Dialer {
	return ws.Dialer{Header: ws.HandshakeHeaderHTTP(http.Header{name: {value}})}
}

// behindPreamble is a client behind a proxy that begins with these bytes.
func behindPreamble(preamble string) ws.Dialer {
	return ws.Dialer{NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err == nil {
			_, err = io.WriteString(conn, preamble)
		}
		return conn, err
	}}
}

func (g *guest) wantTooMany(t *testing.T, says string) {
	t.Helper()
	if g.code != ws.StatusCode(protocol.CloseTooMany) || !strings.Contains(g.why, says) {
		t.Errorf("closed with %d %q, want %d and %q", g.code, g.why, protocol.CloseTooMany, says)
	}
}

func (g *guest) wantWelcome(t *testing.T) {
	t.Helper()
	if g.code != 0 {
		t.Errorf("closed with %d %q, want a welcome", g.code, g.why)
	}
}

// arrivals are the connected events of a backend that nobody has open.
func arrivals(t *testing.T, b backend) (all []events.Event) {
	t.Helper()
	log, err := b.open(t).Log.Read(t.Context(), events.Stream{Node: "n1", Epoch: 1}.At(0), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(log, func(e events.Event) bool { return e.Type != events.Connected })
}

// A user who has as many connections as one may have is told so by a close code, is
// never recorded, and comes in again when one of them is gone.
func TestLimits_PerUser(t *testing.T) {
	b := embeddedBackend(t)
	tg := start(t, b, "--max-conns-per-user", "2")
	first := come(t, tg, "ana", ws.Dialer{})
	come(t, tg, "ana", ws.Dialer{}).wantWelcome(t)
	for range 3 {
		come(t, tg, "ana", ws.Dialer{}).wantTooMany(t, "user")
	}
	come(t, tg, "bob", ws.Dialer{}).wantWelcome(t)
	if got := tg.online(t); got["ana"] != 2 || got["bob"] != 1 {
		t.Errorf("online %v", got)
	}
	_ = first.conn.Close()
	eventually(t, "one of two has left", func() bool { return tg.online(t)["ana"] == 1 })
	come(t, tg, "ana", ws.Dialer{}).wantWelcome(t)
	come(t, tg, "ana", ws.Dialer{}).wantTooMany(t, "user")
	if text := metricsOf(t, tg); !strings.Contains(text, "\npresence_connections_too_many_total 4\n") {
		t.Errorf("the metrics do not count 4 who were too many:\n%s", text)
	}
	tg.stop()
	if got := len(arrivals(t, b)); got != 4 {
		t.Errorf("%d connections are recorded, want 4", got)
	}
	verified(t, b)
}

// Of many who come at once exactly as many are let in as may.
func TestLimits_ManyAtOnce(t *testing.T) {
	const limit, comers = 5, 40
	tg := start(t, embeddedBackend(t), "--max-conns-per-user", strconv.Itoa(limit))
	var all sync.WaitGroup
	codes := make(chan ws.StatusCode, comers)
	for range comers {
		all.Go(func() {
			conn, buffered, _, err := ws.Dial(t.Context(), tg.ws+"/?user=ana")
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			g := newGuest(conn, buffered)
			if err := g.listen(); err != nil {
				t.Error(err)
			}
			codes <- g.code
		})
	}
	all.Wait()
	close(codes)
	got := make(map[ws.StatusCode]int)
	for code := range codes {
		got[code]++
	}
	if got[0] != limit || got[ws.StatusCode(protocol.CloseTooMany)] != comers-limit {
		t.Errorf("codes %v, want %d welcomes and %d of %d", got, limit, comers-limit, protocol.CloseTooMany)
	}
}

// A client that is refused for another reason takes nobody's place.
func TestLimits_RefusedAreNotCounted(t *testing.T) {
	tg := start(t, embeddedBackend(t), "--max-conns-per-user", "1", "--queue", "2")
	first := come(t, tg, "ana", ws.Dialer{}) // holds one of two places in the queue: there is no room for two events more
	if status, _ := knock(t, tg, nil); status != http.StatusServiceUnavailable {
		t.Fatalf("with a full queue the answer is %d", status)
	}
	_ = first.conn.Close()
	eventually(t, "there is room", func() bool { return strings.Contains(metricsOf(t, tg), "\npresence_queue_room_events 2\n") })
	come(t, tg, "42", ws.Dialer{}).wantWelcome(t) // whom knock knocked as
}

// An address is that of the client, not of the proxy in between, and IPv6 addresses
// count by what one client has for itself.
func TestLimits_PerAddr(t *testing.T) {
	const forwarded = "X-Forwarded-For"
	b := embeddedBackend(t)
	tg := start(t, b, "--max-conns-per-addr", "1", "--trusted-proxies", "127.0.0.1")
	for i, c := range []struct {
		from    string
		tooMany bool
	}{
		{"203.0.113.7", false},
		{"203.0.113.7", true},
		{"203.0.113.8", false},
		{"203.0.113.9, 203.0.113.8", true}, // the first is what a client has invented
		{"2001:db8:0:1::1", false},
		{"2001:db8:0:1:ffff::2", true},
		{"2001:db8:0:2::1", false},
	} {
		g := come(t, tg, "ana", saying(forwarded, c.from))
		if c.tooMany {
			g.wantTooMany(t, "address")
		} else {
			g.wantWelcome(t)
		}
		if t.Failed() {
			t.Fatalf("at number %d, from %s", i, c.from)
		}
	}
	come(t, tg, "ana", ws.Dialer{}).wantWelcome(t) // the proxy itself
	come(t, tg, "ana", saying(forwarded, "nonsense")).wantTooMany(t, "address")
}

// What is recorded as remote is the client's network, if a trusted proxy names it.
func TestDoor_Remote(t *testing.T) {
	b := embeddedBackend(t)
	tg := start(t, b, "--trusted-proxies", "127.0.0.1,10.0.0.0/8")
	for _, d := range []ws.Dialer{
		{}, saying("X-Forwarded-For", "203.0.113.7, 10.1.2.3"), saying("Forwarded", `for="[2001:db8:1:2::3]:80"`),
	} {
		come(t, tg, "ana", d).wantWelcome(t)
	}
	tg.stop()
	wantRemotes(t, b, "127.0.0.0", "203.0.113.0", "2001:db8:1::")
}

func wantRemotes(t *testing.T, b backend, want ...string) {
	t.Helper()
	var got []string
	for _, e := range arrivals(t, b) {
		got = append(got, e.Remote)
	}
	if !slices.Equal(got, want) {
		t.Errorf("remotes %q, want %q", got, want)
	}
}

// Nobody is trusted unless it is said.
func TestDoor_Remote_Untrusted(t *testing.T) {
	b := embeddedBackend(t)
	tg := start(t, b)
	come(t, tg, "ana", saying("X-Forwarded-For", "203.0.113.7")).wantWelcome(t)
	tg.stop()
	wantRemotes(t, b, "127.0.0.0")
}

// With the PROXY protocol the header before the request says where a client is, and
// without it a trusted proxy is refused.
func TestDoor_ProxyProtocol(t *testing.T) {
	const signature = "\r\n\r\n\x00\r\nQUIT\n"
	b := embeddedBackend(t)
	tg := start(t, b, "--trusted-proxies", "127.0.0.1", "--proxy-protocol")
	come(t, tg, "ana", behindPreamble(signature+"\x21\x11\x00\x0c"+"\xcb\x00\x71\x07"+"\x7f\x00\x00\x01"+"\x10\x00\x1f\x90")).wantWelcome(t)
	come(t, tg, "ana", behindPreamble(signature+"\x20\x00\x00\x00")).wantWelcome(t)
	if status, text := knock(t, tg, nil); status != http.StatusBadRequest || !strings.Contains(text, "PROXY protocol, version 2") {
		t.Errorf("without a header: %d %q", status, text)
	}
	if log := tg.log.String(); strings.Count(log, "PROXY protocol") != 1 {
		t.Errorf("the log does not say once what is wrong:\n%s", log)
	}
	tg.stop()
	wantRemotes(t, b, "203.0.113.0", "127.0.0.0")
}

// What is recorded of an address is what RECORD_REMOTE says, and the limit counts whole
// addresses all the same: two of one network are two.
func TestRecordRemote(t *testing.T) {
	for detail, want := range map[string][]string{
		"full":   {"2001:db8:0:1::2", "203.0.113.7", "203.0.113.8", "203.0.113.9"},
		"prefix": {"2001:db8::", "203.0.113.0", "203.0.113.0", "203.0.113.0"},
		"none":   {"", "", "", ""},
	} {
		t.Run(detail, func(t *testing.T) {
			b := embeddedBackend(t)
			tg := start(t, b, "--record-remote", detail, "--max-conns-per-addr", "1", "--trusted-proxies", "127.0.0.1")
			for _, from := range []string{"203.0.113.7", "203.0.113.8", "::ffff:203.0.113.9", "2001:db8:0:1::2"} {
				come(t, tg, "ana", saying("X-Forwarded-For", from)).wantWelcome(t)
			}
			come(t, tg, "ana", saying("X-Forwarded-For", "203.0.113.7")).wantTooMany(t, "address")
			log := tg.log.String()
			tg.stop()
			var got []string
			for _, e := range arrivals(t, b) {
				got = append(got, e.Remote)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("recorded is %q, want %q", got, want)
			}
			if strings.Contains(log, "203.0.113.") || strings.Contains(log, "2001:db8:") {
				t.Errorf("the log has an address of a client:\n%s", log)
			}
		})
	}
}
