// Command run measures this checkout's presenced, compares its gateway with other
// WebSocket servers that do the same work, and prints what was measured, what the goal
// is, and whether it held. From the directory bench:
//
//	go run ./run                      everything, 25 minutes, of which 16 compare
//	go run ./run --quick              a smoke run; its numbers mean nothing
//	go run ./run --out RESULTS.md     writes the results to a file as well
//	go run ./run --only crowd,commands --servers "gateway;nbio;gws" --compare-rounds 3
//
// In the file the results of presenced replace what is there before the first section
// ("## …"), and the comparison its own section. The others stay: other commands, and
// people, write these.
//
// With --private, as root, clients and servers have a network of their own, with nobody
// else's traffic.
//
// On a machine that others use as well, give the benchmark's session more of the
// processors than theirs, as root; the results say that it was so:
//
//	setsid -w sh -c 'echo -15 > /proc/self/autogroup; exec go run ./run'
//
// Exit codes: 0 all goals held, 1 it could not be measured, 2 usage, 3 a goal was
// missed. Of a smoke run only 0, 1 and 2.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/presenced/presence/bench/scenario"
)

func main() { os.Exit(mainCode()) }

func mainCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code, err := run(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
	}
	return code
}

// The exit codes.
const (
	codeHeld   = 0
	codeFailed = 1
	codeUsage  = 2
	codeMissed = 3
)

func run(ctx context.Context, args []string) (code int, err error) {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return codeHeld, nil
	}
	if err != nil {
		return codeUsage, err
	}
	c, err := o.choose()
	if err != nil {
		return codeUsage, err
	}
	if o.private && !isPrivate() {
		return runPrivate(ctx, args)
	}
	if isPrivate() {
		if err := raiseLoopback(); err != nil {
			return codeFailed, err
		}
	}
	if err := raiseFiles(); err != nil {
		return codeFailed, err
	}
	dir, err := os.MkdirTemp("", "presence-bench-")
	if err != nil {
		return codeFailed, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r := results{options: o, args: args}
	if err := r.measure(ctx, c, dir); err != nil {
		return codeFailed, err
	}
	if err := r.publish(); err != nil {
		return codeFailed, err
	}
	if n := r.missed(); n > 0 && !o.quick {
		return codeMissed, fmt.Errorf("goals missed: %d", n)
	}
	return codeHeld, nil
}

func bench(o options, program, floor, dir string) scenario.Bench {
	b := scenario.Bench{Program: program, Floor: floor, Quick: o.quick, Store: scenario.TempStore(dir), Say: say}
	if o.store == "mongodb" {
		b.Store = scenario.MongoStore(os.Getenv("MONGODB_URI"))
	}
	return b
}

func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

// raiseFiles lets this process, and the servers that it starts, have as many sockets
// as the hard limit allows.
func raiseFiles() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("getrlimit: %w", err)
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("setrlimit: %w", err)
	}
	return nil
}
