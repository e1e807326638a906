package compare

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/presenced/presence/bench/peers"
	"github.com/presenced/presence/bench/server"
)

// Options is what to compare, and how.
type Options struct {
	Servers   []peers.Server // built; the floor among them
	Scenarios []string
	Rounds    int
	Quick     bool                             // a smoke run: fewer clients, shorter, and its numbers mean nothing
	Store     func() ([]string, error)         // variables that give presenced a new, empty store
	Say       func(format string, args ...any) // tells whoever waits what goes on
}

// Scenarios are the names of all, in the order in which they run.
func Scenarios() []string { return []string{peers.Crowd, peers.Commands, peers.Connect} }

// contest is one server that runs, in one round of one scenario.
type contest struct {
	*server.Server // that runs
	collects       bool
	quick          bool
}

// measured is what a contest found, by the names of the measures.
type measured map[string]float64

func scenario(name string) func(context.Context, contest) (measured, error) {
	switch name {
	case peers.Crowd:
		return crowd
	case peers.Commands:
		return commands
	case peers.Connect:
		return connect
	}
	return nil
}

// Run runs all rounds: in each of them each scenario, and for that each server in turn.
func Run(ctx context.Context, o Options) (*Table, error) {
	table := NewTable(o.Rounds, names(o.Servers))
	for round := range o.Rounds {
		for _, name := range o.Scenarios {
			for _, s := range turns(o.Servers, round) {
				if !s.Plays(name) {
					continue
				}
				o.Say("%s, round %d of %d: %s", name, round+1, o.Rounds, s.Name)
				m, err := o.one(ctx, name, s)
				if err != nil {
					return nil, fmt.Errorf("%s, round %d: %s: %w", name, round+1, s.Name, err)
				}
				table.Add(round, s.Name, m)
				if price, ok := m[tickOf(largest)]; ok && s.Name == peers.Floor {
					table.Add(round, boundName, measured{lateness: bound(price)})
				}
			}
		}
	}
	return table, nil
}

func names(servers []peers.Server) []string {
	var all []string
	for _, s := range servers {
		all = append(all, s.Name)
		if s.Name == peers.Floor {
			all = append(all, boundName)
		}
	}
	return all
}

// turns are the servers in the order of a round: the floor, and then the others, another
// of them first in each round.
func turns(servers []peers.Server, round int) []peers.Server {
	i := slices.IndexFunc(servers, func(s peers.Server) bool { return s.Name == peers.Floor })
	if i < 0 {
		return servers
	}
	others := slices.Delete(slices.Clone(servers), i, i+1)
	order := []peers.Server{servers[i]}
	if len(others) == 0 {
		return order
	}
	first := round % len(others)
	return append(append(order, others[first:]...), others[:first]...)
}

// bound is how late the last of the largest crowd may be, in ms, if a write takes so
// many µs.
func bound(write float64) float64 {
	const more = 1.2
	return more * largest * write / float64(runtime.NumCPU()) / 1000
}

// one runs one scenario against one server, which it starts and stops.
func (o Options) one(ctx context.Context, name string, s peers.Server) (m measured, err error) {
	env := s.Env
	if s.Name == peers.Whole {
		store, err := o.Store()
		if err != nil {
			return nil, err
		}
		env = append(slices.Clone(env), store...)
	}
	running, err := server.Start(ctx, s.Program, env...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, running.Stop()) }()
	return scenario(name)(ctx, contest{Server: running, collects: s.Collects, quick: o.Quick})
}
