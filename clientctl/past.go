package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/presenced/presence/clientctl/api"
	"github.com/presenced/presence/clientctl/online"
	"github.com/presenced/presence/clientctl/past"
	"github.com/presenced/presence/clientctl/refresh"
	"github.com/presenced/presence/clientctl/table"
	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/envflag"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// timeHelp says how times are given; past.ParseTime reads them.
const timeHelp = `A TIME is 15:04 (today), "2006-01-02 15:04", 2006-01-02, how long ago (-2h, -90m,
-3d), all in the local time zone, or RFC 3339 such as 2026-11-23T10:00:00Z.`

// query is the settings of the commands that ask the admin API.
type query struct {
	admin, token, ca, output string
	watch                    interval // 0: ask once
}

func (q *query) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&q.admin, "admin", "http://127.0.0.1:8081", "the `ADDRESS` of the admin API")
	fs.StringVar(&q.token, "admin-token", "", "the `TOKEN` of the admin API, if it wants one")
	fs.StringVar(&q.ca, "ca", "", "`FILE` of certificates to trust with https://, besides the system's")
	fs.StringVarP(&q.output, "output", "o", "table", "`FORMAT` of the output: table or json")
	envflag.Secret(fs, "admin-token")
	variables(fs, "admin", "admin-token", "ca")
}

// client returns a client of the admin API, to be closed.
func (q *query) client() (*api.Client, error) {
	if err := q.checkOutput(); err != nil {
		return nil, err
	}
	base, err := parseAddress(q.admin, "--admin (or ADMIN)", "http", "https")
	if err != nil {
		return nil, err
	}
	if strings.ContainsFunc(q.token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, usage(errors.New("--admin-token (or ADMIN_TOKEN): it has white space, or a character that is not ASCII"))
	}
	c := api.New(base, q.token)
	if base.Scheme == "https" { // else a file that CA names does not matter
		pool, err := roots(q.ca)
		if err != nil {
			return nil, err
		}
		c.Trust(pool)
	}
	return c, nil
}

func (q *query) checkOutput() error {
	if q.output == "text" { // as it is called where there is no table
		q.output = "table"
	}
	return oneOf("output", q.output, "table", "json")
}

// parseTime reads the value of a flag, which may be missing.
func parseTime(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := past.ParseTime(text, now)
	if err != nil {
		return t, usage(fmt.Errorf("--%s: %w", flag, err))
	}
	return t, nil
}

func newHistory(p process) *cobra.Command {
	var q query
	var from, to string
	cmd := &cobra.Command{
		Use:   "history USER",
		Short: "Show when a user was online",
		Long: `Show the sessions of a user, oldest first, as the log has them.

Where a node died it is not known when its clients left. Then LAST CONFIRMED is
the node's last sign of life, and ENDED when it was declared lost; for what is
between them the state is unknown.

` + watchHelp + `

` + timeHelp,
		Example: `  clientctl history ana
  clientctl history ana --from -10m --watch
  clientctl history ana --from -2h
  clientctl history ana --from "2026-11-23 09:00" --to 11:00 -o json`,
		Args: func(cmd *cobra.Command, args []string) error { return someUsers(cmd.Name(), args, 1) },
		RunE: func(cmd *cobra.Command, args []string) error {
			now := p.now()
			since, err := parseTime("from", from, now)
			if err != nil {
				return err
			}
			until, err := parseTime("to", to, now)
			if err != nil {
				return err
			}
			if !until.IsZero() && !since.Before(until) {
				return usage(fmt.Errorf("--from %s is not before --to %s", past.Show(since, now), past.Show(until, now)))
			}
			return showRows(cmd.Context(), q, p, func(ctx context.Context, c *api.Client) ([]past.Session, error) {
				if q.watch != 0 { // how long ago is as of each answer
					since, _ = parseTime("from", from, p.now())
					until, _ = parseTime("to", to, p.now())
				}
				return past.Sessions(ctx, c, args[0], since, until)
			}, func(s table.Screen, sessions []past.Session) error { return past.SessionTable(s, sessions, p.now()) })
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "only sessions that were open at this `TIME` or later")
	cmd.Flags().StringVar(&to, "to", "", "only sessions that began before this `TIME`")
	q.addFlags(cmd.Flags())
	q.watch.addFlag(cmd.Flags())
	return cmd
}

// maxUsers is how many users the server lets one ask for at once.
const maxUsers = 1000

// someUsers checks the arguments of a command that are users, at most so many.
func someUsers(command string, args []string, most int) error {
	switch {
	case len(args) == 0 && most == 1:
		return usage(fmt.Errorf("%s: of whom? Give a user", command))
	case len(args) == 0:
		return usage(fmt.Errorf("%s: of whom? Give one or more users", command))
	case len(args) > most && most == 1:
		return usage(fmt.Errorf("%s takes one user, got %d", command, len(args)))
	case len(args) > most:
		return usage(fmt.Errorf("%s takes at most %d users, got %d", command, most, len(args)))
	}
	for _, user := range args {
		if err := events.ValidateUser(user); err != nil {
			return usage(fmt.Errorf("user %q: %w", user, err))
		}
	}
	return nil
}

func newLastSeen(p process) *cobra.Command {
	var q query
	cmd := &cobra.Command{
		Use:   "last-seen USER...",
		Short: "Show when users were last seen",
		Long: `Show when users were last seen. Where a node died with a user on it, LAST
CONFIRMED is the node's last sign of life, and DECLARED LOST when that was found
out. With --output json, who was never seen is left out.

` + watchHelp,
		Example: `  clientctl last-seen ana
  clientctl last-seen ana bob --watch
  clientctl last-seen ana bob -o json | jq -r .last`,
		Args: func(cmd *cobra.Command, args []string) error { return someUsers(cmd.Name(), args, maxUsers) },
		RunE: func(cmd *cobra.Command, args []string) error {
			return showRows(cmd.Context(), q, p, func(ctx context.Context, c *api.Client) ([]past.Sighting, error) {
				return past.LastSeen(ctx, c, args)
			}, func(s table.Screen, seen []past.Sighting) error { return past.LastSeenTable(s, args, seen, p.now()) })
		},
	}
	q.addFlags(cmd.Flags())
	q.watch.addFlag(cmd.Flags())
	return cmd
}

func newNodes(p process) *cobra.Command {
	var q query
	cmd := &cobra.Command{
		Use:   "nodes",
		Short: "Show the nodes that have not left",
		Long: `Show the nodes that have not left, with their last sign of life by the
database's clock. One that has not beaten for 10 s is about to be taken over.

` + watchHelp,
		Example: `  clientctl nodes
  clientctl nodes --watch
  clientctl nodes -o json | jq -r .node`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return showRows(cmd.Context(), q, p, past.Nodes,
				func(s table.Screen, nodes []past.Node) error { return past.NodeTable(s, nodes, p.now()) })
		},
	}
	q.addFlags(cmd.Flags())
	q.watch.addFlag(cmd.Flags())
	return cmd
}

// showRows asks for rows, and writes them as a table or as JSON; again and again if the
// query says so.
func showRows[T any](ctx context.Context, q query, p process, ask func(context.Context, *api.Client) ([]T, error), draw func(table.Screen, []T) error) error {
	c, err := q.client()
	if err != nil {
		return err
	}
	defer c.Close()
	c.OnWarning(func(text string) { fmt.Fprintf(p.err, "clientctl: %s\n", text) })
	if q.watch != 0 {
		return repeat(ctx, q, p, func(ctx context.Context) (refresh.Frame, error) {
			rows, err := ask(ctx, c)
			return frame(rows, draw), err
		})
	}
	rows, err := ask(ctx, c)
	if err != nil {
		return err
	}
	if q.output == "json" {
		return online.JSON(p.out, rows, p.terminal)
	}
	return draw(p.screen(), rows)
}

// frame is what a look has seen.
func frame[T any](rows []T, draw func(table.Screen, []T) error) refresh.Frame {
	if rows == nil {
		rows = []T{} // none is not nothing
	}
	return refresh.Frame{Rows: rows, Draw: func(s table.Screen) error { return draw(s, rows) }}
}
