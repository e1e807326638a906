package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/presenced/presence/bench/compare"
	"github.com/presenced/presence/bench/peers"
	"github.com/presenced/presence/bench/scenario"
)

// options is what can be set.
type options struct {
	root          string
	only          string
	servers       string
	rounds        int
	compareRounds int
	quick         bool
	store         string
	out           string
	private       bool
}

func parse(args []string) (o options, err error) {
	fs := flag.NewFlagSet("run", flag.ContinueOnError)
	fs.StringVar(&o.root, "root", "..", "`directory` of the checkout to build presenced from")
	fs.StringVar(&o.only, "only", "", "`names` of the scenarios to run, with commas between (default all: "+strings.Join(names(), ", ")+")")
	fs.StringVar(&o.servers, "servers", "", "`names` of the servers to compare, with semicolons between (default all: "+strings.Join(serverNames(), "; ")+"); the floor is always among them")
	fs.IntVar(&o.rounds, "rounds", 3, "`number` of times that each scenario of presenced runs, in turn")
	fs.IntVar(&o.compareRounds, "compare-rounds", 5, "`number` of times that each comparison runs, in turn")
	fs.BoolVar(&o.quick, "quick", false, "a smoke run: small, one round, and no goal counts")
	fs.StringVar(&o.store, "store", "embedded", "embedded, or mongodb: a new database of MONGODB_URI for each server, which stays there")
	fs.StringVar(&o.out, "out", "", "`file` to write the results to as well: to the sections that they belong to")
	fs.BoolVar(&o.private, "private", false, "run in a network of its own, without the traffic of others; as root")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if o.quick {
		o.rounds, o.compareRounds = 1, 1
	}
	switch {
	case fs.NArg() > 0:
		err = fmt.Errorf("unexpected %q", fs.Arg(0))
	case o.rounds < 1 || o.compareRounds < 1:
		err = errors.New("--rounds and --compare-rounds: want at least 1")
	case o.store != "embedded" && o.store != "mongodb":
		err = fmt.Errorf("--store is %q: want embedded or mongodb", o.store)
	case o.store == "mongodb" && os.Getenv("MONGODB_URI") == "":
		err = errors.New("--store mongodb needs MONGODB_URI")
	case o.store == "mongodb" && o.private:
		err = errors.New("--private has no way to a database: use --store embedded")
	}
	return o, err
}

// allocations is the scenario that runs the product's own benchmarks.
const allocations = "allocations"

func names() []string {
	var all []string
	for _, s := range scenario.All() {
		all = append(all, s.Name)
	}
	return append(append(all, compare.Scenarios()...), allocations)
}

func serverNames() []string {
	var all []string
	for _, s := range peers.All() {
		all = append(all, s.Name)
	}
	return all
}

// chosen is what to run.
type chosen struct {
	own         []scenario.Scenario
	beside      []string
	servers     []peers.Server
	allocations bool
}

// choose returns the scenarios and the servers of those names, in their order, or all.
func (o options) choose() (c chosen, err error) {
	wanted, err := subset("--only", o.only, ",", names())
	if err != nil {
		return c, err
	}
	for _, s := range scenario.All() {
		if slices.Contains(wanted, s.Name) {
			c.own = append(c.own, s)
		}
	}
	for _, name := range compare.Scenarios() {
		if slices.Contains(wanted, name) {
			c.beside = append(c.beside, name)
		}
	}
	c.allocations = slices.Contains(wanted, allocations)
	servers, err := subset("--servers", o.servers, ";", serverNames())
	for _, s := range peers.All() {
		if s.Name == peers.Floor || slices.Contains(servers, s.Name) {
			c.servers = append(c.servers, s)
		}
	}
	return c, err
}

// subset splits a list of names, each of which is one of all, and none twice. An empty
// one is all.
func subset(flag, list, separator string, all []string) ([]string, error) {
	if list == "" {
		return all, nil
	}
	wanted := strings.Split(list, separator)
	for i, name := range wanted {
		if !slices.Contains(all, name) || slices.Contains(wanted[:i], name) {
			return nil, fmt.Errorf("%s is %q: want names of %s", flag, list, strings.Join(all, separator+" "))
		}
	}
	return wanted, nil
}
