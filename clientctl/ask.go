package main

import (
	"context"
	"fmt"
	"time"

	"github.com/presenced/presence/clientctl/talk"
	"github.com/presenced/presence/services/protocol"
	"github.com/spf13/cobra"
)

// numberArgument marks the commands whose argument is a number, which may be
// negative: see liftNegatives.
const numberArgument = "number_argument"

// askFlags are the settings of the commands that ask once.
type askFlags struct {
	target
	algorithm string
	timeout   time.Duration
}

func newFibonacci(p process) *cobra.Command {
	cmd, f := newAsk(p, protocol.Fibonacci)
	cmd.Use = "fibonacci N"
	cmd.Short = "Print the Fibonacci number F(N)"
	cmd.Long = `Ask the server for the Fibonacci number F(N) and print it alone: F(0) is 0, F(1)
is 1. Meanwhile the user is online.`
	cmd.Example = `  clientctl fibonacci 90
  clientctl fibonacci 100000 --algorithm matrix | wc -c`
	cmd.Flags().StringVar(&f.algorithm, "algorithm", "", "how to compute it: fast-doubling, matrix or iterative (default: the server's choice)")
	variables(cmd.Flags(), "user", "token", "ws", "ca")
	return cmd
}

func newSequence(p process) *cobra.Command {
	cmd, _ := newAsk(p, protocol.Sequence)
	cmd.Use = "sequence N"
	cmd.Short = "Print the first N Fibonacci numbers"
	cmd.Long = `Ask the server for the first N Fibonacci numbers, F(0) to F(N-1), and print them,
one a line. Meanwhile the user is online.`
	cmd.Example = `  clientctl sequence 10
  clientctl sequence 1000 | tail -n 1`
	variables(cmd.Flags(), "user", "token", "ws", "ca")
	return cmd
}

// newAsk returns a command that asks one question about a number.
func newAsk(p process, question protocol.CommandType) (*cobra.Command, *askFlags) {
	f := new(askFlags)
	cmd := &cobra.Command{
		Annotations: map[string]string{numberArgument: ""},
		Args:        oneNumber,
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := talk.ParseNumber(args[0])
			if err != nil {
				return usage(err)
			}
			return ask(cmd.Context(), f, talk.Command{Type: question, N: n, Algorithm: f.algorithm}, p)
		},
	}
	f.addFlags(cmd.Flags())
	cmd.Flags().DurationVar(&f.timeout, "timeout", 30*time.Second, "how long to wait for the answer; 0: for ever")
	return cmd, f
}

func oneNumber(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usage(fmt.Errorf("%s takes one whole number, got %d arguments", cmd.Name(), len(args)))
	}
	return nil
}

func ask(ctx context.Context, f *askFlags, c talk.Command, p process) error {
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
	return talk.New(talk.Config{
		Address:  address,
		Dial:     dial,
		Show:     talk.NewBare(p.out, p.err),
		Commands: []talk.Command{c},
		Ends:     true,
		Patience: f.timeout,
	}).Run(ctx)
}
