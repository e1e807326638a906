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
// This package parses and wires. What the commands do is in the packages below it.
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
	size := sizeOf(os.Stdout)
	return run(ctx, os.Args[1:], process{
		in:         os.Stdin,
		out:        os.Stdout,
		err:        os.Stderr,
		lookup:     os.LookupEnv,
		now:        time.Now,
		terminalIn: term.IsTerminal(int(os.Stdin.Fd())),
		terminal:   size != nil,
		colour:     size != nil && terminal.MayColour(os.LookupEnv),
		moves:      size != nil && terminal.Moves(os.LookupEnv),
		size:       size,
		widthErr:   widthOf(os.Stderr),
		handles:    handles{os.Stdin, os.Stdout},
	})
}

// sizeOf returns how to find how many characters a line of a terminal has, and how many
// lines it has; nil: f is none. One that does not say is of 80 by 24.
func sizeOf(f *os.File) func() (width, height int) {
	fd := int(f.Fd())
	if !term.IsTerminal(fd) {
		return nil
	}
	return func() (width, height int) {
		width, height, err := term.GetSize(fd)
		if err != nil || width <= 0 || height <= 0 {
			return 80, 24
		}
		return width, height
	}
}

// widthOf is sizeOf without the height.
func widthOf(f *os.File) func() int {
	size := sizeOf(f)
	if size == nil {
		return nil
	}
	return func() int {
		width, _ := size()
		return width
	}
}
