// Command lies measures for how long the service does not tell the truth. It has
// clients come and go on some nodes, kills and pauses the nodes, asks them each second
// who is online, and adds up, over users and time, what was answered and was not so:
// the clients know. From the directory bench:
//
//	go run ./lies                             three nodes on a database of their own
//	go run ./lies --kill 8s --pause 0 --for 5m
//	MONGODB_URI=… go run ./lies               on that database, in a new one that stays
//	go run ./lies --at n1,ws://HOST:8080,http://127.0.0.1:8081 --at …
//
// With --at it uses nodes that run already, does them no harm, and expects that nobody
// else is online. Otherwise it builds presenced, and FerretDB if there is no
// MONGODB_URI, from the checkout. The seed repeats what is at random here, not what
// the machine does. `go run ./lies --help` has all flags.
//
// A ghost is a user who is said to be online and is not connected; a missing user is
// connected, was welcomed, and is not said to be online. What the service promises no
// better is inside the bounds: the flags named --bound.
//
// Exit codes: 0 nothing outside of the bounds, 1 it could not be measured or verify
// found a difference, 2 usage, 3 something was outside.
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

	"github.com/presenced/presence/services/presenced/witness"
)

// The exit codes.
const (
	codeTrue   = 0
	codeFailed = 1
	codeUsage  = 2
	codeLied   = 3
)

func main() { os.Exit(mainCode()) }

func mainCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return codeTrue
	case err != nil:
		fmt.Fprintln(os.Stderr, "lies:", err)
		return codeUsage
	}
	r, err := run(ctx, o)
	if err == nil {
		err = r.publish(o.out)
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "lies:", err)
		return codeFailed
	case r.lies.Ghost.Outside+r.lies.Missing.Outside > 0:
		return codeLied
	}
	return codeTrue
}

// run starts what is needed, carries out the trial, and ends what it started.
func run(ctx context.Context, o options) (r result, err error) {
	r = result{options: o, began: time.Now(), verified: "not asked: these nodes are somebody else's"}
	if len(o.trial.Nodes) == 0 {
		var c *cluster
		if c, err = newCluster(ctx, o.root); err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, c.close()) }()
		if o.trial.Nodes, err = c.nodes(o.nodes, o.logs); err != nil {
			return r, err
		}
		r.commit, r.database = c.commit(), c.database
		defer func() {
			if err == nil {
				r.verified, err = c.verify(ctx)
			}
		}()
	}
	o.trial.Say = say
	say("seed %d", o.trial.Seed)
	err = witness.Run(ctx, o.trial, func(seen witness.Outcome) {
		r.outcome = seen
		var outside []witness.Lie
		r.lies, outside = witness.Lies(seen.Answers, seen.Sightings, seen.Faults, o.trial.Bounds)
		for _, l := range outside {
			what := "missing"
			if l.Ghost {
				what = "ghost"
			}
			say("outside: at %s %q is %s, of node %q", l.At.UTC().Format("15:04:05.000"), l.User, what, l.Node)
		}
	})
	return r, err
}

func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}
