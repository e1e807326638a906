// Clientctl is the command line of the presence service: it connects as a user,
// asks for Fibonacci numbers, and shows who is online.
//
//	clientctl connect --user 42
//	clientctl fibonacci 90
//	clientctl online
//
// Standard output has results alone; what becomes of the connection, and errors, go
// to standard error. `clientctl help` lists the exit codes.
//
// This package parses and wires. What the commands do is in packages talk, online and
// load below it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/presenced/presence/clientctl/terminal"
	"golang.org/x/term"
)

func main() { os.Exit(realMain()) }

// realMain runs the command line until it is done or a signal comes. The first
// SIGINT or SIGTERM ends it cleanly, the second one at once.
func realMain() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	toPerson := term.IsTerminal(int(os.Stdout.Fd()))
	return run(ctx, os.Args[1:], process{
		in:         os.Stdin,
		out:        os.Stdout,
		err:        os.Stderr,
		lookup:     os.LookupEnv,
		now:        time.Now,
		terminalIn: term.IsTerminal(int(os.Stdin.Fd())),
		terminal:   toPerson,
		colour:     toPerson && terminal.Colours(os.LookupEnv),
		widthErr:   widthOf(os.Stderr),
	})
}

// widthOf returns how to find how many characters a line of a terminal has; nil: f is
// none.
func widthOf(f *os.File) func() int {
	fd := int(f.Fd())
	if !term.IsTerminal(fd) {
		return nil
	}
	return func() int {
		width, _, err := term.GetSize(fd)
		if err != nil || width <= 0 {
			return 80
		}
		return width
	}
}
