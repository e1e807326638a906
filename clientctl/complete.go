package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/presenced/presence/clientctl/api"
	"github.com/presenced/presence/clientctl/online"
	"github.com/presenced/presence/clientctl/operate"
	"github.com/presenced/presence/services/envflag"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	// completeWithin is how long whoever presses Tab waits for the server.
	completeWithin = time.Second

	mostOffered = 100 // users
	mostAsked   = 20  // users whose connections are offered

	// activeHelp is how a line begins that cobra's scripts print to whoever presses Tab, as the
	// program's own words. Nobody may say something to others by calling himself so.
	activeHelp = "_activeHelp_ "
)

// arguments says what the arguments of a command are completed by, those that are known.
func arguments(name string, p process) cobra.CompletionFunc {
	switch name {
	case "online", "history", "kick":
		return p.completeUsers(1)
	case "last-seen", "watch":
		return p.completeUsers(maxUsers)
	case "merge":
		return files
	case "man":
		return completeCommands
	}
	return nil
}

// values says what the values of a flag are completed by.
func values(f *pflag.Flag, p process) cobra.CompletionFunc {
	switch f.Name {
	case "output":
		return fixed(f.DefValue, "json")
	case "color":
		return fixed("auto", "always", "never")
	case "algorithm":
		return fixed("fast-doubling", "matrix", "iterative")
	case "who":
		return fixed("listed", "all")
	case "watch":
		return fixed("1s", "2s", "5s", "10s", "1m")
	case "after":
		return fixed("now\tafter all there is")
	case "at", "from", "to":
		return p.completeTimes
	case "connection":
		return p.completeConnections
	case "ca", "secret-file", "key-file":
		return files
	case "dir":
		return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		}
	}
	return nil
}

// addCompletions makes a tree of commands complete what it can. Where nothing is known no
// files are offered: nothing here is one by chance.
func addCompletions(root *cobra.Command, p process) {
	root.CompletionOptions.DisableDefaultCmd = true
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	for _, cmd := range commands(root) {
		if of := arguments(cmd.Name(), p); of != nil {
			cmd.ValidArgsFunction = of
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			of := values(f, p)
			if f.Name == "user" && cmd.Name() == "online" {
				of = p.completeUsers(maxUsers)
			}
			if of != nil {
				_ = cmd.RegisterFlagCompletionFunc(f.Name, of) // it fails only if the command has its own
			}
		})
	}
}

func files(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

func fixed(choices ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(choices, cobra.ShellCompDirectiveNoFileComp)
}

// completeCommands offers the commands and topics below those that are named.
func completeCommands(cmd *cobra.Command, args []string, _ string) (offered []string, _ cobra.ShellCompDirective) {
	at, err := find(cmd.Root(), args)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, sub := range at.Commands() {
		if sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
			offered = append(offered, cobra.CompletionWithDesc(sub.Name(), sub.Short))
		}
	}
	return offered, cobra.ShellCompDirectiveNoFileComp
}

func (p process) completeTimes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{
		"-10m\tten minutes ago", "-1h\tan hour ago", "-1d\ta day ago", "-7d\ta week ago",
		p.now().Format(time.DateOnly) + "\tthe beginning of today",
	}, cobra.ShellCompDirectiveKeepOrder | cobra.ShellCompDirectiveNoFileComp
}

// completeUsers offers who is online, for up to so many arguments. What cannot be asked is
// not offered, without a word: whoever presses Tab has not asked for an error.
func (p process) completeUsers(most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) (offered []string, _ cobra.ShellCompDirective) {
		if len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		p.asking(cmd, func(ctx context.Context, c *api.Client) {
			for _, u := range usersFrom(ctx, c, begun, mostOffered) {
				if strings.HasPrefix(u.User, activeHelp) {
					continue
				}
				what := fmt.Sprintf("%d connections", u.Connections)
				if u.Connections == 1 {
					what = "1 connection"
				}
				offered = append(offered, cobra.CompletionWithDesc(u.User, what))
			}
		})
		return offered, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeConnections offers the connections of some users: the API has no list of all.
func (p process) completeConnections(cmd *cobra.Command, _ []string, begun string) (offered []string, _ cobra.ShellCompDirective) {
	p.asking(cmd, func(ctx context.Context, c *api.Client) {
		for _, u := range usersFrom(ctx, c, "", mostAsked) {
			all, err := operate.Connections(ctx, c, u.User)
			if err != nil {
				return
			}
			for _, one := range all {
				if strings.HasPrefix(one.ID, begun) {
					offered = append(offered, cobra.CompletionWithDesc(one.ID, u.User))
				}
			}
		}
	})
	return offered, cobra.ShellCompDirectiveNoFileComp
}

// asking asks the API that the flags and the environment name, for a moment.
func (p process) asking(cmd *cobra.Command, ask func(context.Context, *api.Client)) {
	var q query
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	q.addFlags(fs)
	for _, name := range []string{"admin", "admin-token"} {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			_ = fs.Set(name, f.Value.String()) // a text takes every text
		}
	}
	if envflag.Apply(fs, p.lookup) != nil {
		return
	}
	c, err := q.client()
	if err != nil {
		return
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), completeWithin)
	defer cancel()
	ask(ctx, c)
}

// usersFrom returns users whose names begin so: at most so many, and perhaps not all, as
// far as they come.
func usersFrom(ctx context.Context, c *api.Client, begun string, most int) (found []online.User) {
	client := online.NewClient(c)
	take := func(users []online.User) error {
		for _, u := range users {
			if strings.HasPrefix(u.User, begun) {
				found = append(found, u)
			}
		}
		return nil
	}
	if begun != "" { // the one who is called just so stands before those after him
		if _, err := client.Each(ctx, online.Query{Users: []string{begun}}, take); err != nil {
			return found
		}
	}
	_, _ = client.Each(ctx, online.Query{After: begun, Limit: most}, take) // what came, came
	return found
}
