package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"
)

// certificate is what the server proves itself by, with TLS. It is loaded at start and
// again on SIGHUP. Safe for concurrent use.
type certificate struct {
	// static after newCertificate
	certFile, keyFile string
	log               *zap.Logger
	hangups           chan os.Signal // room for one: what comes during a load makes another one

	current atomic.Pointer[tls.Certificate]
}

// newCertificate loads the certificate that is configured; nil: there is none.
func newCertificate(cfg *config, log *zap.Logger) (*certificate, error) {
	if cfg.tlsCert == "" {
		return nil, nil
	}
	c := &certificate{certFile: cfg.tlsCert, keyFile: cfg.tlsKey, log: log, hangups: make(chan os.Signal, 1)}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// load reads both files, and leaves everything as it was if they are of no use.
func (c *certificate) load() error {
	chain, err := os.ReadFile(c.certFile)
	if err != nil {
		return fmt.Errorf("TLS_CERT (--tls-cert): %w", err)
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return fmt.Errorf("TLS_KEY (--tls-key): %w", err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return fmt.Errorf("TLS_CERT (--tls-cert) %s and TLS_KEY (--tls-key) %s: %w", c.certFile, c.keyFile, err)
	}
	c.current.Store(&pair)
	c.warn(time.Now())
	return nil
}

// soon is how long before its end a certificate is warned about.
const soon = 7 * 24 * time.Hour

// warn says that clients do not accept the certificate at the time now, or soon will not.
func (c *certificate) warn(now time.Time) {
	leaf := c.current.Load().Leaf
	dates := []zap.Field{zap.Time("from", leaf.NotBefore), zap.Time("until", leaf.NotAfter), zap.String("file", c.certFile)}
	switch {
	case now.After(leaf.NotAfter):
		c.log.Warn("the certificate has expired: clients will not connect; renew it, then send SIGHUP", dates...)
	case now.Before(leaf.NotBefore):
		c.log.Warn("the certificate is not valid yet: clients will not connect", dates...)
	case now.Add(soon).After(leaf.NotAfter):
		c.log.Warn("the certificate expires soon; renew it, then send SIGHUP", dates...)
	}
}

// config is how the gateway speaks TLS; nil without a certificate. HTTP/2 is not
// offered: a WebSocket begins with HTTP/1.1.
func (c *certificate) config() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}

// listen makes SIGHUP load the certificate again, until stop is called; follow does the
// loading. Without a certificate SIGHUP keeps its meaning.
func (c *certificate) listen() (stop func()) {
	if c == nil {
		return func() {}
	}
	signal.Notify(c.hangups, syscall.SIGHUP)
	return func() { signal.Stop(c.hangups) }
}

// follow loads the certificate again on each SIGHUP, until ctx ends.
func (c *certificate) follow(ctx context.Context) {
	if c == nil {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.hangups:
			c.reload()
		}
	}
}

func (c *certificate) reload() {
	if err := c.load(); err != nil {
		c.log.Error("the new certificate is of no use, and the old one stays in use; mend it, then send SIGHUP again", zap.Error(err))
		return
	}
	c.log.Info("certificate loaded again", zap.Time("until", c.current.Load().Leaf.NotAfter))
}

// errHalfTLS is one of two settings without the other.
var errHalfTLS = errors.New("TLS needs both a certificate and its key; without TLS set neither")

// validateTLS holds that both files are set, or neither.
func (c *config) validateTLS() error {
	switch {
	case c.tlsCert != "" && c.tlsKey == "":
		return fmt.Errorf("TLS_CERT (--tls-cert) is set and TLS_KEY (--tls-key) is not: %w", errHalfTLS)
	case c.tlsCert == "" && c.tlsKey != "":
		return fmt.Errorf("TLS_KEY (--tls-key) is set and TLS_CERT (--tls-cert) is not: %w", errHalfTLS)
	}
	return nil
}
