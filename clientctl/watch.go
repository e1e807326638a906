package main

import (
	"context"

	"github.com/presenced/presence/clientctl/talk"
	"github.com/presenced/presence/services/protocol"
	"github.com/spf13/cobra"
)

// watchFlags are the settings of `clientctl watch`.
type watchFlags struct {
	target
	connections bool
	output      string
	colour      string
}

func newWatch(p process) *cobra.Command {
	var f watchFlags
	cmd := &cobra.Command{
		Use:   "watch [USER...]",
		Short: "Show who is online, and who comes and goes",
		Long: `Connect as a user, show who is online, and then each join and leave until Ctrl-C:
of everyone, or of the users that are named. A user who is back within the
server's GRACE has not left.

Who watches is connected, and so is online as --user meanwhile; the others see
that. To look without being seen, ask the operator's API: see clientctl online.

A lost connection is made again, and all is shown anew. With --output json each
message is one line, as it came: docs/PROTOCOL.md says what they mean.`,
		Example: `  clientctl watch --user 42
  clientctl watch ana bob --user 42
  clientctl watch --connections -o json --user 42 | jq -c '.joins[]?'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return someUsers(cmd.Name(), args, protocol.MaxPresent)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return watch(cmd.Context(), f, args, p) },
	}
	fs := cmd.Flags()
	f.addFlags(fs)
	fs.BoolVar(&f.connections, "connections", false, "show each connection, not only a user's first and last")
	fs.StringVarP(&f.output, "output", "o", "text", "`FORMAT` of the output: text or json")
	addColour(fs, &f.colour)
	variables(fs, "user", "token", "ws", "ca")
	return cmd
}

func watch(ctx context.Context, f watchFlags, users []string, p process) error {
	if err := oneOf("output", f.output, "text", "json"); err != nil {
		return err
	}
	if err := checkColour(f.colour); err != nil {
		return err
	}
	address, err := f.address()
	if err != nil {
		return err
	}
	dial, err := f.dial()
	if err != nil {
		return err
	}
	c := talk.Command{Type: protocol.Watch}
	if len(users) > 0 {
		c.Users = users
	}
	if f.connections {
		c.Level = protocol.ByConnection
	}
	return talk.New(talk.Config{
		Address: address,
		Dial:    dial,
		Show:    talk.Watching(linesOf(f.output, f.colour, p)),
		Each:    []talk.Command{c},
	}).Run(ctx)
}
