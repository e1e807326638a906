package main

import (
	"net/http"
	"os"
	"syscall"
	"testing"

	"github.com/presenced/presence/events"
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
	dial(t, tg, "ana")
	if code := tg.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	reasons(t, b, map[events.Reason]int{events.Shutdown: 2}) // the connection, and the seal
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
