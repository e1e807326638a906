package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/presenced/presence/services/fibonacci"
)

// How much garbage may gather before it is collected. At rest little garbage is made,
// and what the collector allows is what the process keeps beside some 250 B that an
// idle connection needs: 10,000 of them cost 1,036 B each with Go's default of 100%, and
// 500 to 660 B with 30%. While numbers are computed it is the other way round: F(1000000)
// leaves 2 MB behind, so with a small heap the collector would stop the event loops many
// times a second.
const (
	restPercent  = 30
	workHeadroom = 64 << 20 // bytes of garbage to allow while the pool works
	workMost     = 1600     // percent, however small the heap
	workLeast    = 100      // percent, however large

	// workLinger is how long the pool must have rested until little garbage is allowed.
	workLinger = 5 * time.Second
	lookAtPool = 250 * time.Millisecond
)

// gcPercent is how much garbage to allow, in percent of the live heap.
func gcPercent(live uint64, working bool) int {
	if !working {
		return restPercent
	}
	return int(min(max(workHeadroom*100/max(live, 1), workLeast), workMost))
}

// tuneCollector sets the collector by what the pool does, until ctx ends, and then as it
// was. With GOGC set it leaves everything as it is.
func tuneCollector(ctx context.Context, pool *fibonacci.Pool, lookup func(string) (string, bool)) {
	if _, set := lookup("GOGC"); set {
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(restPercent))
	ticker := time.NewTicker(lookAtPool)
	defer ticker.Stop()
	var worked time.Time
	for percent := restPercent; ; {
		if s := pool.Stats(); s.Running+s.Waiting > 0 {
			worked = time.Now()
		}
		if next := gcPercent(liveHeap(), time.Since(worked) < workLinger); next != percent && drastic(next, percent) {
			debug.SetGCPercent(next)
			percent = next
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// drastic reports whether it is worth changing the percentage: each change stops the
// world for a moment.
func drastic(a, b int) bool { return a > 2*b || b > 2*a || a == restPercent }

// liveHeap is the bytes that the last collection found in use.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
