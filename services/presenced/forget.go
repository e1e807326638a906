package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/envflag"
	"github.com/presenced/presence/services/presence"
)

// errOpen is returned by forget when connections of the user have not ended.
var errOpen = errors.New("connections of the user are still open, and were left as they are; run forget again when they have ended")

// forgetFlags are the settings of forget, besides those of the store. They have no
// variables: nobody should be forgotten by a setting that was left behind.
type forgetFlags struct {
	apply  bool
	output string // text or json
}

func forgetCommand(env environment) *cobra.Command {
	cfg := defaultConfig()
	var f forgetFlags
	cmd := &cobra.Command{
		Use:   "forget USER",
		Short: "Take a user out of the past",
		Long: `forget says how many connections of a user there were, and with --apply takes his
name out of all of them that have ended: in events and snapshots a random name
stands in its place, "forgotten-" and 26 characters, the same for all of one call,
and the addresses and agents are gone. It derives from nothing, and nothing keeps
the two names together. How many were online at any time stays as it was, and so
does the history of everybody else. What is kept for the receiver of webhooks goes
if it names the user; the receiver is then told all anew.

A connection that is still open is left as it is, and forget exits with 5: close
it (clientctl kick), and run forget again. That is always safe: also after it was
stopped in the middle, when it goes on under the same random name.

On MongoDB it may run beside live nodes, of which none is older than this command;
then it takes a minute, to look for a snapshot that one of them was just writing.
It needs a user who may update events, snapshots and kicks, and save hooks. The
file of the embedded store can be opened only when no presenced has it open: stop
it first. It is written anew without what was replaced, for which the disk needs
room.

What forget cannot reach: backups, the database's own log of changes, the log of
this program, and whoever has read the name before.`,
		Example: `  presenced forget ana
  presenced forget ana --apply`,
		Args: oneUser,
		RunE: func(cmd *cobra.Command, args []string) error {
			return forget(cmd.Context(), args[0], f, cfg, env)
		},
	}
	fs := cmd.Flags()
	cfg.storeFlags(fs)
	fs.BoolVar(&f.apply, "apply", false, "forget; without it, only say what would be forgotten")
	fs.StringVarP(&f.output, "output", "o", "text", "`format` of the output: text or json")
	envflag.Ignore(fs, "apply", "output")
	return cmd
}

// oneUser is for a command of one user.
func oneUser(cmd *cobra.Command, args []string) error {
	err := cobra.ExactArgs(1)(cmd, args)
	switch {
	case err != nil:
		err = fmt.Errorf("%w (see `%s --help`)", err, cmd.CommandPath())
	case events.IsTombstone(args[0]):
		err = fmt.Errorf("%q stands for a user who is forgotten already", args[0])
	default:
		err = events.ValidateUser(args[0])
	}
	if err != nil {
		return usageError{err}
	}
	return nil
}

func forget(ctx context.Context, user string, f forgetFlags, cfg *config, env environment) error {
	show, err := forgottenWriter(f.output)
	if err = errors.Join(err, cfg.validateStore()); err != nil {
		return usageError{err}
	}
	log, err := newLog(cfg, env.stderr)
	if err != nil {
		return err
	}
	out := forgotten{apply: f.apply}
	err = within(ctx, cfg.openStoreToRead, log, func(o opened) (err error) {
		out.store = o.describe
		if !f.apply { // otherwise only to see that there is a store, for openStore may make one
			out.found, err = presence.PlanForget(ctx, o.Store, user)
		}
		return err
	})
	if err == nil && f.apply {
		err = within(ctx, cfg.openStore, log, func(o opened) (err error) {
			out.found, err = o.forget(ctx, user, log)
			return asOperator(err)
		})
	}
	if err == nil {
		err = show(env.stdout, out)
	}
	if err == nil && f.apply && out.found.Open > 0 {
		err = errOpen
	}
	return err
}

// tellEvery is how often a long forget tells in the log how far it is.
const tellEvery = 5 * time.Second

// forget forgets a user in everything that is stored. The log never has the name.
func (o opened) forget(ctx context.Context, user string, log *zap.Logger) (presence.Forgotten, error) {
	told := time.Now()
	if !o.Exclusive {
		log.Info("forgetting; where nodes live it takes a minute more than it has to do")
	}
	done, err := presence.Forget(ctx, o.Store, user, func(f presence.Forgotten) {
		if time.Since(told) >= tellEvery {
			told = time.Now()
			log.Info("forgetting", zap.Int("connections", f.Connections), zap.Int("snapshots", f.Snapshots))
		}
	})
	if err != nil || o.compact == nil {
		return done, err
	}
	if err := o.compact(ctx); err != nil {
		return done, fmt.Errorf("the user is forgotten, but the file has what was replaced until it is written anew; run forget again: %w", err)
	}
	return done, nil
}

// forgotten is what forget has to say. The random name is not said: who reads this knows
// the other one.
type forgotten struct {
	store string
	apply bool
	found presence.Forgotten
}

// forgottenWriter is the way to write what was forgotten in a format.
func forgottenWriter(format string) (func(io.Writer, forgotten) error, error) {
	switch format {
	case "text":
		return writeForgotten, nil
	case "json":
		return writeForgottenJSON, nil
	}
	return nil, fmt.Errorf("--output is %q: want text or json", format)
}

// writeForgotten writes one line, one for webhooks, and one for what is not over.
func writeForgotten(w io.Writer, f forgotten) error {
	verb := "to forget (dry run; --apply forgets)"
	if f.apply {
		verb = "forgotten"
	}
	text := fmt.Sprintf("%s: %s, in %s of snapshots, %s\n", f.store, count(f.found.Connections, "connection"), count(f.found.Snapshots, "part"), verb)
	if f.found.Hook {
		text += "what was kept for the receiver of webhooks names him too; when that goes, it is told all anew\n"
	}
	if f.found.Open > 0 {
		text += fmt.Sprintf("still open: %s; run it again when none is\n", count(f.found.Open, "connection"))
	}
	if f.found.Unfinished {
		text += "an earlier forget of this user has not come to its end: --apply completes it\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

// writeForgottenJSON writes one object.
func writeForgottenJSON(w io.Writer, f forgotten) error {
	return json.NewEncoder(w).Encode(struct {
		Store       string `json:"store"`
		Applied     bool   `json:"applied"`
		Connections int    `json:"connections"` // that have ended
		Snapshots   int    `json:"snapshots"`   // parts of snapshots that named the user for one of them
		Webhooks    bool   `json:"webhooks"`    // what is kept for webhooks named the user
		Open        int    `json:"open"`        // connections that have not ended
		Unfinished  bool   `json:"unfinished"`  // an earlier forget has not come to its end
	}{f.store, f.apply, f.found.Connections, f.found.Snapshots, f.found.Hook, f.found.Open, f.found.Unfinished})
}
