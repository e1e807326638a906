package session

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestBucket_take(t *testing.T) {
	var b bucket
	at := func(d time.Duration) bool { return b.take(50, noon.Add(d)) }
	for i := range 100 {
		if !at(0) {
			t.Fatalf("command %d of a burst of 100 is refused", i+1)
		}
	}
	for _, tt := range []struct {
		at time.Duration
		ok bool
	}{
		{0, false},
		{19 * time.Millisecond, false},
		{20 * time.Millisecond, true}, // a fiftieth of a second
		{20 * time.Millisecond, false},
		{60 * time.Millisecond, true},
		{60 * time.Millisecond, true},
		{60 * time.Millisecond, false},
	} {
		if got := at(tt.at); got != tt.ok {
			t.Errorf("after %v: %v, want %v", tt.at, got, tt.ok)
		}
	}
	// A silence fills it, and no more than that.
	served := 0
	for range 1000 {
		if at(time.Hour) {
			served++
		}
	}
	if served != 100 {
		t.Errorf("after an hour %d are served at once, want 100", served)
	}
}

// In any window, whatever comes when, a bucket serves at most its burst and what came
// back in the window; and a client that keeps to the rate is never refused.
func TestBucket_take_keeps_to_the_rate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.SampledFrom([]int{1, 3, 50, 1000}).Draw(t, "rate")
		one := time.Second / time.Duration(rate)
		var b bucket
		var served []time.Duration
		var now time.Duration
		for _, pause := range rapid.SliceOfN(rapid.Int64Range(0, int64(2*one)), 1, 400).Draw(t, "pauses") {
			if rapid.Bool().Draw(t, "at once") {
				pause = 0
			}
			now += time.Duration(pause)
			ok := b.take(rate, noon.Add(now))
			if ok {
				served = append(served, now)
			}
			if !ok && len(served) < burst(rate) {
				t.Fatalf("refused after %d, fewer than a burst", len(served))
			}
		}
		for i := range served {
			for j := i; j < len(served); j++ {
				if most := burst(rate) + int((served[j]-served[i])/one) + 1; j-i+1 > most {
					t.Fatalf("%d served within %v, want at most %d", j-i+1, served[j]-served[i], most)
				}
			}
		}
		var steady bucket
		for i := range 500 {
			if !steady.take(rate, noon.Add(time.Duration(i)*one)) {
				t.Fatalf("command %d of a client that keeps to the rate is refused", i)
			}
		}
	})
}
