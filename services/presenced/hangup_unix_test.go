//go:build !windows

package main

import (
	"crypto/tls"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/presenced/presence/services/protocol"
)

// served returns the serial number of the certificate that a new client is shown.
func (tg *target) served(t *testing.T) int64 {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(tg.ws, "wss://"), tg.tls)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func hangUp(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// SIGHUP makes new clients see the new certificate, and leaves those that are there
// alone; files that are of no use change nothing.
func TestServe_TLS_reloads(t *testing.T) {
	p := newProven(t)
	tg := startTLS(t, embeddedBackend(t), p)
	c := dial(t, tg, "ana")
	if got := tg.served(t); got != 1 {
		t.Errorf("at first certificate %d", got)
	}
	p.renew(t, 2, time.Now().Add(48*time.Hour))
	if got := tg.served(t); got != 1 {
		t.Errorf("before SIGHUP certificate %d", got)
	}
	hangUp(t)
	eventually(t, "the new certificate is shown", func() bool { return tg.served(t) == 2 })

	if err := os.WriteFile(p.cert, []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	hangUp(t)
	eventually(t, "the log says so", func() bool { return strings.Contains(tg.log.String(), "the old one stays in use") })
	if got := tg.served(t); got != 2 {
		t.Errorf("after a bad certificate %d", got)
	}
	if !strings.Contains(tg.log.String(), "TLS_CERT (--tls-cert) "+p.cert) {
		t.Errorf("the log does not name the file: %s", tg.log.String())
	}
	if m := c.ask(t, `{"type":"ping"}`); m.Type != protocol.TypePong {
		t.Errorf("a client that was there is answered %+v", m)
	}
	p.renew(t, 3, time.Now().Add(72*time.Hour))
	hangUp(t)
	eventually(t, "the mended one is shown", func() bool { return tg.served(t) == 3 })
}
