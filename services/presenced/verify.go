package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/envflag"
	"github.com/presenced/presence/services/presence"
)

// errDiffers is returned by verify when something does not hold.
var errDiffers = errors.New("the log and online do not hold together; what was printed says where")

// verifyFlags are the settings of verify, besides those of the store. They have no
// variables: who has set REPAIR has not thought of presenced.
type verifyFlags struct {
	repair bool
	output string // text or json
}

func verifyCommand(env environment) *cobra.Command {
	cfg := defaultConfig()
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Fold the log, check its grammar, and compare it with online",
		Long: `verify reads every stream of the log, checks that its events follow the rules,
and compares the connections that are open in it with the collection online; of
the embedded store it also checks every page of the file.

On MongoDB it may run beside live nodes. What is being recorded, or what a live
node is about to mend, is no problem: where something differs it looks again,
for up to 35 s. The file of the embedded store can be read only when no
presenced has it open.

It changes nothing, unless --repair is given: then it inserts into online what
is absent, deletes ghosts, replaces what differs, and verifies again. It never
writes to the log. What an owner has not yet said to be recorded, and streams
that are sealed and not ended, it leaves to the nodes: a live one reconciles
its own stream within 30 s, and takes over those of the dead.

It exits with 0 if all holds (in the end), with 1 if not, and with 3 if the store
cannot be read.`,
		Example: `  presenced verify --data-dir ./data
  MONGODB_URI=mongodb://localhost:27017 presenced verify
  presenced verify --repair -o json | jq .repaired`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return verify(cmd.Context(), f, cfg, env)
		},
	}
	fs := cmd.Flags()
	cfg.storeFlags(fs)
	fs.BoolVar(&f.repair, "repair", false, "mend what differs in online")
	fs.StringVarP(&f.output, "output", "o", "text", "`format` of the output: text or json")
	envflag.Ignore(fs, "repair", "output")
	return cmd
}

func verify(ctx context.Context, f verifyFlags, cfg *config, env environment) error {
	show, err := reportWriter(f.output)
	if err = errors.Join(err, cfg.validateStore()); err != nil {
		return usageError{err}
	}
	log, err := newLog(cfg, env.stderr)
	if err != nil {
		return err
	}
	var v verdict
	err = within(ctx, cfg.openStoreToRead, log, func(o opened) (err error) {
		v.store = o.describe
		v.Report, err = o.verify(ctx, log)
		return err
	})
	if err == nil && f.repair && !v.Holds() {
		err = within(ctx, cfg.openStore, log, func(o opened) (err error) {
			v.repaired, v.Report, err = o.repair(ctx, v.Report, log)
			return err
		})
	}
	if err != nil {
		return err
	}
	if err := show(env.stdout, v); err != nil {
		return err
	}
	if !v.Holds() {
		return errDiffers
	}
	return nil
}

// within opens the store, does something with it, and closes it. A store that goes away
// meanwhile is one that cannot be reached: nothing was found out about what it has.
func within(ctx context.Context, open func(context.Context, *zap.Logger) (opened, error), log *zap.Logger, do func(opened) error) error {
	store, err := open(ctx, log)
	if err != nil {
		return err
	}
	err = do(store)
	if errors.Is(err, events.ErrUnavailable) && ctx.Err() == nil {
		err = storeError{err}
	}
	return errors.Join(err, store.close(context.WithoutCancel(ctx)))
}

// verify looks for damage first: what cannot be read cannot be folded.
func (o opened) verify(ctx context.Context, log *zap.Logger) (presence.Report, error) {
	if o.check != nil {
		if err := o.check(ctx); err != nil {
			return presence.Report{}, err
		}
	}
	return o.verifier(log).Verify(ctx)
}

// repair mends what the report says of online, and verifies again.
func (o opened) repair(ctx context.Context, found presence.Report, log *zap.Logger) ([]presence.Problem, presence.Report, error) {
	v := o.verifier(log)
	repaired, err := v.Repair(ctx, found)
	if err != nil {
		return repaired, found, err
	}
	left, err := v.Verify(ctx)
	return repaired, left, err
}

// verifyLive verifies a store that this process serves from.
func (o opened) verifyLive(ctx context.Context, log *zap.Logger) (presence.Report, error) {
	o.Exclusive = false // somebody is there who mends: this node
	o.check = o.checkLive
	return o.verify(ctx, log)
}

// verifier has patience where somebody has the store open too.
func (o opened) verifier(log *zap.Logger) presence.Verifier {
	v := presence.Verifier{Store: o.Store, Log: log}
	if !o.Exclusive {
		v.Patience = presence.LivePatience
	}
	return v
}
