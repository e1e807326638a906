package main

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/presenced/presence/clientctl/api"
	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/online"
	"github.com/presenced/presence/clientctl/operate"
	"github.com/presenced/presence/clientctl/table"
	"github.com/presenced/presence/events"
	"github.com/spf13/cobra"
)

// The bounds of a kick, as the server has them.
const (
	maxKickReason = 123 // bytes: what a close frame has room for
	maxKickWait   = time.Minute
)

func newKick(p process) *cobra.Command {
	var q query
	var o operate.Order
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "kick [USER]",
		Short: "Close the connections of a user, or one connection",
		Long: `Close all connections of a user, or with --connection just one, on whatever node
they are, and wait until they have gone. Their clients get close code 4503 and
the reason, and the log says "kicked".

Nobody is banned: who is kicked may connect again. Clients that keep to the
protocol do not do so by themselves.

It exits with 1 if some have not gone in time. Their node may be slow, cut off
from the database, or dead: then it is taken over within 20 s.`,
		Example: `  clientctl kick ana
  clientctl kick ana --reason "maintenance at ten"
  clientctl kick --connection web1-8080/00000001/0000000000000001`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := complete(&o, args, wait); err != nil {
				return err
			}
			return kick(cmd.Context(), q, o, p)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.Connection, "connection", "", "only this connection `ID`; clientctl online USER lists them")
	fs.StringVar(&o.Reason, "reason", "", "told to the clients: a `TEXT` of at most 123 bytes")
	fs.DurationVar(&wait, "wait", 5*time.Second, "how long to wait until they have gone, at most 1m")
	q.addFlags(fs)
	return cmd
}

// complete checks an order, and completes it.
func complete(o *operate.Order, args []string, wait time.Duration) error {
	switch {
	case len(args) > 1:
		return usage(fmt.Errorf("kick takes one user, got %d", len(args)))
	case len(args) == 0 && o.Connection == "":
		return usage(errors.New("kick whom? Give a user, or --connection"))
	case len(args) == 1 && o.Connection != "":
		return usage(errors.New("give a user or --connection, not both"))
	case len(args) == 1:
		o.User = args[0]
		if err := events.ValidateUser(o.User); err != nil {
			return usage(fmt.Errorf("user %q: %w", o.User, err))
		}
	default:
		if _, err := events.ParsePosition(o.Connection); err != nil {
			return usage(fmt.Errorf("--connection: %w: want an id such as n1/00000001/0000000000000001", err))
		}
	}
	if wait < 0 || wait > maxKickWait {
		return usage(fmt.Errorf("--wait %s: want 0s to %s", wait, maxKickWait))
	}
	o.Wait = wait.String()
	return checkReason(o.Reason)
}

func checkReason(reason string) error {
	if len(reason) > maxKickReason || !utf8.ValidString(reason) {
		return usage(fmt.Errorf("--reason: want at most %d bytes of UTF-8, got %d", maxKickReason, len(reason)))
	}
	for _, r := range reason {
		if unicode.IsControl(r) {
			return usage(fmt.Errorf("--reason: it has the control character %U", r))
		}
	}
	return nil
}

func kick(ctx context.Context, q query, o operate.Order, p process) error {
	c, err := q.client()
	if err != nil {
		return err
	}
	defer c.Close()
	k, err := operate.Kick(ctx, c, o)
	if err != nil {
		return err
	}
	if q.output == "json" {
		err = online.JSON(p.out, []operate.Kicked{k}, p.terminal)
	} else {
		err = operate.KickTable(p.screen(), o, k)
	}
	if err == nil && k.Gone < k.Asked {
		err = fmt.Errorf("%d have not gone yet: look with `clientctl nodes` whether their node beats, and kick again", k.Asked-k.Gone)
	}
	return err
}

func newStats(p process) *cobra.Command {
	var q query
	var users bool
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Show counts of a node and of the cluster",
		Long: `Show what the node at --admin counts, and what the database says of all nodes.

The users of all nodes are counted with --users only: that reads every
connection.

` + watchHelp,
		Example: `  clientctl stats
  clientctl stats --watch=5s
  clientctl stats --users -o json | jq .cluster`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return showRows(cmd.Context(), q, p, func(ctx context.Context, c *api.Client) ([]operate.Stats, error) {
				s, err := operate.GetStats(ctx, c, users)
				return []operate.Stats{s}, err
			}, func(to table.Screen, s []operate.Stats) error { return operate.StatsTable(to, s[0]) })
		},
	}
	cmd.Flags().BoolVar(&users, "users", false, "also count the users of all nodes")
	q.addFlags(cmd.Flags())
	q.watch.addFlag(cmd.Flags())
	return cmd
}

func newVerify(p process) *cobra.Command {
	var q query
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Have the server verify its log",
		Long: `Have the server fold its whole log, check its grammar, and compare it with who is
online. It changes nothing. Where something differs it looks again for up to
35 s, for what live nodes are about to mend.

It exits with 0 if all holds, and with 1 if not; presenced verify --repair mends
what differs.`,
		Example: `  clientctl verify
  clientctl verify -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return verify(cmd.Context(), q, p) },
	}
	q.addFlags(cmd.Flags())
	return cmd
}

func verify(ctx context.Context, q query, p process) error {
	c, err := q.client()
	if err != nil {
		return err
	}
	defer c.Close()
	problems := operate.NewProblemTable()
	report, err := operate.Verify(ctx, c, operate.Listener{
		Running: func(seconds float64) {
			if seconds >= 1 && p.terminal {
				fmt.Fprintf(p.err, "clientctl: verifying since %.0f s\n", seconds)
			}
		},
		Problem: func(found operate.Problem) error {
			if q.output == "json" {
				return online.JSON(p.out, []operate.Problem{found}, p.terminal)
			}
			return problems.Add(p.screen(), found)
		},
	})
	if err != nil {
		return err
	}
	if q.output == "json" {
		err = online.JSON(p.out, []operate.Report{report}, p.terminal)
	} else {
		_, err = fmt.Fprintln(p.out, operate.ReportLine(report))
	}
	if err == nil && !report.Holds {
		err = fault.Errorf(fault.Failed, "the log and online do not hold together; what was printed says where")
	}
	return err
}
