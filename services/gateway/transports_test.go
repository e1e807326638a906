package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"
)

// starter is start over one transport.
type starter func(t testing.TB, h *host, cfg Config) *server

// overEach runs a test over each transport that this system has.
func overEach(t *testing.T, test func(t *testing.T, start starter)) {
	overPlain(t, test)
	t.Run("TLS", func(t *testing.T) {
		test(t, func(t testing.TB, h *host, cfg Config) *server {
			cfg.TLS = testTLS(t)
			return start(t, h, cfg)
		})
	})
}

// overPlain runs a test over each transport without TLS.
func overPlain(t *testing.T, test func(t *testing.T, start starter)) {
	if hasEpoll {
		t.Run("epoll", func(t *testing.T) { test(t, start) })
	}
	t.Run("goroutines", func(t *testing.T) {
		test(t, func(t testing.TB, h *host, cfg Config) *server {
			cfg.goroutines = true
			return start(t, h, cfg)
		})
	})
}

// secure reports whether a server speaks TLS.
func (s *server) secure() bool { return s.cfg.TLS != nil }

// testTLS is the configuration of a server whose clients trust it.
func testTLS(t testing.TB) *tls.Config {
	t.Helper()
	certificate, err := testCertificate()
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
}

// trusting is the configuration of a client that trusts the test's certificate.
func trusting(t testing.TB) *tls.Config {
	t.Helper()
	certificate, err := testCertificate()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate.Leaf)
	return &tls.Config{RootCAs: roots, ServerName: "localhost"}
}

// testCertificate makes a certificate once.
var testCertificate = sync.OnceValues(func() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(raw)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}, err
})
