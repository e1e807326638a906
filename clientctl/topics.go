package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const outputHelp = `Standard output has results alone; what becomes of a connection, and errors, go to
standard error.

What is a table has --output table, and --output json for programs: one object a
line. In a file or a pipe a table has all values whole. On a terminal it is made
to fit: times of today are shown without their date, long texts and ids are cut,
with …, and columns that still have no room are left out. To see them, widen the
terminal, or let it through cat.

Heads are bold on a terminal, unless NO_COLOR is set or TERM is dumb. What others
wrote, such as the names of users, is shown with escapes where it would change
the terminal. Times are in the local time zone, which TZ sets; in JSON they are
in UTC.

` + watchHelp

const timesHelp = timeHelp + `

  clientctl online --at 10:00
  clientctl online --at -2h
  clientctl history ana --from "2026-11-23 09:00" --to 2026-11-23T10:30:00Z

The log has times by the clocks of the servers. Where a node died, nobody knows
when its clients left: from its last sign of life, LAST CONFIRMED, until it was
declared lost, they are neither online nor offline, but unknown.`

// topics are help pages that are of no command. They come last, since one lists the
// variables of all commands.
func topics(root *cobra.Command) []*cobra.Command {
	return []*cobra.Command{
		{Use: "environment", Short: "Variables in place of flags", Long: environmentHelp(root)},
		{Use: "exit-codes", Short: "What the exit codes mean", Long: strings.TrimRight(exitHelp(), "\n")},
		{Use: "output", Short: "Tables, JSON, and --watch", Long: outputHelp},
		{Use: "times", Short: "How times are given", Long: timesHelp},
	}
}

// inUsage finds the variables that envflag has written into the usage of a flag.
var inUsage = regexp.MustCompile(` \(env (.*)\)$`)

func environmentHelp(root *cobra.Command) string {
	seen := make(map[string]string)
	for _, cmd := range commands(root) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			_, usage := pflag.UnquoteUsage(f)
			if found := inUsage.FindStringSubmatch(usage); found != nil {
				seen[found[1]] = fmt.Sprintf("  %-33s --%s", found[1], f.Name)
			}
		})
	}
	var lines []string
	for _, line := range seen {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return `These variables stand for flags of the commands that have them; the flag wins. An
empty variable is none. A secret can be in the file that NAME_FILE names, so that
it is on no command line.

` + strings.Join(lines, "\n") + `

And these change how it looks:

  NO_COLOR                          nothing is bold or coloured
  TERM=dumb                         nothing is, and nothing is drawn in place
  TZ                                the time zone`
}

func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND or TOPIC]",
		Short: "Show the help of a command, or of a topic",
		Long: `Show the help of a command, or of a topic: environment, exit-codes, output, times.
Without either, show what there is.`,
		Example: `  clientctl help online
  clientctl help exit-codes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			found, err := find(cmd.Root(), args)
			if err != nil {
				return err
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
		ValidArgsFunction: completeCommands,
		PersistentPreRun:  func(*cobra.Command, []string) {}, // a wrong variable is no reason to give no help
	}
}

// find returns the command, or the topic, that args name.
func find(root *cobra.Command, args []string) (*cobra.Command, error) {
	cmd := root
	for _, name := range args {
		i := slices.IndexFunc(cmd.Commands(), func(sub *cobra.Command) bool { return sub.Name() == name })
		if i < 0 {
			return nil, noSuchCommand(cmd, []string{name})
		}
		cmd = cmd.Commands()[i]
	}
	return cmd, nil
}
