package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/presenced/presence/clientctl/refresh"
	"github.com/presenced/presence/clientctl/table"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The bounds of --watch, and what it is without a value.
const (
	leastInterval   = 100 * time.Millisecond
	mostInterval    = time.Hour
	defaultInterval = "2s"
)

const watchHelp = `With --watch, ask again and again, and show the newest answer: on a terminal in
the place of the one before, in a pipe one after the other, and with --output
json one object a line, with "time" and "rows". An answer that fails is told
("error"), and it goes on. Ctrl-C ends it, with exit code 130.`

// interval is how often to look; 0: once.
type interval time.Duration

var _ pflag.Value = (*interval)(nil)

// String implements pflag.Value.
func (i *interval) String() string {
	if *i == 0 {
		return ""
	}
	return time.Duration(*i).String()
}

// Set implements pflag.Value. A number alone is seconds, as those of watch(1) are.
func (i *interval) Set(text string) error {
	d, err := time.ParseDuration(text)
	if seconds, wrong := strconv.ParseFloat(text, 64); wrong == nil {
		d, err = time.Duration(min(max(seconds, 0), mostInterval.Seconds()+1)*float64(time.Second)), nil
	}
	if err != nil || d < leastInterval || d > mostInterval {
		return fmt.Errorf("want %s to 1h, such as 2s", leastInterval)
	}
	*i = interval(d)
	return nil
}

// Type implements pflag.Value.
func (i *interval) Type() string { return "INTERVAL" }

func (i *interval) addFlag(fs *pflag.FlagSet) {
	fs.VarP(i, "watch", "w", "ask again every `INTERVAL`, 100ms to 1h, until Ctrl-C")
	fs.Lookup("watch").NoOptDefVal = defaultInterval
}

// joinIntervals makes `--watch 5s` one argument, for commands that have this flag: pflag
// would take 5s for an argument of the command, as its value may be missing.
func joinIntervals(root *cobra.Command, args []string) []string {
	cmd, _, err := root.Find(args)
	if err != nil || cmd.Flags().Lookup("watch") == nil {
		return args
	}
	for i := 0; i+1 < len(args) && args[i] != "--"; i++ {
		if args[i] != "--watch" && args[i] != "-w" {
			continue
		}
		if d, err := time.ParseDuration(args[i+1]); err == nil && d != 0 {
			args = slices.Concat(args[:i], []string{"--watch=" + args[i+1]}, args[i+2:])
		}
	}
	return args
}

// repeat shows what look sees until ctx ends.
func repeat(ctx context.Context, q query, p process, look func(context.Context) (refresh.Frame, error)) error {
	every := time.Duration(q.watch)
	var show refresh.Show
	switch {
	case q.output == "json":
		show = refresh.JSON{Out: p.out, Escape: p.terminal}
	case p.moves:
		show = &refresh.InPlace{Out: p.out, Size: p.size, Bold: p.colour, Every: every}
	default:
		show = &refresh.OneByOne{Out: p.screen(), Every: every, Notice: func(text string) { fmt.Fprintln(p.err, "clientctl:", text) }}
	}
	return refresh.Run(ctx, refresh.Config{Every: every, Look: look, Show: show, Now: p.now})
}

// screen is the standard output, as it is now.
func (p process) screen() table.Screen {
	s := table.Screen{Writer: p.out, Bold: p.colour}
	if p.size != nil {
		s.Width, _ = p.size()
	}
	return s
}
