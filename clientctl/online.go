package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/presenced/presence/clientctl/api"
	"github.com/presenced/presence/clientctl/online"
	"github.com/presenced/presence/clientctl/operate"
	"github.com/presenced/presence/clientctl/past"
	"github.com/presenced/presence/clientctl/refresh"
	"github.com/presenced/presence/clientctl/table"
	"github.com/presenced/presence/events"
	"github.com/spf13/cobra"
)

// onlineFlags are the settings of `clientctl online`.
type onlineFlags struct {
	query
	users []string
	limit int
	at    string
}

func newOnline(p process) *cobra.Command {
	var f onlineFlags
	cmd := &cobra.Command{
		Use:   "online [USER]",
		Short: "Show who is online, or the connections of one user",
		Long: `Show who is online, as the server's admin API tells it. Looking opens no
connection as a user, so it changes nothing of what is seen.

With --output json it is one object a line, with user, since, connections and
nodes.

With a USER, show the connections of that user: their ids, nodes, networks and
agents.

With --at, show who was online at that time, as the log has it. Where a node
died shortly before, its users are unknown then: they were online when it last
gave a sign of life, and nobody can say how long after that.

` + watchHelp + `
Who has come since the answer before is marked with +, who has gone with -. The
table has at most 1000 users, unless --limit says more.

` + timeHelp,
		Example: `  clientctl online
  clientctl online 42
  clientctl online --user 42 --user 43
  clientctl online -o json | jq -r .user
  clientctl online --watch
  clientctl online --watch=10s -o json | jq -c '[.time, (.rows | length)]'
  clientctl online --at 10:00
  clientctl online --admin http://127.0.0.1:8081 --limit 10`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return showConnections(cmd.Context(), f, args, p)
			}
			return showOnline(cmd.Context(), f, p)
		},
	}
	fs := cmd.Flags()
	fs.StringArrayVarP(&f.users, "user", "u", nil, "only this user `ID`; may stand several times")
	fs.IntVar(&f.limit, "limit", 0, "show at most so many users; 0: all")
	fs.StringVar(&f.at, "at", "", "show who was online at this `TIME`")
	f.addFlags(fs)
	f.watch.addFlag(fs)
	return cmd
}

func showOnline(ctx context.Context, f onlineFlags, p process) error {
	if err := f.validate(); err != nil {
		return err
	}
	if f.at != "" {
		return showOnlineAt(ctx, f, p)
	}
	c, err := f.client()
	if err != nil {
		return err
	}
	defer c.Close()
	client := online.NewClient(c)
	if f.watch != 0 {
		return watchOnline(ctx, f, client, p)
	}
	var all []online.User
	more, err := client.Each(ctx, online.Query{Users: f.users, Limit: f.limit}, func(users []online.User) error {
		if f.output == "json" {
			return online.JSON(p.out, users, p.terminal)
		}
		all = append(all, users...) // a table's columns depend on all of its rows
		return nil
	})
	if err == nil && f.output == "table" {
		err = online.Table(p.screen(), all, p.now())
	}
	if err == nil && more {
		fmt.Fprintf(p.err, "clientctl: more than %d are online: raise --limit to see them\n", f.limit)
	}
	return err
}

// clocksApart is by how much a server's clock may be ahead of this one's: who was online at
// its latest event may be asked.
const clocksApart = time.Minute

func showOnlineAt(ctx context.Context, f onlineFlags, p process) error {
	now := p.now()
	at, err := parseTime("at", f.at, now)
	if err != nil {
		return err
	}
	if at.After(now.Add(clocksApart)) {
		return usage(fmt.Errorf("--at %q: %s has not come yet; of another day than today it is %q, or -16h",
			f.at, at.Format(time.RFC3339), "2006-01-02 15:04"))
	}
	return showRows(ctx, f.query, p, func(ctx context.Context, c *api.Client) ([]past.UserAt, error) {
		return past.At(ctx, c, at, f.users)
	}, func(s table.Screen, users []past.UserAt) error { return past.AtTable(s, users, at, now) })
}

// showConnections shows the connections of one user.
func showConnections(ctx context.Context, f onlineFlags, args []string, p process) error {
	if len(f.users) > 0 || f.limit != 0 || f.at != "" {
		return usage(errors.New("--user, --limit and --at are of a list of users; the connections of a USER are all shown, as they are now"))
	}
	if err := someUsers("online", args, 1); err != nil {
		return err
	}
	return showRows(ctx, f.query, p, func(ctx context.Context, c *api.Client) ([]operate.Connection, error) {
		return operate.Connections(ctx, c, args[0])
	}, func(s table.Screen, all []operate.Connection) error {
		return operate.ConnectionTable(s, args[0], all, p.now())
	})
}

// watchLimit is how many users a table of --watch has, unless --limit says otherwise:
// nobody reads a longer one again and again. A program may want all.
const watchLimit = 1000

// watchOnline shows who is online again and again, and marks who came and went.
func watchOnline(ctx context.Context, f onlineFlags, client *online.Client, p process) error {
	limit := f.limit
	if limit == 0 && f.output != "json" {
		limit = watchLimit
	}
	var changes online.Changes
	return repeat(ctx, f.query, p, func(ctx context.Context) (refresh.Frame, error) {
		all := []online.User{}
		more, err := client.Each(ctx, online.Query{Users: f.users, Limit: limit}, func(users []online.User) error {
			all = append(all, users...)
			return nil
		})
		return refresh.Frame{Rows: all, Draw: func(s table.Screen) error {
			err := online.ChangeTable(s, changes.Next(all, more), p.now())
			if err == nil && more {
				_, err = fmt.Fprintf(s, "more than %d are online: raise --limit to see them\n", limit)
			}
			return err
		}}, err
	})
}

func (f onlineFlags) validate() error {
	switch {
	case f.limit != 0 && f.at != "":
		return usage(errors.New("--limit is of now, and --at shows all: give one of them"))
	case f.watch != 0 && f.at != "":
		return usage(errors.New("--watch is of now, and what was --at a time stays as it is: give one of them"))
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
