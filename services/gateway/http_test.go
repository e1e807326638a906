package gateway

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

func TestServer_hands_over_what_is_no_upgrade(t *testing.T) {
	overEach(t, serverHandsOverWhatIsNoUpgrade)
}

func serverHandsOverWhatIsNoUpgrade(t *testing.T, start starter) {
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %q %v", r.Method, r.URL, strings.Split(r.RemoteAddr, ":")[0], body, err)
	})
	s := start(t, &host{}, Config{HTTP: pages, Shown: func(a netip.Addr) string { return "of " + a.String() }})
	large := repeat(200_000)
	for _, c := range []struct{ name, in, want string }{
		{"page", "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n", `GET /a?b of 127.0.0.1 "" <nil>`},
		{"old client", "GET /a HTTP/1.0\r\n\r\n", `GET /a of 127.0.0.1 "" <nil>`},
		{"body", "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", `POST /p of 127.0.0.1 "abc" <nil>`},
		{"large body", "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + large, fmt.Sprintf(`POST /p of 127.0.0.1 %q <nil>`, large)},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, pieces := range [][][]byte{{[]byte(c.in)}, singles([]byte(c.in))} {
				if len(pieces) > 1000 {
					continue
				}
				conn := dial(t, s)
				for _, p := range pieces {
					conn.send(p)
				}
				r, err := http.ReadResponse(conn.in, nil)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(r.Body)
				if err != nil || string(body) != c.want || !r.Close {
					t.Errorf("status %d, close %v, body %.100q, %v", r.StatusCode, r.Close, body, err)
				}
				conn.wantEnd()
				_ = conn.Close()
			}
		})
	}
	eventually(t, "all room is given back", func() bool { return s.http.open.Load() == 0 })
}

func TestServer_bounds_what_is_handed_over(t *testing.T) { overPlain(t, serverBoundsWhatIsHandedOver) }

func serverBoundsWhatIsHandedOver(t *testing.T, start starter) {
	free := make(chan struct{})
	var busy sync.WaitGroup
	busy.Add(maxHandedOver)
	s := start(t, &host{}, Config{Loops: 1, HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		busy.Done()
		<-free
	})})
	var conns []*client
	for range maxHandedOver {
		c := dial(t, s)
		c.send([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
		conns = append(conns, c)
	}
	busy.Wait()
	if n := watched(t, s.loops[0]); n != 0 {
		t.Errorf("the loop waits for %d of the sockets that were handed over", n)
	}
	c := dial(t, s)
	c.send([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 503 ") {
		t.Errorf("one request too many: %q", head)
	}
	connect(t, s).leave()
	close(free)
	for _, c := range conns {
		if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 200 ") {
			t.Fatalf("answer %q", head)
		}
	}
}

func TestServer_Shutdown_waits_for_requests_in_flight(t *testing.T) {
	overEach(t, serverShutdownWaitsForRequestsInFlight)
}

func serverShutdownWaitsForRequestsInFlight(t *testing.T, start starter) {
	begun, free := make(chan struct{}), make(chan struct{})
	s := start(t, &host{}, Config{HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-free
		_, _ = io.WriteString(w, "done")
	})})
	c := dial(t, s)
	c.send([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	<-begun
	left := make(chan error, 1)
	go func() { left <- s.Shutdown(t.Context()) }()
	<-s.accepted
	close(free)
	if r, err := http.ReadResponse(c.in, nil); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("a request in flight is cut off: %v", err)
	}
	if err := <-left; err != nil {
		t.Error(err)
	}
}
