package main

import (
	"context"
	"time"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/talk"
	"github.com/spf13/cobra"
)

// connectFlags are the settings of `clientctl connect`.
type connectFlags struct {
	target
	skipInput bool
	output    string
	timeout   time.Duration
	retry     bool
}

func newConnect(p process) *cobra.Command {
	var f connectFlags
	cmd := &cobra.Command{
		Use:   "connect",
		Short: "Connect, show the time, and ask for the numbers typed",
		Long: `Connect as a user, show the time each second, and read commands from standard
input, one a line:

  42       the Fibonacci number F(42)
  seq 10   the first ten of them
  ping     how long the server takes to answer
  quit     the same as the end of the input

At the end of the input it waits for the answers that are outstanding, closes
the connection and exits. The exit code is 1 if a line of a pipe or a file has
no good answer. A lost connection is made again with growing, random pauses;
commands without an answer are then sent again.

With --output json each message of the server is one line, as it came.`,
		Example: `  clientctl connect --user 42
  echo 42 | clientctl connect --user 42
  clientctl connect --user 42 --skip-user-input
  TOKEN_FILE=ana.token clientctl connect
  seq 1 100 | clientctl connect -o json | jq -r 'select(.type == "fibonacci").value'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return connect(cmd.Context(), f, p) },
	}
	fs := cmd.Flags()
	f.addFlags(fs)
	fs.BoolVar(&f.skipInput, "skip-user-input", false, "never read standard input")
	fs.StringVarP(&f.output, "output", "o", "text", "`FORMAT` of the output: text or json")
	fs.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long to wait for answers after the end of the input; 0: for ever")
	fs.BoolVar(&f.retry, "retry", false, "also try again when the first connect fails")
	variables(fs, "user", "token", "ws", "ca", "skip-user-input")
	return cmd
}

func connect(ctx context.Context, f connectFlags, p process) error {
	if err := oneOf("output", f.output, "text", "json"); err != nil {
		return err
	}
	if err := notNegative(f.timeout); err != nil {
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
	show := talk.NewText(p.out, p.err, talk.Look{Fold: p.terminal})
	if f.output == "json" {
		show = talk.NewJSON(p.out, p.err, p.terminal)
	}
	c := talk.Config{
		Address:  address,
		Dial:     dial,
		Show:     show,
		Patience: f.timeout,
		Retry:    f.retry,
	}
	if !f.skipInput {
		c.Input, c.Ends = p.in, true
	}
	t := talk.New(c)
	if err := t.Run(ctx); err != nil {
		return err
	}
	if asked, failed := t.Counts(); failed > 0 && !p.terminalIn {
		return fault.Errorf(fault.Failed, "%d of %d lines have no good answer", failed, asked)
	}
	return nil
}
