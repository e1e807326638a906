package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/envflag"
	"github.com/presenced/presence/services/presence"
)

// minRetention is the least that retain keeps: what is younger may still be read by who
// follows the log.
const minRetention = time.Hour

// retainFlags are the settings of retain, besides those of the store. They have no
// variables: nobody should delete by a setting that was left behind.
type retainFlags struct {
	olderThan string
	apply     bool
}

func retainCommand(env environment) *cobra.Command {
	cfg := defaultConfig()
	var f retainFlags
	cmd := &cobra.Command{
		Use:   "retain --older-than AGE",
		Short: "Delete what is old from the log",
		Long: `retain says what of the log is older than an age, such as 90d, 12w or 36h, and with
--apply deletes it. From then on history answers questions about times since
then, as exactly as before, and refuses those about times before.

It leaves alone: the seal of the latest epoch of each node id, and what follows
it; an epoch that has not ended in good order and is not taken over yet; and the
log of an epoch from the first connection on that was still open at that time. So
a node that runs for long keeps all of its epoch. An epoch whose events make no
sense, which verify finds too, it names and leaves alone.

On MongoDB it may run beside live nodes; it needs a user who may delete from
events and snapshots. The file of the embedded store can be opened only when no
presenced has it open; it does not shrink, what is freed is used again.`,
		Example: `  presenced retain --older-than 90d
  presenced retain --older-than 90d --apply`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return retain(cmd.Context(), f, cfg, env)
		},
	}
	fs := cmd.Flags()
	cfg.storeFlags(fs)
	fs.StringVar(&f.olderThan, "older-than", "", "`age` of what is deleted: days (90d), weeks (12w), or a duration (36h); at least 1h")
	fs.BoolVar(&f.apply, "apply", false, "delete; without it, only say what would be deleted")
	envflag.Ignore(fs, "older-than", "apply")
	return cmd
}

func retain(ctx context.Context, f retainFlags, cfg *config, env environment) error {
	age, err := parseAge(f.olderThan)
	if err = errors.Join(err, cfg.validateStore()); err != nil {
		return usageError{err}
	}
	log, err := newLog(cfg, env.stderr)
	if err != nil {
		return err
	}
	horizon := events.Milliseconds(time.Now().Add(-age))
	out := retained{w: env.stdout, horizon: horizon, apply: f.apply}
	var plan []presence.Cut
	err = within(ctx, cfg.openStoreToRead, log, func(o opened) (err error) {
		out.store = o.describe
		plan, err = presence.PlanRetention(ctx, o.Store, horizon)
		return err
	})
	if err != nil {
		return err
	}
	if !f.apply {
		for _, c := range plan {
			out.cut(c)
		}
		return out.end()
	}
	if len(plan) > 0 {
		out.left(plan)
		err = within(ctx, cfg.openStore, log, func(o opened) error {
			return asOperator(presence.Retain(ctx, o.Store, horizon, plan, out.cut))
		})
	}
	return errors.Join(err, out.end())
}

// asOperator adds to the error of a store that refuses what only an operator may do whom
// to ask.
func asOperator(err error) error {
	if errors.Is(err, events.ErrRefused) {
		return fmt.Errorf("%w (on MongoDB this needs the operator's role: see docs/OPERATIONS.md)", err)
	}
	return err
}

// parseAge reads a duration, or a number of days or weeks.
func parseAge(text string) (time.Duration, error) {
	const usage = "--older-than is %q: want an age such as 90d, 12w or 36h, of at least 1h"
	age, err := time.ParseDuration(text)
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		digits, found := strings.CutSuffix(text, unit)
		if !found {
			continue
		}
		var n uint64
		n, err = strconv.ParseUint(digits, 10, 16)
		age = time.Duration(math.MaxInt64)
		if n <= uint64(age/length) {
			age = time.Duration(n) * length
		}
	}
	if err != nil || age < minRetention {
		return 0, fmt.Errorf(usage, text)
	}
	return age, nil
}

// retained writes what was, or would be, deleted.
type retained struct {
	w       io.Writer
	store   string
	horizon time.Time
	apply   bool

	streams int
	events  uint64
	err     error
}

// left names the streams of a plan of which nothing is deleted.
func (r *retained) left(plan []presence.Cut) {
	for _, c := range plan {
		if c.Broken != nil {
			r.cut(c)
		}
	}
}

func (r *retained) cut(c presence.Cut) {
	if c.Broken != nil {
		r.print("%s\tleft alone\t%v\n", c.Below.Stream, c.Broken)
		return
	}
	r.streams++
	r.events += c.Events()
	what := "before " + c.Below.String()
	if c.Whole {
		what = "all of it"
	}
	r.print("%s\t%s\t%s\n", c.Below.Stream, count(c.Events(), "event"), what)
}

func (r *retained) end() error {
	verb := "to delete (dry run; --apply deletes)"
	if r.apply {
		verb = "deleted"
	}
	r.print("%s: %s of %s, from before %s, %s\n",
		r.store, count(r.events, "event"), count(r.streams, "stream"), r.horizon.Format(time.RFC3339), verb)
	return r.err
}

func (r *retained) print(format string, args ...any) {
	if r.err == nil {
		_, r.err = fmt.Fprintf(r.w, format, args...)
	}
}
