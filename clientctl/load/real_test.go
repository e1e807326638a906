package load

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/presenced/presence/clientctl/fault"
)

// overSockets serves the behaviour on real sockets, and returns a load for it.
func overSockets(t *testing.T, secure bool, b behaviour) Config {
	t.Helper()
	var serving sync.WaitGroup
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serving.Add(1)
		defer serving.Done()
		c, rw, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			return
		}
		_ = rw.Flush() // the answer, or the client is gone
		b.converse(&peer{c, 0})
	})
	server, scheme := httptest.NewUnstartedServer(h), "ws"
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of the connect that looks whether it is there
	c := Config{
		Connections: 20, Rate: 200, Hold: 300 * time.Millisecond, Commands: 100, N: 90, Run: "run",
		User: func(i int) string { return fmt.Sprint("u", i) },
	}
	if secure {
		server.StartTLS()
		scheme, c.Roots = "wss", x509.NewCertPool()
		c.Roots.AddCert(server.Certificate())
	} else {
		server.Start()
	}
	t.Cleanup(func() {
		server.Close()
		serving.Wait()
	})
	c.URL = &url.URL{Scheme: scheme, Host: server.Listener.Addr().String()}
	return c
}

// On real sockets, with and without TLS, as in memory. Whatever the clock does, every
// connection is welcomed and every command answered.
func TestRun_over_sockets(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			r, err := Run(t.Context(), overSockets(t, secure, behaviour{}))
			if err != nil {
				t.Fatal(err)
			}
			if r.Connections.Welcomed != 20 || r.Connections.Lost != 0 || r.Commands.Answered == 0 || r.Commands.Failed != 0 {
				t.Errorf("%+v, %+v, %+v", r.Connections, r.Commands, r.Errors)
			}
		})
	}
}

// The end of a socket that comes along with its last bytes is noticed at once, although
// Go's poller tells of both only once.
func TestRun_over_sockets_an_end_with_the_last_bytes(t *testing.T) {
	c := overSockets(t, false, behaviour{noTicks: true, then: func(_ context.Context, p *peer) {
		p.Write([]byte("\x81\x15{\"type\":\"something\"}\x81"))
		p.Close()
	}})
	c.Hold, c.Commands = time.Hour, 0
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if gone := r.Connections.Failed + r.Connections.Lost; gone != 20 || !r.Until.Before(r.From.Add(time.Hour)) {
		t.Errorf("%+v: %+v", r.Connections, r.Errors)
	}
}

// Nothing is begun when nothing is there, or there cannot be so many.
func TestRun_refuses_in_the_beginning(t *testing.T) {
	closed := httptest.NewServer(nil)
	address := closed.Listener.Addr().String()
	closed.Close()
	plain := overSockets(t, false, behaviour{})
	for name, tt := range map[string]struct {
		change func(*Config)
		kind   fault.Kind
		says   string
	}{
		"nothing listens":  {func(c *Config) { c.URL.Host = address }, fault.Unreachable, "nothing listens at ws://" + address},
		"too many sockets": {func(c *Config) { c.Connections = 1 << 30 }, fault.Usage, "clientctl load merge"},
	} {
		c := plain
		u := *plain.URL
		c.URL = &u
		tt.change(&c)
		if r, err := Run(t.Context(), c); r != nil || fault.KindOf(err) != tt.kind || !strings.Contains(fmt.Sprint(err), tt.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, plain); fault.KindOf(err) != fault.Interrupted {
		t.Errorf("interrupted: %v", err)
	}
}
