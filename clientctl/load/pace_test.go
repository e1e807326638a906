package load

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// The schedule stands, whatever each event takes: what is late comes at once, with the
// time at which it was due, and the rest is on time again.
func TestPace_goes_on_by_its_schedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var due, at []time.Duration
		pace(t.Context(), 10, 6, func(k int, when time.Time) bool {
			due, at = append(due, when.Sub(began)), append(at, time.Since(began))
			if k == 1 {
				time.Sleep(250 * time.Millisecond)
			}
			return true
		})
		const ms = time.Millisecond
		if want := []time.Duration{0, 100 * ms, 200 * ms, 300 * ms, 400 * ms, 500 * ms}; !slices.Equal(due, want) {
			t.Errorf("due %v, want %v", due, want)
		}
		if want := []time.Duration{0, 100 * ms, 350 * ms, 350 * ms, 400 * ms, 500 * ms}; !slices.Equal(at, want) {
			t.Errorf("came %v, want %v", at, want)
		}
	})
}

func TestPace_does_not_drift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, n := time.Now(), 0
		pace(t.Context(), 3, 3*3600+1, func(int, time.Time) bool { n++; return true })
		if took := time.Since(began); took != time.Hour || n != 3*3600+1 {
			t.Errorf("%d events in %s", n, took)
		}
	})
}

func TestPace_ends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 450*time.Millisecond)
		defer cancel()
		began, n := time.Now(), 0
		pace(ctx, 10, -1, func(int, time.Time) bool { n++; return true })
		if took := time.Since(began); n != 5 || took != 450*time.Millisecond {
			t.Errorf("with its context: %d events in %s", n, took)
		}
		n = 0
		pace(t.Context(), 10, -1, func(int, time.Time) bool { n++; return n < 3 })
		if n != 3 {
			t.Errorf("when told: %d events", n)
		}
		pace(t.Context(), 0, -1, func(int, time.Time) bool { t.Error("a rate of nothing has an event"); return true })
	})
}

func TestRate_Set(t *testing.T) {
	for text, want := range map[string]Rate{"10": 10, "10/s": 10, "0.5": 0.5, "600/m": 10, "30/m": 0.5, "0": 0, "1e6": 1e6} {
		var r, again Rate
		if err := r.Set(text); err != nil || r != want {
			t.Errorf("%q: %v, %v", text, float64(r), err)
		}
		if err := again.Set(r.String()); err != nil || again != r {
			t.Errorf("%q is written as %q, which is read as %v", text, r, float64(again))
		}
	}
	for _, text := range []string{"", "x", "-1", "1e7", "10/h", "10/", "/s", "NaN", "Inf", "10/s/s"} {
		if r := Rate(7); r.Set(text) == nil || r != 7 {
			t.Errorf("%q is taken: %v", text, float64(r))
		}
	}
}

func TestRate_within(t *testing.T) {
	for _, tt := range []struct {
		r    Rate
		d    time.Duration
		want int
	}{{10, 10 * time.Second, 100}, {10, 950 * time.Millisecond, 10}, {0.1, 10 * time.Second, 1}, {0.7, 10 * time.Second, 7}, {1000, 0, 0}, {0, time.Hour, 0}, {0.19, 30 * time.Second, 6}} {
		if got := tt.r.within(tt.d); got != tt.want {
			t.Errorf("%s in %s: %d, want %d", tt.r, tt.d, got, tt.want)
		}
		if n := tt.r.within(tt.d); n > 0 && (tt.r.at(n-1) >= tt.d || tt.r.at(n) < tt.d-time.Microsecond) {
			t.Errorf("%s in %s: number %d is due after %s", tt.r, tt.d, n-1, tt.r.at(n-1))
		}
	}
}
