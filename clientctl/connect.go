package main

import (
	"context"
	"time"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/talk"
	"github.com/spf13/cobra"
)

// onRecord is how long commands of a pipe or a file wait until their connection is on record:
// a server whose database is away answers all the same.
const onRecord = 5 * time.Second

// connectFlags are the settings of `clientctl connect`.
type connectFlags struct {
	target
	skipInput bool
	output    string
	colour    string
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

` + talk.Help() + `
A name with blanks stands in quotes: /who "John Doe".

At a terminal the time stays on a status line, with what there is of the
connection and how long the server takes to answer, and all else scrolls above
it. The line that is typed has the keys of a shell: arrows, Home, End, Ctrl-A,
-E, -K, -U, -W and -Y, Alt-B, -F and -D; Up and Down go through what was typed
before, Tab completes slash commands, Ctrl-L clears the screen, Ctrl-Z stops.
Ctrl-C clears the line, and leaves if it is empty; Ctrl-D on an empty line is
the end of the input. If TERM is dumb, lines are all there is.

What comes from a pipe or a file is asked once the connection is on record, as its
welcome says, but waits no longer than 5s for that.

At the end of the input it waits for the answers that are outstanding, closes
the connection and exits. The exit code is 1 if a line of a pipe or a file has
no good answer. A lost connection is made again with growing, random pauses;
commands without an answer are then sent again, and a watch goes on.

With --output json each message of the server is one line, as it came, also at
a terminal.`,
		Example: `  clientctl connect --user 42
  echo 42 | clientctl connect --user 42
  clientctl connect --user 42 --skip-user-input
  TOKEN_FILE=ana.token clientctl connect
  (echo /watch; cat) | clientctl connect --user 42
  seq 1 100 | clientctl connect -o json | jq -r 'select(.type == "fibonacci").value'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return connect(cmd.Context(), f, p) },
	}
	fs := cmd.Flags()
	f.addFlags(fs)
	fs.BoolVar(&f.skipInput, "skip-user-input", false, "never read standard input")
	fs.StringVarP(&f.output, "output", "o", "text", "`FORMAT` of the output: text or json")
	addColour(fs, &f.colour)
	fs.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long to wait for answers after the end of the input; 0: for ever")
	fs.BoolVar(&f.retry, "retry", false, "also try again when the first connect fails")
	variables(fs, "user", "token", "ws", "ca", "skip-user-input")
	return cmd
}

func connect(ctx context.Context, f connectFlags, p process) error {
	if err := oneOf("output", f.output, "text", "json"); err != nil {
		return err
	}
	if err := checkColour(f.colour); err != nil {
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
	c := talk.Config{
		Address:  address,
		Dial:     dial,
		Show:     linesOf(f.output, f.colour, p),
		Patience: f.timeout,
		Retry:    f.retry,
	}
	if !f.skipInput {
		c.Input, c.Ends = p.in, true
	}
	if !f.skipInput && !p.terminalIn { // else the order of lines would be by chance
		c.Record = onRecord
	}
	if f.output == "text" && !f.skipInput && p.console() {
		return converse(ctx, c, f.colour, p)
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
