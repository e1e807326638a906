package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/presenced/presence/clientctl/api"
	"github.com/presenced/presence/clientctl/online"
	"github.com/presenced/presence/clientctl/past"
	"github.com/presenced/presence/clientctl/talk"
	"github.com/presenced/presence/events"
	"github.com/spf13/cobra"
)

func newEvents(p process) *cobra.Command {
	var q query
	var follow bool
	var after string
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Show the log: who came and went",
		Long: `Show the events of the log, each stream's in order. With --follow, show what is
appended from now on, until Ctrl-C, with exit code 130. A server that goes away
meanwhile is asked again until it is back; no event is missed, and none is seen
twice.

At the end it says on standard error after which cursor to go on, with --after:
that is as good over the end of this program.`,
		Example: `  clientctl events
  clientctl events --follow
  clientctl events --follow --after n1/00000001/0000000000000001
  clientctl events -o json | jq -r 'select(.type == "connected").user'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if follow && !cmd.Flags().Changed("after") {
				after = "now"
			}
			return showEvents(cmd.Context(), q, p, after, follow)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what is appended")
	cmd.Flags().StringVar(&after, "after", "", "begin after this `CURSOR`; now: after all there is")
	q.addFlags(cmd.Flags())
	return cmd
}

func showEvents(ctx context.Context, q query, p process, after string, follow bool) error {
	c, err := q.client()
	if err != nil {
		return err
	}
	defer c.Close()
	read := past.Events
	if follow {
		read = func(ctx context.Context, c *api.Client, after string, show func(events.Event) error) (string, error) {
			return past.Follow(ctx, c, follower(after, show, p))
		}
	}
	cursor, err := read(ctx, c, after, showEvent(q, p))
	if cursor != after && cursor != "" {
		fmt.Fprintf(p.err, "clientctl: go on with --after %s\n", cursor)
	}
	return err
}

// showEvent returns what shows one event. On a terminal the head of the table comes again
// with each screenful.
func showEvent(q query, p process) func(events.Event) error {
	if q.output == "json" {
		return func(e events.Event) error { return online.JSON(p.out, []events.Event{e}, p.terminal) }
	}
	every := 0
	if p.size != nil {
		_, height := p.size()
		every = max(height-2, 1)
	}
	t := past.NewEventTable(every)
	return func(e events.Event) error { return t.Add(p.screen(), e, p.now()) }
}

// followBackoff is how long to wait for a server that has gone. Few follow the log, so they may
// come back soon.
var followBackoff = talk.Backoff{Base: 250 * time.Millisecond, Max: 3 * time.Second}

func follower(after string, show func(events.Event) error, p process) past.Follower {
	notice := func(text string) { fmt.Fprintln(p.err, "clientctl:", text) }
	return past.Follower{
		After: after, Event: show,
		Lost: func(err error, n int) time.Duration {
			if n == 0 {
				notice(err.Error() + "; trying again until it is back")
			}
			return followBackoff.Delay(n, 0, rand.Float64())
		},
		Back: func() { notice("it is back, and the log goes on where it stopped") },
	}
}
