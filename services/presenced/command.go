package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/presenced/presence/services/envflag"
	"github.com/presenced/presence/services/presence"
)

// environment is what a process is given from outside.
type environment struct {
	args   []string
	lookup func(name string) (value string, set bool)
	stdout io.Writer // what people and programs read
	stderr io.Writer // the log
}

// exitCode is what the process ends with.
type exitCode int

// The exit codes, as documented in `presenced --help`.
const (
	exitOK        exitCode = 0
	exitFailed    exitCode = 1 // something failed, or verify found a difference
	exitUsage     exitCode = 2 // the command line or a variable is wrong
	exitStore     exitCode = 3 // the store cannot be opened or reached
	exitDuplicate exitCode = 4 // another live process uses this node id
	exitOpen      exitCode = 5 // forget has left connections that have not ended
)

const exitCodes = `Exit codes: 0 all well; 1 something failed, or verify found a difference;
2 the command line or a variable is wrong; 3 the store cannot be opened or
reached; 4 another live process uses the same node id; 5 forget has left some
connections that have not ended.`

// usageError is an error of the command line or of a variable.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// storeError is an error of opening the store.
type storeError struct{ error }

func (e storeError) Unwrap() error { return e.error }

// codeOf is the one table from errors to exit codes.
func codeOf(err error) exitCode {
	var usage usageError
	var store storeError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &store):
		return exitStore
	case errors.Is(err, presence.ErrDuplicateNode):
		return exitDuplicate
	case errors.Is(err, errOpen):
		return exitOpen
	}
	return exitFailed
}

// run runs one command line and says on stderr, once, what went wrong.
func run(ctx context.Context, env environment) exitCode {
	root := rootCommand(env)
	root.SetArgs(env.args)
	root.SetOut(env.stdout)
	root.SetErr(env.stderr)
	err := root.ExecuteContext(ctx)
	if err != nil {
		_, _ = fmt.Fprintf(env.stderr, "presenced: %v\n", err)
	}
	return codeOf(err)
}

func rootCommand(env environment) *cobra.Command {
	cfg := defaultConfig()
	var asked *bool // for the version
	root := &cobra.Command{
		Use:   "presenced",
		Short: "Run the presence service",
		Long: `presenced serves WebSocket clients and keeps in a database who is online, and
who was. Without any setting it stores in a file below ./data.

` + exitCodes,
		Example: `  presenced
  MONGODB_URI=mongodb://localhost:27017 presenced
  presenced --ws-port 9000 --data-dir /var/lib/presence`,
		Args:          noArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if *asked {
				return nil // whatever the environment says
			}
			return prepare(cmd, env)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if *asked {
				return printVersion(cmd)
			}
			return serve(cmd.Context(), cfg, env)
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (see `%s --help`)", err, cmd.CommandPath())}
	})
	asked = versionFlag(root.Flags())
	cfg.serverFlags(root.Flags())
	cfg.storeFlags(root.Flags())
	root.AddCommand(verifyCommand(env), retainCommand(env), forgetCommand(env), healthCommand(), versionCommand())
	for _, cmd := range append(root.Commands(), root) {
		envflag.Document(cmd.Flags())
	}
	return root
}

// noArgs is for commands that take flags only.
func noArgs(cmd *cobra.Command, args []string) error {
	if err := cobra.NoArgs(cmd, args); err != nil {
		return usageError{fmt.Errorf("%w (see `%s --help`)", err, cmd.CommandPath())}
	}
	return nil
}

// prepare sets from the environment what the command line did not set.
func prepare(cmd *cobra.Command, env environment) error {
	if err := envflag.Apply(cmd.Flags(), env.lookup); err != nil {
		return usageError{err}
	}
	return nil
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return printVersion(cmd) },
	}
}

// versionFlag makes --version say what version says. It has no variable: VERSION is often
// set, and to something else. Cobra's own flag needs a template for that, and templates find
// methods by their names, so that the linker leaves out none: 3 MB of the program.
func versionFlag(fs *pflag.FlagSet) (asked *bool) {
	asked = fs.BoolP(flagVersion, "v", false, "print the version")
	envflag.Ignore(fs, flagVersion)
	return asked
}

const flagVersion = "version"

// printVersion prints what the program was built from.
func printVersion(cmd *cobra.Command) error {
	_, err := fmt.Fprintln(cmd.OutOrStdout(), build())
	return err
}
