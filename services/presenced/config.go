package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/zap/zapcore"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/auth"
	"github.com/presenced/presence/services/envflag"
	"github.com/presenced/presence/services/fibonacci"
	"github.com/presenced/presence/services/mongostore"
	"github.com/presenced/presence/services/remote"
	"github.com/presenced/presence/services/session"
)

// The bounds of settings.
const (
	limitFibMax     = 1_000_000 // 209 KB of answer
	limitSequence   = 1_000
	limitFibWorkers = 1_024
	limitRate       = 1_000_000
	limitQueue      = 1 << 24
	limitConns      = 1 << 24
	limitGrace      = time.Hour
)

// config is what can be set: by a flag, by the variable of the same name in upper
// case with "_", or left at its default. It is validated once, before anything runs.
type config struct {
	wsHost         string   // name or address to listen on; default localhost: 127.0.0.1 and ::1
	wsPort         uint16   // default 8080; 0: one that is free
	tlsCert        string   // file of the certificate chain, PEM; default none: no TLS
	tlsKey         string   // file of its key, PEM; both or neither
	adminAddr      string   // host:port of the operator's API; default 127.0.0.1:8081; beyond loopback it needs adminToken
	adminToken     string   // that who asks the operator's API must have; default none; at least 16 characters
	nodeID         string   // default: from the host's name and the port
	allowAnonymous bool     // listen beyond loopback although users are not authenticated
	allowedOrigins []string // origins of web pages that may connect besides the host's own; "*": all
	trustedProxies []string // addresses and networks of proxies that are believed whom they name; default: none
	proxyProtocol  bool     // their connections begin with a PROXY protocol header, version 2
	recordRemote   string   // what is recorded of a client's address: full, prefix or none; default prefix: /24 of IPv4, /48 of IPv6
	maxPerUser     int      // connections of one user, to this node; default 0: any number
	maxPerAddr     int      // connections from one address, or /64 of IPv6, to this node; default 0: any number
	auth           authConfig
	webhook        webhookConfig
	queue          int           // events that may wait to be recorded; default 0: twice the connections that there may be
	drainTimeout   time.Duration // from the signal until what is left is cut off; default 30 s, at least 1 s
	drainDelay     time.Duration // of that, to serve on although not ready; default 0

	commandRate int // commands a second of one connection, and twice as many at once; default 50, at most 1,000,000; 0: any number

	who   string        // of whom clients may ask whether they are online: all, listed or off; default all without authentication, listed with
	grace time.Duration // that a user may be without a connection until that is told, to watchers and by webhooks; default 5 s, at most 1 h

	fibMax       uint64 // the highest n of a fibonacci command; default 100,000, at most 1,000,000
	fibAlgorithm string // fast-doubling, matrix or iterative
	fibWorkers   int    // default 0: as many as the process may use CPUs; at most 1,024

	logLevel  string // debug, info, warn or error; default info
	logFormat string // console or json; default console

	store   string // mongodb or embedded; default: mongodb if it has an address
	dataDir string // of the embedded store; default ./data
	mongo   mongostore.Config
}

func defaultConfig() *config {
	return &config{
		wsHost: "localhost", wsPort: 8080, adminAddr: "127.0.0.1:8081",
		drainTimeout: 30 * time.Second,
		recordRemote: remote.Prefix.String(),
		commandRate:  50,
		grace:        5 * time.Second,
		fibMax:       100_000, fibAlgorithm: fibonacci.FastDoubling.String(),
		logLevel: "info", logFormat: "console",
		dataDir: "data",
	}
}

func (c *config) serverFlags(fs *pflag.FlagSet) {
	fs.StringVar(&c.wsHost, "ws-host", c.wsHost, "`host` to serve clients on; localhost is 127.0.0.1 and ::1")
	fs.Uint16Var(&c.wsPort, "ws-port", c.wsPort, "`port` to serve clients on; 0 takes one that is free")
	fs.StringVar(&c.tlsCert, "tls-cert", "", "`file` of the certificate, and of those between it and its authority, for clients to connect with wss://; read again on SIGHUP")
	fs.StringVar(&c.tlsKey, "tls-key", "", "`file` of the certificate's key")
	fs.StringVar(&c.adminAddr, "admin-addr", c.adminAddr, "`host:port` of the operator's HTTP API; beyond loopback it needs a token")
	fs.StringVar(&c.adminToken, "admin-token", "", "`token` that who asks the operator's HTTP API must have, at least 16 characters")
	envflag.Secret(fs, "admin-token")
	fs.StringVar(&c.nodeID, "node-id", "", "`id` of this node, 1 to 24 of a-z, 0-9 and -; one live process per id (default from the host's name and the port)")
	fs.BoolVar(&c.allowAnonymous, "allow-anonymous", false, "serve beyond loopback although clients just say who they are (with --auth none)")
	fs.StringSliceVar(&c.allowedOrigins, "allowed-origins", nil, "`origins` of other hosts' web pages that may connect, https://app.example with commas between; * allows all")
	c.auth.flags(fs)
	c.webhook.flags(fs)
	fs.StringSliceVar(&c.trustedProxies, "trusted-proxies", nil, "`addresses` or networks of proxies that are believed where a client is, 10.0.0.0/8 with commas between")
	fs.BoolVar(&c.proxyProtocol, "proxy-protocol", false, "trusted proxies begin each connection with a PROXY protocol header, version 2, and are refused without")
	fs.StringVar(&c.recordRemote, "record-remote", c.recordRemote, "`how much` of a client's address is recorded and logged: full, prefix (/24 of IPv4, /48 of IPv6) or none")
	fs.IntVar(&c.maxPerUser, "max-conns-per-user", 0, "`number` of connections that one user may have to this node; 0: any number")
	fs.IntVar(&c.maxPerAddr, "max-conns-per-addr", 0, "`number` of connections to this node that may come from one address, or /64 network of IPv6; 0: any number")
	fs.IntVar(&c.queue, "queue", 0, "`number` of events that may wait to be recorded; each connection holds one place, and needs two to be let in (default twice the connections that there may be)")
	fs.DurationVar(&c.drainDelay, "drain-delay", 0, "`time` to serve on, although not ready, when the server is told to stop: for a proxy to find out")
	fs.DurationVar(&c.drainTimeout, "drain-timeout", c.drainTimeout, "`time` that clients and the store have to finish when the server is told to stop")
	fs.IntVar(&c.commandRate, "command-rate", c.commandRate, "`number` of commands that a connection may send each second, and twice as many at once; 0: any number")
	fs.StringVar(&c.who, "who", "", "of `whom` clients may ask whether they are online: all, listed (users whom they name) or off (default all without authentication, listed with)")
	fs.DurationVar(&c.grace, "grace", c.grace, "`time` that a user may be without a connection, as while a page is loaded again, until it is told, to watchers and by webhooks, that he has left")
	fs.Uint64Var(&c.fibMax, "fib-max", c.fibMax, "the highest `n` of a fibonacci command, at most 1000000")
	fs.StringVar(&c.fibAlgorithm, "fib-algorithm", c.fibAlgorithm, "`name` of the algorithm: fast-doubling, matrix or iterative")
	fs.IntVar(&c.fibWorkers, "fib-workers", 0, "`number` of Fibonacci workers (default as many as the process may use CPUs)")
	fs.StringVar(&c.logLevel, "log-level", c.logLevel, "debug, info, warn or error")
	fs.StringVar(&c.logFormat, "log-format", c.logFormat, "console or json")
}

func (c *config) storeFlags(fs *pflag.FlagSet) {
	fs.StringVar(&c.store, "store", "", "mongodb, or embedded: a file, for one node (default mongodb if it has an address, else embedded)")
	fs.StringVar(&c.dataDir, "data-dir", c.dataDir, "`directory` of the embedded store")
	fs.StringVar(&c.mongo.URI, "mongodb-uri", "", "connection `string` of MongoDB")
	fs.StringVar(&c.mongo.Host, "db-host", "", "`host:port` of MongoDB, or several with commas between")
	fs.StringVar(&c.mongo.User, "db-user", "", "`user` of MongoDB")
	fs.StringVar(&c.mongo.Password, "db-password", "", "`password` of that user")
	fs.StringVar(&c.mongo.AuthSource, "db-auth-source", "", "`database` that knows the user (default admin)")
	fs.StringVar(&c.mongo.Database, "db-database", "", "`database` to use (default presence)")
	envflag.Secret(fs, "mongodb-uri", "db-password")
}

// validate returns everything that is wrong, joined, each with its flag and variable,
// and fills in what depends on other settings.
func (c *config) validate() error {
	if c.nodeID == "" {
		host, _ := os.Hostname() // none: "node"
		c.nodeID = nodeID(host, c.wsPort)
	}
	return errors.Join(
		c.validateServer(),
		c.auth.validate(),
		c.webhook.validate(),
		c.validateDoor(),
		c.validateTLS(),
		c.validateAdmin(),
		c.validateWork(),
		c.validateStore())
}

func (c *config) validateServer() error {
	var errs []error
	if err := events.ValidateNode(c.nodeID); err != nil {
		errs = append(errs, fmt.Errorf("NODE_ID (--node-id): %w", err))
	}
	if c.auth.kind == authNone && !c.allowAnonymous && !isLoopback(c.wsHost) {
		errs = append(errs, fmt.Errorf("WS_HOST (--ws-host) is %q: beyond loopback anybody could connect as any user; "+
			"set AUTH=jwt (--auth), or ALLOW_ANONYMOUS=true (--allow-anonymous) if that is wanted", c.wsHost))
	}
	if c.queue < 0 || c.queue == 1 || c.queue > limitQueue {
		errs = append(errs, fmt.Errorf("QUEUE (--queue) is %d: want 2 to %d", c.queue, limitQueue))
	}
	if c.drainTimeout < time.Second {
		errs = append(errs, fmt.Errorf("DRAIN_TIMEOUT (--drain-timeout) is %s: want at least 1s", c.drainTimeout))
	}
	if c.drainDelay < 0 || c.drainDelay >= c.drainTimeout {
		errs = append(errs, fmt.Errorf("DRAIN_DELAY (--drain-delay) is %s: want at least 0s, and less than DRAIN_TIMEOUT (--drain-timeout), %s",
			c.drainDelay, c.drainTimeout))
	}
	return errors.Join(errs...)
}

// validateDoor judges the settings on who is let in.
func (c *config) validateDoor() error {
	var errs []error
	if _, err := auth.ParseOrigins(c.allowedOrigins); err != nil {
		errs = append(errs, fmt.Errorf("ALLOWED_ORIGINS (--allowed-origins): %w", err))
	}
	if _, err := remote.ParseProxies(c.trustedProxies); err != nil {
		errs = append(errs, fmt.Errorf("TRUSTED_PROXIES (--trusted-proxies): %w", err))
	}
	if c.proxyProtocol && len(c.trustedProxies) == 0 {
		errs = append(errs, errors.New("PROXY_PROTOCOL (--proxy-protocol) is set: say in TRUSTED_PROXIES (--trusted-proxies) whose headers to believe"))
	}
	if _, err := remote.ParseDetail(c.recordRemote); err != nil {
		errs = append(errs, fmt.Errorf("RECORD_REMOTE (--record-remote) is %w", err))
	}
	if c.maxPerUser < 0 || c.maxPerUser > limitConns {
		errs = append(errs, fmt.Errorf("MAX_CONNS_PER_USER (--max-conns-per-user) is %d: want 0 to %d", c.maxPerUser, limitConns))
	}
	if c.maxPerAddr < 0 || c.maxPerAddr > limitConns {
		errs = append(errs, fmt.Errorf("MAX_CONNS_PER_ADDR (--max-conns-per-addr) is %d: want 0 to %d", c.maxPerAddr, limitConns))
	}
	return errors.Join(errs...)
}

func (c *config) validateAdmin() error {
	host, port, err := net.SplitHostPort(c.adminAddr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("ADMIN_ADDR (--admin-addr) is %q: want host:port: %w", c.adminAddr, err)
	}
	if c.adminToken == "" && !isLoopback(host) {
		return fmt.Errorf("ADMIN_ADDR (--admin-addr) is %q: beyond loopback anybody could close connections and read who was online; "+
			"set ADMIN_TOKEN (--admin-token) or ADMIN_TOKEN_FILE, and put TLS in front of it", c.adminAddr)
	}
	return validateToken(c.adminToken)
}

// minToken is the fewest characters of a token: fewer could be guessed.
const minToken = 16

// validateToken never says the token.
func validateToken(token string) error {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	switch {
	case token == "":
		return nil
	case len(token) < minToken:
		return fmt.Errorf("ADMIN_TOKEN (--admin-token) has %d characters: want at least %d, such as those of `openssl rand -hex 32`", len(token), minToken)
	case strings.ContainsFunc(token, odd):
		return errors.New("ADMIN_TOKEN (--admin-token) has white space, or a character that is not ASCII: it would not fit a header")
	}
	return nil
}

func (c *config) validateWork() error {
	var errs []error
	if c.commandRate < 0 || c.commandRate > limitRate {
		errs = append(errs, fmt.Errorf("COMMAND_RATE (--command-rate) is %d: want 0 to %d", c.commandRate, limitRate))
	}
	if _, err := c.sees(); err != nil {
		errs = append(errs, err)
	}
	if c.grace < 0 || c.grace > limitGrace {
		errs = append(errs, fmt.Errorf("GRACE (--grace) is %s: want 0s to %s", c.grace, limitGrace))
	}
	if c.fibMax > limitFibMax {
		errs = append(errs, fmt.Errorf("FIB_MAX (--fib-max) is %d: want at most %d", c.fibMax, limitFibMax))
	}
	if _, err := fibonacci.ParseAlgorithm(c.fibAlgorithm); err != nil {
		errs = append(errs, fmt.Errorf("FIB_ALGORITHM (--fib-algorithm): %w", err))
	}
	if c.fibWorkers < 0 || c.fibWorkers > limitFibWorkers {
		errs = append(errs, fmt.Errorf("FIB_WORKERS (--fib-workers) is %d: want 0 to %d", c.fibWorkers, limitFibWorkers))
	}
	if _, err := zapcore.ParseLevel(c.logLevel); err != nil {
		errs = append(errs, fmt.Errorf("LOG_LEVEL (--log-level): %w", err))
	}
	if c.logFormat != "console" && c.logFormat != "json" {
		errs = append(errs, fmt.Errorf("LOG_FORMAT (--log-format) is %q: want console or json", c.logFormat))
	}
	return errors.Join(errs...)
}

// sees is of whom clients may ask.
func (c *config) sees() (session.Sight, error) {
	switch {
	case c.who == "" && c.auth.kind == authNone:
		return session.SeesAll, nil
	case c.who == "":
		return session.SeesListed, nil
	}
	sight, err := session.ParseSight(c.who)
	if err != nil {
		return sight, fmt.Errorf("WHO (--who) is %w", err)
	}
	return sight, nil
}

// isLoopback reports whether a host can only be reached from this machine.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
