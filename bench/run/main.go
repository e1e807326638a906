// Command run measures this checkout's presenced and prints one table: what was
// measured, what the goal is, and whether it held. From the directory bench:
//
//	go run ./run                      everything, about a quarter of an hour
//	go run ./run --quick              a smoke run; its numbers mean nothing
//	go run ./run --out RESULTS.md     writes the results to a file as well
//
// In the file they replace what is there before the first section ("## …"). The sections
// stay: other commands, and people, write these.
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
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/presenced/presence/bench/report"
	"github.com/presenced/presence/bench/scenario"
	"github.com/presenced/presence/bench/server"
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

// options is what can be set.
type options struct {
	root   string
	only   string
	rounds int
	quick  bool
	store  string
	out    string
}

func parse(args []string) (o options, err error) {
	fs := flag.NewFlagSet("run", flag.ContinueOnError)
	fs.StringVar(&o.root, "root", "..", "`directory` of the checkout to build presenced from")
	fs.StringVar(&o.only, "only", "", "`names` of the scenarios to run, with commas between (default all: "+names()+")")
	fs.IntVar(&o.rounds, "rounds", 3, "`number` of times that each scenario runs, in turn")
	fs.BoolVar(&o.quick, "quick", false, "a smoke run: small, one round, and no goal counts")
	fs.StringVar(&o.store, "store", "embedded", "embedded, or mongodb: a new database of MONGODB_URI for each server, which stays there")
	fs.StringVar(&o.out, "out", "", "`file` to write the results to as well, before its first section")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if o.quick {
		o.rounds = 1
	}
	switch {
	case fs.NArg() > 0:
		err = fmt.Errorf("unexpected %q", fs.Arg(0))
	case o.rounds < 1:
		err = errors.New("--rounds: want at least 1")
	case o.store != "embedded" && o.store != "mongodb":
		err = fmt.Errorf("--store is %q: want embedded or mongodb", o.store)
	case o.store == "mongodb" && os.Getenv("MONGODB_URI") == "":
		err = errors.New("--store mongodb needs MONGODB_URI")
	}
	return o, err
}

func run(ctx context.Context, args []string) (code int, err error) {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return codeHeld, nil
	}
	if err != nil {
		return codeUsage, err
	}
	scenarios, err := choose(o.only)
	if err != nil {
		return codeUsage, err
	}
	if err := raiseFiles(); err != nil {
		return codeFailed, err
	}
	dir, err := os.MkdirTemp("", "presence-bench-")
	if err != nil {
		return codeFailed, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	build, err := server.NewBuild(ctx, o.root, "./services/presenced", dir)
	if err != nil {
		return codeFailed, err
	}
	floor, err := server.NewBuild(ctx, ".", "github.com/presenced/presence/bench/floor", dir)
	if err != nil {
		return codeFailed, err
	}
	table, err := measure(ctx, o, scenarios, bench(o, build.Path, floor.Path, dir))
	if err != nil {
		return codeFailed, err
	}
	if err := publish(o, build, args, table); err != nil {
		return codeFailed, err
	}
	if n := table.Missed(); n > 0 && !o.quick {
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

// measure runs the scenarios in turn, all of them once, and then again: so what the
// machine is busy with for a while does not fall upon all rounds of one.
func measure(ctx context.Context, o options, scenarios []scenario.Scenario, b scenario.Bench) (*report.Table, error) {
	table := new(report.Table)
	for round := range o.rounds {
		for _, s := range scenarios {
			say("%s, round %d of %d", s.Name, round+1, o.rounds)
			m, err := s.Run(ctx, b)
			if err != nil {
				return nil, fmt.Errorf("%s, round %d: %w", s.Name, round+1, err)
			}
			table.Add(s.Name, m)
		}
	}
	return table, nil
}

// publish prints the results, and writes them to the file that was asked for.
func publish(o options, build server.Build, args []string, table *report.Table) error {
	var b bytes.Buffer
	if err := report.Preamble(&b, build, o.store, args); err != nil {
		return err
	}
	if err := table.Write(&b); err != nil {
		return err
	}
	if o.quick {
		b.WriteString("\nA smoke run: these numbers mean nothing.\n")
	}
	if o.out != "" {
		if err := writeHead(o.out, b.String()); err != nil {
			return err
		}
	}
	_, err := io.Copy(os.Stdout, &b)
	return err
}

// writeHead makes the results the head of a file, which may be missing, and leaves its
// sections as they are.
func writeHead(file, head string) error {
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(file, []byte(report.ReplaceHead(string(old), head)), 0o600) //nolint:gosec // the file that the user names
}

func names() string {
	var all []string
	for _, s := range scenario.All() {
		all = append(all, s.Name)
	}
	return strings.Join(all, ", ")
}

// choose returns the scenarios of those names, in their order, or all.
func choose(only string) ([]scenario.Scenario, error) {
	if only == "" {
		return scenario.All(), nil
	}
	wanted := strings.Split(only, ",")
	var chosen []scenario.Scenario
	for _, s := range scenario.All() {
		if slices.Contains(wanted, s.Name) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) != len(wanted) {
		return nil, fmt.Errorf("--only is %q: want names of %s", only, names())
	}
	return chosen, nil
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
