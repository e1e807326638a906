package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/services/envflag"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// process is what a command may use of the process that it runs in.
type process struct {
	in       io.Reader
	out, err io.Writer
	lookup   func(string) (string, bool) // of environment variables
	now      func() time.Time

	terminalIn bool                       // in is a terminal: a person types
	terminal   bool                       // out is a terminal: a person reads
	colour     bool                       // and one that may be sent colours and bold
	moves      bool                       // and one that can move its cursor
	size       func() (width, height int) // of out; nil: it is no terminal
	widthErr   func() int                 // err is a terminal, of so many characters in a line; nil: it is none
	handles    handles
}

// handles are in and out as the system knows them; nil: it does not.
type handles struct{ in, out *os.File }

// run runs the command line args, without the program's name, and returns the exit
// code.
func run(ctx context.Context, args []string, p process) int {
	root := newRoot(p)
	root.SetArgs(joinIntervals(root, liftNegatives(root, args)))
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if cmd == root && fault.KindOf(err) == fault.Usage && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		err = noSuchCommand(root, args) // its flags are not root's, but that is not what is wrong
	}
	if !errors.Is(err, fault.ErrInterrupted) {
		fmt.Fprintln(p.err, "clientctl:", err)
	}
	if fault.KindOf(err) == fault.Usage {
		fmt.Fprintf(p.err, "Run '%s --help' for usage.\n", cmd.CommandPath())
	}
	return exitCode(err)
}

func newRoot(p process) *cobra.Command {
	root := &cobra.Command{
		Use:   "clientctl",
		Short: "Connect to a presence server, ask for Fibonacci numbers, see who is online",
		Long: `Clientctl connects to a presence server as a user, asks it for Fibonacci
numbers, shows who is online, and who was, and closes connections for an
operator.

Settings come from flags, else from the environment variables that the help
names, else from defaults.

` + strings.TrimRight(exitHelp(), "\n"),
		Example: `  clientctl connect --user 42
  echo 90 | clientctl connect --user 42
  clientctl fibonacci 90
  clientctl online
  clientctl watch --user 42
  clientctl online --at 10:00
  clientctl history 42
  clientctl kick 42`,
		Args:              noSuchCommand,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return applyEnvironment(cmd.Flags(), p) },
		SilenceErrors:     true,
		SilenceUsage:      true,
	}
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	root.SetFlagErrorFunc(flagError)
	versionFlag(root)
	root.AddCommand(newConnect(p), newFibonacci(p), newSequence(p), newOnline(p), newWatch(p), newHistory(p), newLastSeen(p), newTimeline(p),
		newEvents(p), newNodes(p), newKick(p), newStats(p), newVerify(p), newToken(p), newLoad(p), newVersion(p), newCompletion(p), newMan(p))
	for _, cmd := range root.Commands() {
		cmd.SuggestFor = append(cmd.SuggestFor, otherNames[cmd.Name()]...)
	}
	addCompletions(root, p)
	root.AddCommand(topics(root)...)
	root.SetHelpCommand(newHelp())
	root.InitDefaultHelpCmd() // else it would be there only once a command runs
	return root
}

func applyEnvironment(fs *pflag.FlagSet, p process) error {
	userGiven := fs.Changed("user")
	if err := envflag.Apply(fs, p.lookup); err != nil {
		return usage(err)
	}
	tokenOverUser(fs, userGiven)
	return nil
}

// variables leaves the named flags of fs settable by variables, and says so in their
// help. The others mean too much elsewhere: who has set LIMIT or TIMEOUT has not
// thought of clientctl.
func variables(fs *pflag.FlagSet, names ...string) {
	fs.VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(names, f.Name) {
			envflag.Ignore(fs, f.Name)
		}
	})
	envflag.Document(fs)
}

func usage(err error) error { return fault.Errorf(fault.Usage, "%w", err) }

// noArgs refuses arguments of a command that takes none.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		cmd.SuggestionsMinimumDistance = 2
		what := fmt.Sprintf("%s takes no arguments, got %q", cmd.Name(), args[0])
		return usage(errors.New(didYouMean(what, cmd.SuggestionsFor(args[0]))))
	}
	return nil
}

// oneOf checks a flag whose value is one of a few.
func oneOf(flag, value string, allowed ...string) error {
	if !slices.Contains(allowed, value) {
		return usage(fmt.Errorf("--%s %q: want %s", flag, value, strings.Join(allowed, " or ")))
	}
	return nil
}

// notNegative checks --timeout.
func notNegative(timeout time.Duration) error {
	if timeout < 0 {
		return usage(fmt.Errorf("--timeout %s: want 0 or more", timeout))
	}
	return nil
}
