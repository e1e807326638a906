package sim

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/presenced/presence/events"
)

var (
	flagSeed  = flag.Uint64("seed", 0, "run this seed alone, and print what happened")
	flagFrom  = flag.Uint64("from", 1, "the first seed")
	flagSeeds = flag.Uint64("seeds", 1200, "how many seeds to run")
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // runs are short, and make much garbage
	// The driver and the goroutines of a run take turns. On a second P each turn would
	// have to wake it, and a run would cost half as much again.
	runtime.GOMAXPROCS(1)
	goleak.VerifyTestMain(m)
}

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
	began, sum := time.Now(), result{}
	for n := range *flagSeeds {
		sum.add(runOrFail(t, *flagFrom+n))
	}
	t.Logf("%d seeds from %d, %d steps, in %s; slowest of %d recoveries from one death in calm: %s; slowest rest after trouble: %s",
		*flagSeeds, *flagFrom, sum.steps, time.Since(began).Round(time.Millisecond), sum.recoveries, sum.slowest, sum.rest)
}

// add sums up what runs have found out.
func (r *result) add(one result) {
	r.steps += one.steps
	r.recoveries += one.recoveries
	r.slowest = max(r.slowest, one.slowest)
	r.rest = max(r.rest, one.rest)
}

func runOrFail(t *testing.T, seed uint64) result {
	t.Helper()
	r := run(t, seed, false)
	report(t, seed, r)
	return r
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
