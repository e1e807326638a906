// Package peers is the servers that the benchmark compares: what they are called and how
// each is built and run. The programs are in the directories below, one to a library,
// and all do the same, which is in package work.
package peers

import (
	"context"
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
)

// Server is one that takes part.
type Server struct {
	Name    string // in the tables
	Package string // to build, in this module; "" for presenced itself
	Program string // its path, once it is built
	Env     []string

	// Only names the scenarios that it is for; empty: all but Connect.
	Only []string

	// Collects says that the server collects its garbage when it gets SIGUSR1.
	Collects bool
}

// The names that goals are about.
const (
	Floor      = "floor"
	Ours       = "gateway"
	Whole      = "presenced"
	Unrecorded = "unrecorded"
)

// The names of the scenarios.
const (
	Crowd    = "crowd"
	Commands = "commands"
	Connect  = "connect"
)

const programs = "github.com/presenced/presence/bench/peers/"

// All are the servers in the order of the tables. The floor is the first.
func All() []Server {
	return []Server{
		{Name: Floor, Package: "github.com/presenced/presence/bench/floor", Collects: true, Only: []string{Crowd, Commands, Connect}},
		{Name: Ours, Package: programs + "gateway", Collects: true, Only: []string{Crowd, Commands, Connect}},
		{Name: Whole, Env: []string{"COMMAND_RATE=0"}, Only: []string{Crowd, Commands, Connect}},
		{Name: Unrecorded, Package: programs + "unrecorded", Collects: true, Only: []string{Connect}},
		{Name: "nbio", Package: programs + "nbio", Collects: true},
		{Name: "nbio, inline", Package: programs + "nbio", Env: []string{"EXECUTOR=inline"}, Collects: true, Only: []string{Commands}},
		{Name: "gws", Package: programs + "gws", Collects: true},
		{Name: "gorilla", Package: programs + "gorilla", Collects: true},
		{Name: "coder", Package: programs + "coder", Collects: true},
		{Name: "wsutil", Package: programs + "wsutil", Collects: true},
		{Name: "gobwas, compiled", Package: programs + "wsutil", Env: []string{"TICK=compiled"}, Collects: true, Only: []string{Crowd}},
	}
}

// Plays reports whether the server takes part in a scenario.
func (s Server) Plays(scenario string) bool {
	if len(s.Only) == 0 {
		return scenario != Connect
	}
	return slices.Contains(s.Only, scenario)
}

// Build builds the programs into dir, run in the directory of this module, and returns the
// servers with their programs. presenced is the path of that.
func Build(ctx context.Context, module, dir, presenced string, servers []Server) ([]Server, error) {
	args := []string{"build", "-trimpath", "-o", dir + "/"}
	built := slices.Clone(servers)
	for i := range built {
		s := &built[i]
		if s.Package == "" {
			s.Program = presenced
			continue
		}
		s.Program = filepath.Join(dir, path.Base(s.Package))
		if !slices.Contains(args, s.Package) {
			args = append(args, s.Package)
		}
	}
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // packages of this module
	cmd.Dir = module
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build of the servers to compare with: %w\n%s", err, out)
	}
	return built, nil
}
