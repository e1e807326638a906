package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/presenced/presence/clientctl/api"
	"github.com/presenced/presence/clientctl/online"
	"github.com/presenced/presence/clientctl/past"
	"github.com/presenced/presence/events"
	"github.com/spf13/cobra"
)

// onlineFlags are the settings of `clientctl online`.
type onlineFlags struct {
	admin  string
	users  []string
	output string
	limit  int
	at     string
}

func newOnline(p process) *cobra.Command {
	var f onlineFlags
	cmd := &cobra.Command{
		Use:   "online",
		Short: "Show who is online",
		Long: `Show who is online, as the server's admin API tells it. Looking opens no
connection as a user, so it changes nothing of what is seen.

The table shows times in the local time zone. With --output json it is one
object a line, with user, since, connections and nodes.

With --at, show who was online at that time, as the log has it. Where a node
died shortly before, its users are unknown then: they were online when it last
gave a sign of life, and nobody can say how long after that.

` + timeHelp,
		Example: `  clientctl online
  clientctl online --user 42 --user 43
  clientctl online -o json | jq -r .user
  clientctl online --at 10:00
  clientctl online --admin http://127.0.0.1:8081 --limit 10`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return showOnline(cmd.Context(), f, p) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.admin, "admin", "http://127.0.0.1:8081", "the `ADDRESS` of the admin API")
	fs.StringArrayVarP(&f.users, "user", "u", nil, "only this user `ID`; may stand several times")
	fs.StringVarP(&f.output, "output", "o", "table", "`FORMAT` of the output: table or json")
	fs.IntVar(&f.limit, "limit", 0, "show at most so many users; 0: all")
	fs.StringVar(&f.at, "at", "", "show who was online at this `TIME`")
	variables(fs, "admin")
	return cmd
}

func showOnline(ctx context.Context, f onlineFlags, p process) error {
	if err := f.validate(); err != nil {
		return err
	}
	if f.at != "" {
		return showOnlineAt(ctx, f, p)
	}
	base, err := parseAddress(f.admin, "--admin (or ADMIN)", "http", "https")
	if err != nil {
		return err
	}
	client := online.NewClient(base)
	defer client.Close()
	var all []online.User
	more, err := client.Each(ctx, online.Query{Users: f.users, Limit: f.limit}, func(users []online.User) error {
		if f.output == "json" {
			return online.JSON(p.out, users, p.terminal)
		}
		all = append(all, users...) // a table's columns depend on all of its rows
		return nil
	})
	if err == nil && f.output == "table" {
		err = online.Table(p.out, all, p.now())
	}
	if err == nil && more {
		fmt.Fprintf(p.err, "clientctl: more than %d are online: raise --limit to see them\n", f.limit)
	}
	return err
}

func showOnlineAt(ctx context.Context, f onlineFlags, p process) error {
	now := p.now()
	at, err := parseTime("at", f.at, now)
	if err != nil {
		return err
	}
	return showRows(ctx, query{f.admin, f.output}, p, func(ctx context.Context, c *api.Client) ([]past.UserAt, error) {
		return past.At(ctx, c, at, f.users)
	}, func(users []past.UserAt) error { return past.AtTable(p.out, users, at, now) })
}

func (f onlineFlags) validate() error {
	if err := oneOf("output", f.output, "table", "json"); err != nil {
		return err
	}
	if f.limit != 0 && f.at != "" {
		return usage(errors.New("--limit is of now, and --at shows all: give one of them"))
	}
	if f.limit < 0 {
		return usage(fmt.Errorf("--limit %d: want 0 or more", f.limit))
	}
	for _, user := range f.users {
		if err := events.ValidateUser(user); err != nil {
			return usage(fmt.Errorf("--user %q: %w", user, err))
		}
	}
	return nil
}
