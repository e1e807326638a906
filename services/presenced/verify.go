package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/presenced/presence/services/presence"
)

// errDiffers is returned by verify when something does not hold.
var errDiffers = errors.New("the log and online do not hold together; the lines above say where")

func verifyCommand(env environment) *cobra.Command {
	cfg := defaultConfig()
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Fold the log, check its grammar, and compare it with online",
		Long: `verify reads every stream of the log, checks that its events follow the rules,
and compares the connections that are open in it with the collection online; of the
embedded store it also checks every page of the file. It changes nothing. On MongoDB it may run beside live nodes; the file of the embedded
store can be read only when no presenced has it open.

It exits with 0 if all holds and with 1 if something differs.`,
		Example: `  presenced verify --data-dir ./data
  MONGODB_URI=mongodb://localhost:27017 presenced verify`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return verify(cmd.Context(), cfg, env)
		},
	}
	cfg.storeFlags(cmd.Flags())
	return cmd
}

func verify(ctx context.Context, cfg *config, env environment) error {
	if err := cfg.validateStore(); err != nil {
		return usageError{err}
	}
	log, err := newLog(cfg, env.stderr)
	if err != nil {
		return err
	}
	store, err := cfg.openStoreToRead(ctx, log)
	if err != nil {
		return err
	}
	report, err := store.verify(ctx)
	err = errors.Join(err, store.close(ctx))
	if err != nil {
		return err
	}
	if err := printReport(env.stdout, store.describe, report); err != nil {
		return err
	}
	if !report.Holds() {
		return errDiffers
	}
	return nil
}

// verify looks for damage first: what cannot be read cannot be folded.
func (o opened) verify(ctx context.Context) (presence.Report, error) {
	if o.check != nil {
		if err := o.check(ctx); err != nil {
			return presence.Report{}, err
		}
	}
	return presence.Verify(ctx, o.Store)
}

func printReport(w io.Writer, store string, r presence.Report) error {
	for _, p := range r.Problems {
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\n", p.Kind, p.Stream, p.Detail); err != nil {
			return err
		}
	}
	verdict := "all holds"
	if !r.Holds() {
		verdict = fmt.Sprintf("%d problems", len(r.Problems))
	}
	_, err := fmt.Fprintf(w, "%s: %d streams, %d events, %d open connections: %s\n",
		store, r.Streams, r.Events, r.Open, verdict)
	return err
}
