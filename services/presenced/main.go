// Command presenced is the presence service: WebSocket clients connect to it, and it
// keeps who is online, and who was, in a database.
//
// This package reads the configuration, joins the packages that do the work, and
// starts and stops them in order; it is the only place of the service that reads the
// environment. `presenced --help` lists what can be set.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(int(mainCode()))
}

// mainCode runs the command until it ends by itself or by the first SIGINT or
// SIGTERM, which ends it in good order. A second signal ends it at once.
func mainCode() exitCode {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return run(ctx, environment{
		args: os.Args[1:], lookup: os.LookupEnv, stdout: os.Stdout, stderr: os.Stderr,
	})
}
