package sim

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/presenced/presence/events"
)

var (
	flagSeed  = flag.Uint64("seed", 0, "run this seed alone, and print what happened")
	flagFrom  = flag.Uint64("from", 1, "the first seed")
	flagSeeds = flag.Uint64("seeds", 1000, "how many seeds to run")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run makes the run of a seed, in a bubble of its own.
func run(t *testing.T, seed uint64, keepAll bool) (r result) {
	t.Helper()
	synctest.Test(t, func(*testing.T) { r = simulate(seed, keepAll) })
	return r
}

// TestSim holds I1 to I7 and I10 in the runs of many seeds.
func TestSim(t *testing.T) {
	if *flagSeed != 0 {
		r := run(t, *flagSeed, true)
		t.Logf("plan %+v\n%s", r.plan, r.trace)
		report(t, *flagSeed, r)
		return
	}
	var sum result
	began := time.Now()
	for seed := *flagFrom; seed < *flagFrom+*flagSeeds; seed++ {
		r := run(t, seed, false)
		report(t, seed, r)
		sum.steps += r.steps
		sum.recoveries += r.recoveries
		sum.slowest = max(sum.slowest, r.slowest)
	}
	t.Logf("%d seeds from %d, %d steps, in %s; slowest of %d recoveries from one death in calm: %s",
		*flagSeeds, *flagFrom, sum.steps, time.Since(began).Round(time.Millisecond), sum.recoveries, sum.slowest)
}

func report(t *testing.T, seed uint64, r result) {
	t.Helper()
	if r.failure != "" {
		t.Fatalf("seed %d: %s\n\nrun again: go test ./services/presence/sim -run TestSim -seed=%d -v\nplan %+v\n\nthe last operations:\n%s",
			seed, r.failure, seed, r.plan, r.trace)
	}
}

// TestSim_Deterministic runs seeds twice: they must be the same in every operation.
func TestSim_Deterministic(t *testing.T) {
	for seed := uint64(1); seed <= 30; seed++ {
		a, b := run(t, seed, true), run(t, seed, true)
		if a.hash != b.hash || a.trace != b.trace {
			t.Fatalf("seed %d: two runs differ: %s", seed, firstDifference(a.trace, b.trace))
		}
		if text(a.log) != text(b.log) {
			t.Fatalf("seed %d: two runs left different logs", seed)
		}
	}
}

// text is a log without what is random in each process: its token.
func text(log map[events.Stream][]events.Event) string {
	for _, stream := range log {
		for i := range stream {
			stream[i].Process = ""
		}
	}
	return fmt.Sprint(log)
}

// firstDifference is what two texts have around the place where they begin to differ.
func firstDifference(a, b string) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return fmt.Sprintf("\n%s\n--- and\n%s", a[max(0, i-400):min(len(a), i+200)], b[max(0, i-400):min(len(b), i+200)])
}
