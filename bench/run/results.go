package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/presenced/presence/bench/compare"
	"github.com/presenced/presence/bench/peers"
	"github.com/presenced/presence/bench/report"
	"github.com/presenced/presence/bench/scenario"
	"github.com/presenced/presence/bench/server"
)

// results is what was measured: nil for what was not asked for.
type results struct {
	// static
	options options
	args    []string

	build       server.Build
	own         *report.Table
	beside      *compare.Table
	allocations []compare.Allocation
}

// measure builds the programs into dir and measures what was chosen.
func (r *results) measure(ctx context.Context, c chosen, dir string) (err error) {
	if r.build, err = server.NewBuild(ctx, r.options.root, "./services/presenced", dir); err != nil {
		return err
	}
	servers, err := peers.Build(ctx, ".", dir, r.build.Path, c.servers)
	if err != nil {
		return err
	}
	b := bench(r.options, r.build.Path, servers[0].Program, dir)
	if len(c.own) > 0 {
		if r.own, err = own(ctx, r.options, c.own, b); err != nil {
			return err
		}
	}
	if len(c.beside) > 0 {
		r.beside, err = compare.Run(ctx, compare.Options{
			Servers: servers, Scenarios: c.beside, Rounds: r.options.compareRounds, Quick: b.Quick, Store: b.Store, Say: say,
		})
		if err != nil {
			return err
		}
	}
	if c.allocations && !b.Quick {
		say("allocations, by the benchmarks of the product")
		r.allocations, err = compare.Allocations(ctx, r.options.root)
	}
	return err
}

// own runs the scenarios of presenced in turn, all of them once, and then again: so what
// the machine is busy with for a while does not fall upon all rounds of one.
func own(ctx context.Context, o options, scenarios []scenario.Scenario, b scenario.Bench) (*report.Table, error) {
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

// missed is how many goals were not met.
func (r *results) missed() int {
	n := 0
	if r.own != nil {
		n += r.own.Missed()
	}
	if r.beside != nil {
		n += r.beside.Missed()
	}
	missed, _ := compare.WriteAllocations(io.Discard, r.allocations)
	return n + missed
}

// besideTitle is that of the section of the comparison.
const besideTitle = "## Beside other servers"

// publish prints the results, and makes them sections of the file that was asked for.
func (r *results) publish() error {
	var text string
	if r.options.out != "" {
		old, err := os.ReadFile(r.options.out)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		text = string(old)
	}
	var all bytes.Buffer
	if r.own != nil {
		head, err := r.render(r.writeOwn)
		if err != nil {
			return err
		}
		text = report.ReplaceHead(text, head)
		all.WriteString(head)
	}
	if r.beside != nil || r.allocations != nil {
		section, err := r.render(r.writeBeside)
		if err != nil {
			return err
		}
		text = report.ReplaceSection(text, besideTitle, section)
		all.WriteString(section)
	}
	if r.options.out != "" {
		if err := os.WriteFile(r.options.out, []byte(text), 0o600); err != nil { //nolint:gosec // the file that the user names
			return err
		}
	}
	_, err := io.Copy(os.Stdout, &all)
	return err
}

// render is what write writes, and what it is worth.
func (r *results) render(write func(io.Writer) error) (string, error) {
	var b strings.Builder
	err := write(&b)
	if r.options.quick {
		b.WriteString("\nA smoke run: these numbers mean nothing.\n")
	}
	return b.String(), err
}

func (r *results) writeOwn(w io.Writer) error {
	if err := report.Preamble(w, r.build, r.options.store, r.args); err != nil {
		return err
	}
	return r.own.Write(w)
}

func (r *results) writeBeside(w io.Writer) error {
	if _, err := io.WriteString(w, besideTitle+besideText); err != nil {
		return err
	}
	if err := report.Facts(w, r.build, r.options.store, r.args); err != nil {
		return err
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return err
	}
	if r.beside != nil {
		if err := r.beside.Write(w); err != nil {
			return err
		}
	}
	if r.allocations != nil {
		_, err := compare.WriteAllocations(w, r.allocations)
		return err
	}
	return nil
}

const besideText = `

All servers do the same work: the time to all each second, on the second, and one small
command, answered. "gateway" is services/gateway alone, doing that; "presenced" the whole
service, with its records in the embedded store; "unrecorded" that without the records.
"floor" is a bare epoll loop with one write(2) for each message. What each library was set
to is said in bench/peers. Processor time is that of the server's process, kernel included.
A round in which the floor was more than 15% off its median does not count. "Better by" is
the median of the rounds' ratios.

`
