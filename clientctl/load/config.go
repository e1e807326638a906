package load

import (
	"context"
	"crypto/x509"
	"net"
	"net/netip"
	"net/url"
	"time"
)

// DefaultTimeout is that of Config.Timeout.
const DefaultTimeout = 10 * time.Second

// Config is what a load is. URL, Connections and Rate are required.
type Config struct {
	URL         *url.URL      // ws:// or wss://, without a user
	Connections int           // at least 1
	Rate        Rate          // of connects; more than 0
	Hold        time.Duration // how long after the last connect the connections are held

	Commands Rate   // of fibonacci commands, of all connections together; 0: none
	N        uint64 // the number that they ask for

	// RampDown is the rate of closes in the end; default: Rate.
	RampDown Rate

	// Timeout bounds a connect with its upgrade, the wait for a welcome, and that for
	// an answer; default 10 s.
	Timeout time.Duration

	Run   string           // the id of this run, for the report
	User  func(int) string // of the connection of that number, from 0; "": the token says it
	Token func(int) string // "", or nil: none

	Agent   string         // the User-Agent; default: none
	Roots   *x509.CertPool // whom to trust with wss://; default: the system's
	Sources []netip.Addr   // addresses to connect from, in turn; default: the system's choice, and on loopback as many as it takes

	// Watch is told every Every how it goes, and once in the end, by one goroutine;
	// default: nobody is told.
	Watch func(Progress)
	Every time.Duration

	// NetDial makes the sockets, whatever Sources says; default: package net.
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)
}

func (c *Config) complete() {
	if c.RampDown == 0 {
		c.RampDown = c.Rate
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Token == nil {
		c.Token = func(int) string { return "" }
	}
}

// Length is about how long the whole takes if nothing is in the way.
func (c *Config) Length() time.Duration {
	down := c.RampDown
	if down == 0 {
		down = c.Rate
	}
	return c.Rate.at(c.Connections) + c.Hold + down.at(c.Connections)
}
