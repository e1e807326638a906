package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/presenced/presence/services/presenced/witness"
)

// options is what can be set.
type options struct {
	args  []string
	root  string
	out   string
	logs  string // directory; "": none
	nodes int    // to start, unless trial has some
	trial witness.Config
}

func parse(args []string) (options, error) {
	o := options{args: args}
	t := &o.trial
	fs := flag.NewFlagSet("lies", flag.ContinueOnError)
	fs.StringVar(&o.root, "root", "..", "`directory` of the checkout to build presenced from")
	fs.StringVar(&o.out, "out", "", "`file` whose section \"Lies\" is to be what was measured")
	fs.StringVar(&o.logs, "logs", "", "`directory` that the nodes' logs are appended to, a file each (default none are kept)")
	fs.IntVar(&o.nodes, "nodes", 3, "`number` of nodes to start")
	fs.Func("at", "a node that runs: `ID,ws://…,http://…`, its id and the addresses for clients and of the operator's API; may be given many times", func(text string) error {
		return addNode(t, text)
	})
	fs.Uint64Var(&t.Seed, "seed", uint64(time.Now().UnixNano()), "`number` that what is at random begins with (default from the clock)")
	fs.IntVar(&t.Clients, "clients", 100, "`number` of users, each with one connection at a time")
	fs.DurationVar(&t.For, "for", time.Minute, "`time` of coming, going and faults; a calm follows")
	fs.DurationVar(&t.Stay, "stay", 20*time.Second, "`time` that a connection lasts, on average")
	fs.Float64Var(&t.Silent, "silent", 0.05, "`part` of the connections that end by falling silent, 0 to 1")
	fs.DurationVar(&t.KillEvery, "kill", 12*time.Second, "`time` between two kills of a node, on average; 0: none")
	fs.DurationVar(&t.Restart, "restart", 2*time.Second, "`time` after which a killed node is started again")
	fs.DurationVar(&t.PauseEvery, "pause", 15*time.Second, "`time` between two pauses of a node, on average; 0: none")
	fs.DurationVar(&t.PauseFor, "pause-for", 15*time.Second, "`time` that a pause lasts; the lease is 10s")
	fs.DurationVar(&t.CutEvery, "cut", 15*time.Second, "`time` between two cuts of the link between a node and the database, on average; 0: none")
	fs.DurationVar(&t.CutFor, "cut-for", 12*time.Second, "`time` that a cut lasts; the lease is 10s")
	fs.DurationVar(&t.Patience, "patience", 2*time.Minute, "`time` that the calm may last until all is well")
	fs.DurationVar(&t.Bounds.Close, "bound-close", 5*time.Second, "`time` that a client may be online after it has closed")
	fs.DurationVar(&t.Bounds.Silent, "bound-silent", 35*time.Second, "`time` that a client may be online after it fell silent")
	fs.DurationVar(&t.Bounds.Death, "bound-death", 20*time.Second, "`time` that the users of a dead node may be online while another lives")
	fs.DurationVar(&t.Bounds.Rejoin, "bound-rejoin", 10*time.Second, "`time` after a pause in which a node's clients may be missing, as during it")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	return o, o.validate(fs.Args())
}

func addNode(t *witness.Config, text string) error {
	parts := strings.Split(text, ",")
	if len(parts) != 3 || !strings.HasPrefix(parts[1], "ws://") || !strings.HasPrefix(parts[2], "http://") {
		return errors.New("want ID,ws://HOST:PORT,http://HOST:PORT")
	}
	t.Nodes = append(t.Nodes, witness.Node{
		ID: parts[0], Clients: strings.TrimSuffix(parts[1], "/"), Admin: strings.TrimSuffix(parts[2], "/"),
	})
	return nil
}

func (o options) validate(rest []string) error {
	t := o.trial
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected %q", rest[0])
	case o.nodes < 1 || t.Clients < 1:
		return errors.New("--nodes and --clients: want at least 1")
	case t.Silent < 0 || t.Silent > 1:
		return fmt.Errorf("--silent is %g: want 0 to 1", t.Silent)
	case t.For <= 0 || t.Stay <= 0:
		return errors.New("--for and --stay: want more than 0")
	case t.KillEvery < 0 || t.PauseEvery < 0 || t.Restart < 0 || t.PauseFor < 0 || t.CutEvery < 0 || t.CutFor < 0:
		return errors.New("--kill, --restart, --pause, --pause-for, --cut and --cut-for: want no negative time")
	}
	return nil
}
