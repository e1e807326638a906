package main

import (
	"context"
	"fmt"
	"time"

	"github.com/presenced/presence/clientctl/api"
	"github.com/presenced/presence/clientctl/past"
	"github.com/presenced/presence/clientctl/table"
	"github.com/spf13/cobra"
)

// How many instants the server tells of at once, and how many are asked for unless it is
// said: these fit on a screen.
const (
	minPoints, maxPoints = 2, 1000
	defaultPoints        = 21
)

func newTimeline(p process) *cobra.Command {
	var q query
	var from, to string
	var points int
	cmd := &cobra.Command{
		Use:   "timeline",
		Short: "Show how many were online in the course of time",
		Long: `Show how many users and connections were online at instants that are evenly
apart, the most users that were online until the next of them, and when nodes
started, left or were lost. Where a node died it is not known whether its clients
were there until it was declared lost: these are UNKNOWN, never online, and a
bar's lighter end.

With --output json, instants and nodes are an object each, in the order of time.

` + watchHelp + `

` + timeHelp,
		Example: `  clientctl timeline
  clientctl timeline --from -10m --watch
  clientctl timeline --from -24h --points 49
  clientctl timeline --from "2026-11-23 09:00" --to 11:00 -o json | jq 'select(.kind == "lost")'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now := p.now()
			since, err := parseTime("from", from, now)
			if err != nil {
				return err
			}
			until, err := parseTime("to", to, now)
			if err != nil {
				return err
			}
			if err := checkTimeline(since, until, points, now); err != nil {
				return err
			}
			var last past.Timeline
			return showRows(cmd.Context(), q, p, func(ctx context.Context, c *api.Client) ([]any, error) {
				if q.watch != 0 { // how long ago is as of each answer
					since, _ = parseTime("from", from, p.now())
					until, _ = parseTime("to", to, p.now())
				}
				var err error
				last, err = past.GetTimeline(ctx, c, since, until, points)
				return last.Rows(), err
			}, func(s table.Screen, _ []any) error { return past.TimelineTable(s, last, p.now()) })
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "begin at this `TIME`; left out, an hour before --to")
	cmd.Flags().StringVar(&to, "to", "", "end at this `TIME`; left out, now")
	cmd.Flags().IntVar(&points, "points", defaultPoints, "at so many instants, 2 to 1000")
	q.addFlags(cmd.Flags())
	q.watch.addFlag(cmd.Flags())
	return cmd
}

// checkTimeline checks what is asked for.
func checkTimeline(from, to time.Time, points int, now time.Time) error {
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		return usage(fmt.Errorf("--from %s is not before --to %s", past.Show(from, now), past.Show(to, now)))
	}
	if points < minPoints || points > maxPoints {
		return usage(fmt.Errorf("--points %d: want %d to %d", points, minPoints, maxPoints))
	}
	return nil
}
