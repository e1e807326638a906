package main

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/mongostore/mongotest"
	"github.com/presenced/presence/services/presenced/witness"
	"github.com/presenced/presence/services/protocol"
)

// A server that is told to stop is not ready from then on, and serves as before for its
// delay. A second signal ends it at once, and the next start finds who was connected.
func TestLeave_Delay(t *testing.T) {
	b := embeddedBackend(t)
	tg, cmd := child(t, b, "--drain-delay", "1h", "--drain-timeout", "2h")
	before := dial(t, tg, "ana")
	if got := readiness(t, tg); got != http.StatusOK {
		t.Fatalf("readyz answers %d before", got)
	}
	send(t, cmd.Process, syscall.SIGTERM)
	eventually(t, "the server is not ready", func() bool { return readiness(t, tg) == http.StatusServiceUnavailable })
	dial(t, tg, "bob") // still let in, and welcomed
	receive(t, before.times, "the time")
	if got := tg.online(t); got["ana"] != 1 || got["bob"] != 1 {
		t.Errorf("online %v", got)
	}
	send(t, cmd.Process, syscall.SIGTERM)
	if code := tg.stop(); code == exitOK {
		t.Error("it says that it has left in good order")
	}
	start(t, b).stop()
	if r := verified(t, b); r.Open != 0 || r.Streams != 2 {
		t.Errorf("%d streams, %d open connections", r.Streams, r.Open)
	}
	reasons(t, b, map[events.Reason]int{events.NodeLost: 3}) // the seal, and two connections
}

// After the delay it leaves as ever.
func TestLeave_AfterTheDelay(t *testing.T) {
	b := embeddedBackend(t)
	tg := start(t, b, "--drain-delay", "100ms")
	c := dial(t, tg, "ana")
	if code := tg.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if m := receive(t, c.messages, "the farewell"); m.Type != protocol.TypeDrain {
		t.Errorf("before the close comes %+v, want a hint when to come back", m)
	}
	if code := receive(t, c.closed, "the close"); code != ws.StatusCode(protocol.CloseRestart) {
		t.Errorf("closed with %d", code)
	}
	reasons(t, b, map[events.Reason]int{events.Shutdown: 2}) // the connection, and the seal
}

// A client that does not answer the farewell is cut off, and recorded: the server keeps
// its deadline.
func TestLeave_ClientDoesNotLeave(t *testing.T) {
	b := embeddedBackend(t)
	tg := start(t, b, "--drain-timeout", "2s")
	conn, _, _, err := ws.Dial(t.Context(), tg.ws+"/?user=deaf") // it reads nothing more
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	eventually(t, "it is online", func() bool { return tg.online(t)["deaf"] == 1 })
	if code := tg.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if log := tg.log.String(); !strings.Contains(log, "clients were cut off") {
		t.Errorf("nobody was cut off:\n%s", log)
	}
	reasons(t, b, map[events.Reason]int{events.Shutdown: 2})
}

// Without its database a server cannot record who leaves. It says so and ends by its
// deadline all the same, and the next start finds who was connected.
func TestLeave_DatabaseAway(t *testing.T) {
	b := mongoBackend(t)
	link, through, err := witness.LinkTo(mongotest.URI(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(link.Close)
	tg := start(t, b, "--mongodb-uri", through, "--drain-timeout", "2s")
	dial(t, tg, "ana")
	link.Cut()
	if code := tg.stop(); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	start(t, b).stop()
	if r := verified(t, b); r.Open != 0 || r.Streams != 2 {
		t.Errorf("%d streams, %d open connections", r.Streams, r.Open)
	}
	reasons(t, b, map[events.Reason]int{events.NodeLost: 2}) // the seal, and the connection
}

// The waits that clients are asked for are spread, and within their bounds.
func TestFarewell(t *testing.T) {
	seen := make(map[int64]bool)
	for range 200 {
		m, err := protocol.Decode(farewell())
		if err != nil || m.Type != protocol.TypeDrain {
			t.Fatalf("%+v, %v", m, err)
		}
		if wait := time.Duration(m.ReconnectAfterMs) * time.Millisecond; wait < minReconnect || wait > maxReconnect {
			t.Errorf("come back after %s", wait)
		}
		seen[m.ReconnectAfterMs] = true
	}
	if len(seen) < 100 {
		t.Errorf("200 farewells name %d times", len(seen))
	}
}

func send(t *testing.T, p *os.Process, s syscall.Signal) {
	t.Helper()
	if err := p.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func readiness(t *testing.T, tg *target) int {
	t.Helper()
	defer http.DefaultClient.CloseIdleConnections()
	response, err := http.Get(tg.admin + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}
