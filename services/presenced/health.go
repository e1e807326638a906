package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// healthTimeout is how long the question of `presenced health` may take.
const healthTimeout = 3 * time.Second

func healthCommand() *cobra.Command {
	addr := defaultConfig().adminAddr
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a running presenced whether it is ready",
		Long: `health asks the operator's API of the presenced on this machine whether it is
ready, and exits with 0 if it is and with 1 if not. It is the health check of the
container image, which has no shell.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return health(cmd.Context(), addr, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&addr, "admin-addr", addr, "`host:port` of the operator's HTTP API")
	return cmd
}

func health(ctx context.Context, addr string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		return usageError{fmt.Errorf("ADMIN_ADDR (--admin-addr) is %q: %w", addr, err)}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", answer)
	}
	_, err = fmt.Fprintln(out, "ready")
	return err
}
