// Command ferretdb is a MongoDB-compatible server for tests: FerretDB v1 embedded,
// on SQLite. It is a module of its own so that none of its dependencies is one of the
// product's.
//
//	ferretdb [DIRECTORY [ADDRESS]]
//
// Without a directory it makes one, and removes it when it ends. Without an address it
// listens on a free port of 127.0.0.1. It prints its URI as one line. It ends when
// its standard input ends, so that it cannot outlive the test that started it, however
// that test ended; or on SIGTERM or SIGINT.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ferretdb:", err)
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	if len(args) > 2 {
		return errors.New("usage: ferretdb [DIRECTORY [ADDRESS]]")
	}
	addr := "127.0.0.1:0"
	if len(args) == 2 {
		addr = args[1]
	}
	if len(args) > 0 {
		return serve(args[0], addr, stdin, stdout)
	}
	dir, err := os.MkdirTemp("", "presence-ferretdb-")
	if err != nil {
		return err
	}
	return errors.Join(serve(dir, addr, stdin, stdout), os.RemoveAll(dir))
}

func serve(dir, addr string, stdin io.Reader, stdout io.Writer) error {
	server, err := open(dir, addr)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with the process at the latest: a read of stdin cannot be cancelled
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()

	done := make(chan error, 1) // one value is sent
	go func() { done <- server.Run(ctx) }()
	if _, err := fmt.Fprintln(stdout, server.MongoDBURI()); err != nil {
		cancel()
	}
	return <-done
}

// open makes the server on the SQLite files of dir. Only errors are logged: its
// ordinary log is several lines for each command.
func open(dir, addr string) (*ferretdb.FerretDB, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	files := url.URL{Scheme: "file", Path: abs + "/"}
	return ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: addr},
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Handler:   "sqlite",
		SQLiteURL: files.String(),
	})
}
