package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/load"
	"github.com/presenced/presence/clientctl/load/report"
	"github.com/presenced/presence/clientctl/mint"
	"github.com/presenced/presence/clientctl/terminal"
	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/envflag"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// loadFlags are the settings of `clientctl load`.
type loadFlags struct {
	target
	verdictFlags
	prefix      string
	secretFile  string
	claims      mint.Claims
	connections int
	rate        load.Rate
	hold        time.Duration
	commands    load.Rate
	n           uint64
	rampDown    load.Rate
	timeout     time.Duration
	sources     []string
}

// verdictFlags are what a report is judged by, and how it is shown.
type verdictFlags struct {
	limits report.Limits
	output string
}

func (v *verdictFlags) addFlags(fs *pflag.FlagSet) {
	fs.DurationVar(&v.limits.CommandP99, "max-p99", 0, "fail if the p99 of the commands is longer")
	fs.DurationVar(&v.limits.LatenessP99, "max-lateness-p99", 0, "fail if the p99 of the ticks' lateness is longer")
	fs.Var(&v.limits.Missed, "max-missed", "fail if more ticks are missed, a number or such as 0.1%")
	fs.Var(&v.limits.Errors, "max-errors", "fail if more connections and commands fail, a number or such as 0.1%; left out, if most of either do")
	fs.StringVarP(&v.output, "output", "o", "text", "`FORMAT` of the report: text or json")
}

func (v *verdictFlags) validate() error {
	if v.limits.CommandP99 < 0 || v.limits.LatenessP99 < 0 {
		return usage(errors.New("--max-p99 and --max-lateness-p99: want more than 0"))
	}
	return oneOf("output", v.output, "text", "json")
}

// conclude shows a report, and returns an error if a limit did not hold, or the most of it
// came to nothing, unless it was ended early.
func (v *verdictFlags) conclude(r *report.Report, p process) error {
	show := r.Print
	if v.output == "json" {
		show = r.Write
	}
	if err := show(p.out); err != nil {
		return err
	}
	if broken := v.limits.Judge(r); len(broken) > 0 {
		return fault.Errorf(fault.Failed, "%s", strings.Join(broken, "; "))
	}
	switch most := v.limits.JudgeMost(r); {
	case r.Interrupted:
		return nil
	case r.Connections.Welcomed == 0:
		return nobody(r)
	case len(most) > 0:
		return fault.Errorf(fault.Failed, "%s: --max-errors says how many may", strings.Join(most, "; "))
	}
	return nil
}

const loadHelp = `Open connections at a rate, hold them, follow the ticks of each, send commands, close
them, and report what was seen. Do it to servers of your own only.

Everything counts from when it was due by a schedule that goes on whatever the server
does: a server that stands still for a second is charged for all of that second. A
command is due at --fib, of all connections together and of each in turn, and is sent
while the connections are held. A lost connection is an error and is not made again.

  connect   until the upgrade
  welcome   until the connection is on record
  lateness  of a tick, from its second until it is here; the clocks of both machines
            must agree for that
  missed    whole seconds of a connection without a tick, from its welcome on
  own delay how late this program itself was: the other times may be too long by it

Each connection is a user of its own, --user-prefix with an id of the run and a number,
unless --user or --token makes all the same one. With AUTH=jwt and a secret of your own,
--secret-file signs a token for each.

The exit code is 1 if a limit (--max-...) did not hold, nobody was welcomed, or more
than half of the connections or of the commands failed and no --max-errors says that so
many may; 4 if the server let nobody in; 130 after Ctrl-C, which closes the connections
at once and reports what there is. A command that failed counts as slower than any for
--max-p99.

A process can have some 28,000 connections from one address, and as many as it may have
descriptors; each takes 7 KB, with wss:// 28 KB. For more run several, each with
-o json, and add their reports: clientctl load merge.`

func newLoad(p process) *cobra.Command {
	f := loadFlags{rate: 100}
	cmd := &cobra.Command{
		Use:   "load",
		Short: "Put a server under load, and report how it bears it",
		Long:  loadHelp,
		Example: `  clientctl load -n 1000 --rate 200 --duration 30s
  clientctl load -n 10000 --rate 1000 --duration 60s --fib 10/s --max-p99 50ms --max-missed 0.1%
  clientctl load -n 10000 -o json > a.json
  clientctl load merge a.json b.json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runLoad(cmd.Context(), &f, p) },
	}
	fs := cmd.Flags()
	f.addFlags(fs)
	cmd.AddCommand(newLoadMerge(p))
	return cmd
}

// addFlags is needed since both of the embedded ones have such a method.
func (f *loadFlags) addFlags(fs *pflag.FlagSet) {
	f.target.addFlags(fs)
	fs.StringVar(&f.prefix, "user-prefix", "load-", "what the names of the users begin with")
	fs.StringVar(&f.secretFile, "secret-file", "", "sign a token for each user, by HS256 with the secret in this `FILE`")
	fs.StringVar(&f.claims.Audience, "audience", "", "the `NAME` of who these tokens are for (aud)")
	fs.StringVar(&f.claims.Issuer, "issuer", "", "the `NAME` of who made them (iss)")
	fs.IntVarP(&f.connections, "connections", "n", 100, "how many connections")
	fs.Var(&f.rate, "rate", "how many are opened each second")
	fs.DurationVar(&f.hold, "duration", 10*time.Second, "how long they are held after the last one is open")
	fs.Var(&f.commands, "fib", "fibonacci commands of all connections together, such as 10/s or 600/m; 0: none")
	fs.Uint64Var(&f.n, "fib-n", 90, "the number that they ask for")
	fs.Var(&f.rampDown, "ramp-down", "how many are closed each second in the end; 0: as --rate")
	fs.DurationVar(&f.timeout, "timeout", load.DefaultTimeout, "how long to wait for a connect, a welcome, an answer")
	fs.StringSliceVar(&f.sources, "source", nil, "connect from these `ADDRESSES` of this machine, in turn")
	f.verdictFlags.addFlags(fs)
	variables(fs, "token", "ws", "ca")
}

func (f *loadFlags) validate() error {
	switch {
	case f.connections < 1:
		return usage(fmt.Errorf("-n %d: want at least 1", f.connections))
	case f.rate == 0:
		return usage(errors.New("--rate 0: want more than 0"))
	case f.hold < 0 || f.timeout <= 0:
		return usage(errors.New("--duration: want 0 or more, and --timeout: more than 0"))
	case f.limits.CommandP99 > 0 && f.commands == 0:
		return usage(errors.New("--max-p99 is of commands: say how many with --fib"))
	case f.secretFile != "" && (f.token != "" || f.user != ""):
		return usage(errors.New("--secret-file makes a token for each user: leave --token (or TOKEN) and --user away"))
	}
	return f.verdictFlags.validate()
}

func runLoad(ctx context.Context, f *loadFlags, p process) error {
	if err := f.validate(); err != nil {
		return err
	}
	c, err := f.config(p)
	if err != nil {
		return err
	}
	live := status{p.err, p.widthErr}
	if !terminal.Moves(p.lookup) {
		live.width = nil
	}
	live.attach(&c)
	r, err := load.Run(ctx, c)
	live.clear()
	if err != nil {
		return err
	}
	err = f.conclude(r, p)
	if !r.Interrupted {
		return err
	}
	if err != nil {
		fmt.Fprintln(p.err, "clientctl:", err)
	}
	return fault.ErrInterrupted
}

// nobody is the error when no connection came to be.
func nobody(r *report.Report) error {
	kind, refused := fault.Failed, true
	kinds := r.Errors.Connect.Sorted()
	for _, k := range kinds {
		refused = refused && (strings.HasPrefix(k, "http_") || strings.HasPrefix(k, "closed"))
	}
	if len(kinds) == 0 {
		return fault.Errorf(kind, "no connection was welcomed")
	}
	if refused {
		kind = fault.Refused
	}
	return fault.Errorf(kind, "no connection was welcomed; most often: %s", terminal.Escape(kinds[0]))
}

// config is what the flags say.
func (f *loadFlags) config(p process) (load.Config, error) {
	c := load.Config{
		Connections: f.connections, Rate: f.rate, Hold: f.hold, Commands: f.commands, N: f.n,
		RampDown: f.rampDown, Timeout: f.timeout, Run: newRun(),
	}
	dial, err := f.dial()
	if err != nil {
		return c, err
	}
	c.Agent, c.Roots = dial.Agent, dial.Roots
	if c.URL, err = parseAddress(f.ws, "--ws (or WS)", "ws", "wss"); err != nil {
		return c, err
	}
	if c.URL.Query().Has("user") {
		return c, usage(fmt.Errorf("--ws (or WS) %q has a user: leave it to --user or --user-prefix", f.ws))
	}
	for _, s := range f.sources {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return c, usage(fmt.Errorf("--source %q: want addresses of this machine, with commas between", s))
		}
		c.Sources = append(c.Sources, a)
	}
	err = f.identify(&c, p)
	return c, err
}

// newRun is an id that no other run has.
func newRun() string {
	var id [4]byte
	rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// identify says who the connections are.
func (f *loadFlags) identify(c *load.Config, p process) error {
	c.User = func(i int) string { return f.prefix + c.Run + "-" + strconv.Itoa(i) }
	switch {
	case f.token != "":
		if strings.Trim(f.token, tokenCharacters) != "" {
			return usage(errors.New(tokenVariables + ": this is no token: it has characters that no token has"))
		}
		c.User = func(int) string { return f.user }
		c.Token = func(int) string { return f.token }
	case f.user != "":
		c.User = func(int) string { return f.user }
	}
	if user := c.User(c.Connections - 1); user != "" {
		if err := events.ValidateUser(user); err != nil {
			return usage(fmt.Errorf("the user %q (--user, --user-prefix): %w", user, err))
		}
	}
	if f.secretFile == "" {
		return nil
	}
	return f.sign(c, p)
}

// tokenSlack is how much longer than the run the tokens are good.
const tokenSlack = time.Hour

// sign has each user show a token of its own.
func (f *loadFlags) sign(c *load.Config, p process) error {
	secret, err := envflag.ReadSecret(f.secretFile)
	if err != nil {
		return usage(fmt.Errorf("--secret-file: %w", err))
	}
	key, err := mint.Secret(secret)
	if err != nil {
		return usage(named("--secret-file", err))
	}
	claims, user := f.claims, c.User
	claims.From = p.now()
	claims.Until = claims.From.Add(c.Length() + tokenSlack)
	claims.User = user(0)
	if _, err := mint.Sign(key, claims); err != nil {
		return usage(named("--secret-file", err))
	}
	c.User = func(int) string { return "" }
	c.Token = func(i int) string {
		mine := claims
		mine.User = user(i)
		token, _ := mint.Sign(key, mine) // that it can was tried
		return token
	}
	return nil
}
