package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"testing"

	"github.com/presenced/presence/services/fibonacci"
)

func TestGCPercent(t *testing.T) {
	for name, tt := range map[string]struct {
		live    uint64
		working bool
		want    int
	}{
		"at rest":                       {4 << 20, false, restPercent},
		"working with nothing measured": {0, true, workMost},
		"working with a tiny heap":      {1 << 20, true, workMost},
		"working with a small heap":     {8 << 20, true, 800},
		"working with a large heap":     {1 << 30, true, workLeast},
	} {
		if got := gcPercent(tt.live, tt.working); got != tt.want {
			t.Errorf("%s: %d%%, want %d%%", name, got, tt.want)
		}
	}
}

// The collector is set while the server runs, and as it was afterwards; with GOGC set
// it is never touched.
func TestTuneCollector(t *testing.T) {
	pool := fibonacci.NewPool(fibonacci.Config{Workers: 1})
	defer pool.Close()
	was := debug.SetGCPercent(77)
	defer debug.SetGCPercent(was)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tuneCollector(ctx, pool, noVariables)
	}()
	eventually(t, "little garbage is allowed", func() bool { return percentNow() == restPercent })
	cancel()
	<-done
	if got := percentNow(); got != 77 {
		t.Errorf("%d%% afterwards", got)
	}
	tuneCollector(t.Context(), pool, func(string) (string, bool) { return "50", true })
	if got := percentNow(); got != 77 {
		t.Errorf("%d%% although GOGC is set", got)
	}
}

// percentNow is the collector's setting.
func percentNow() int {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return int(sample[0].Value.Uint64())
}
