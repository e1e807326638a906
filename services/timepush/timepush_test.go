package timepush

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/presenced/presence/services/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestNextTick(t *testing.T) {
	for _, tt := range []struct{ now, want time.Duration }{ // after noon
		{0, time.Second},
		{1, time.Second},
		{999_999_999, time.Second},
		{time.Second, 2 * time.Second},
		{59*time.Second + 500*time.Millisecond, time.Minute},
		{-1, 0},
		{-time.Second, 0},
	} {
		if got := nextTick(noon.Add(tt.now)).Sub(noon); got != tt.want {
			t.Errorf("after %v: got %v, want %v", tt.now, got, tt.want)
		}
	}
}

func TestNextTick_IsOnTheSecondAndAhead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, rapid.Int64().Draw(t, "ns")).In(time.FixedZone("", rapid.IntRange(-43200, 43200).Draw(t, "zone")))
		next := nextTick(now)
		if d := next.Sub(now); d <= 0 || d > time.Second || next.Nanosecond() != 0 {
			t.Fatalf("after %v comes %v", now, next)
		}
	})
}

func TestDue(t *testing.T) {
	tests := []struct {
		name string
		late time.Duration
		ok   bool
		want time.Duration // after next
	}{
		{"exact", 0, true, 0},
		{"as late as timers are", 300 * time.Microsecond, true, 0},
		{"late, still on time", onTime - 1, true, 0},
		{"late", onTime, true, onTime},
		{"paused or set forward by less than a second", 700 * time.Millisecond, true, 700 * time.Millisecond},
		{"paused for seconds", 5300 * time.Millisecond, true, 5300 * time.Millisecond},
		{"set forward by an hour", time.Hour, true, time.Hour},
		{"set back a little", -1, false, 0},
		{"set back by less than a second", -999 * time.Millisecond, false, 0},
		{"set back by a second", -time.Second, true, -time.Second},
		{"set back by an hour", -time.Hour, true, -time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := due(noon, noon.Add(tt.late))
			if ok != tt.ok || ok && got.Sub(noon) != tt.want {
				t.Errorf("got %v, %v, want noon + %v, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestLate(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct{ began, now, want time.Duration }{ // after noon
		{0, 0, 0},
		{1 * ms, 4 * ms, 4 * ms},
		{1 * ms, 1700 * ms, 1700 * ms}, // an overload: into the next second
		{300 * ms, 310 * ms, 310 * ms}, // a pause: what is known is the second it fell into
	} {
		if got := Late(noon.Add(tt.began), noon.Add(tt.now)); got != tt.want {
			t.Errorf("began at %v, at %v: %v, want %v", tt.began, tt.now, got, tt.want)
		}
	}
	// A clock that is set meanwhile makes it neither negative nor large.
	began := time.Now()
	if got := Late(began, time.Now()); got < 0 || got > time.Minute {
		t.Errorf("with the clocks of this machine: %v", got)
	}
}

func TestRun_DoesNotDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait(333 * time.Millisecond)
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var got []time.Time
		Run(ctx, func(message []byte) {
			m, err := protocol.Decode(message)
			if err != nil || m.Type != protocol.TypeTime {
				t.Fatalf("%s: %v", message, err)
			}
			if late := time.Since(m.Time); late != 0 {
				t.Fatalf("the push of %v came %v late", m.Time, late)
			}
			got = append(got, m.Time)
			wait(time.Duration(len(got)%7) * 100 * time.Millisecond) // more than a push should take
		})
		if len(got) != 3600 {
			t.Fatalf("%d pushes in an hour", len(got))
		}
		for i, at := range got {
			if want := nextTick(start).Add(time.Duration(i) * time.Second); !at.Equal(want) {
				t.Fatalf("push %d is of %v, want %v", i, at, want)
			}
		}
	})
}

func wait(d time.Duration) { <-time.After(d) }

// push is what a client got, and when, both since the start of the test; at is on a
// clock that nobody sets.
type push struct{ at, says time.Duration }

// pushes runs for a while with a wall clock that is set, in part, by step: by how much
// the clock is ahead of the one that nobody sets, after that one's time.
func pushes(t *testing.T, during time.Duration, step func(time.Duration) time.Duration, busy func(n int)) (got []push) {
	t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	now := func() time.Time { return wall().Add(step(time.Since(start))) }
	run(ctx, now, func(at time.Time) {
		got = append(got, push{time.Since(start), at.Sub(start.Round(0))})
		busy(len(got))
	})
	return got
}

func TestRun_ClockSteps(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	tests := []struct {
		name string
		by   time.Duration // at 2.5 s after the start
		want []push
	}{
		{"an hour forward", time.Hour + 200*ms, []push{
			{1 * s, 1 * s}, {2 * s, 2 * s}, {3 * s, time.Hour + 3200*ms}, {3800 * ms, time.Hour + 4*s}, {4800 * ms, time.Hour + 5*s},
		}},
		{"an hour back", -time.Hour, []push{
			{1 * s, 1 * s}, {2 * s, 2 * s}, {3 * s, 3*s - time.Hour}, {4 * s, 4*s - time.Hour}, {5 * s, 5*s - time.Hour},
		}},
		{"a little forward", 30 * ms, []push{
			{1 * s, 1 * s}, {2 * s, 2 * s}, {3 * s, 3 * s}, {3970 * ms, 4 * s}, {4970 * ms, 5 * s},
		}},
		{"a little back", -30 * ms, []push{
			{1 * s, 1 * s}, {2 * s, 2 * s}, {3030 * ms, 3 * s}, {4030 * ms, 4 * s}, {5030 * ms, 5 * s},
		}},
		{"half a second back", -500 * ms, []push{
			{1 * s, 1 * s}, {2 * s, 2 * s}, {3500 * ms, 3 * s}, {4500 * ms, 4 * s},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				step := func(at time.Duration) time.Duration {
					if at < 2500*ms {
						return 0
					}
					return tt.by
				}
				got := pushes(t, 5100*ms, step, func(int) {})
				if !slices.Equal(got, tt.want) {
					t.Errorf("got %v, want %v", got, tt.want)
				}
			})
		})
	}
}

// Wherever in a second the clock is set, and by how much, forward or back: nobody gets
// a burst, nobody waits for longer than two seconds, no second is said twice unless the
// clock itself has it twice, and only the step is left out or repeated.
func TestRun_AnyClockStep(t *testing.T) {
	const ms = time.Millisecond
	for _, size := range []time.Duration{1, ms, 99 * ms, 100 * ms, 500 * ms, 999 * ms, time.Second, 1001 * ms, 1500 * ms, time.Minute, time.Hour, 100 * time.Hour} {
		for _, by := range []time.Duration{size, -size} {
			for at := 2000 * ms; at < 3000*ms; at += 111 * ms {
				synctest.Test(t, func(t *testing.T) {
					got := pushes(t, 8050*ms, func(now time.Duration) time.Duration {
						if now < at {
							return 0
						}
						return by
					}, func(int) {})
					for i, p := range got[1:] {
						before := got[i]
						gap, told := p.at-before.at, p.says-before.says
						crossed := before.at < at && p.at >= at
						switch {
						case gap <= 0 || gap > 2*time.Second:
							t.Errorf("step of %v at %v: push %v comes after %v", by, at, p, before)
						case crossed && by > -time.Second && told <= 0:
							t.Errorf("step of %v at %v: %v says no more than %v", by, at, p, before)
						case crossed && (told-gap-by).Abs() > time.Second:
							t.Errorf("step of %v at %v: from %v to %v more is left out than the step", by, at, before, p)
						case !crossed && (told <= 0 || told > 2*time.Second):
							t.Errorf("step of %v at %v: from %v to %v, without a step", by, at, before, p)
						}
					}
					if n := len(got); n < 6 || n > 9 {
						t.Errorf("step of %v at %v: %d pushes in eight seconds", by, at, n)
					}
				})
			}
		}
	}
}

// TestRun_Pause has a push that does not return for seconds, as if the process had
// been stopped.
func TestRun_Pause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		noStep := func(time.Duration) time.Duration { return 0 }
		got := pushes(t, 8100*time.Millisecond, noStep, func(n int) {
			if n == 2 {
				wait(4300 * time.Millisecond)
			}
		})
		const s = time.Second
		want := []push{{1 * s, 1 * s}, {2 * s, 2 * s}, {7 * s, 7 * s}, {8 * s, 8 * s}}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// TestRun_PauseWhileWaiting has a process that was stopped while it waited: when it
// goes on the timer has long fired, and the clock is ahead.
func TestRun_PauseWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const s, ms = time.Second, time.Millisecond
		asleep := func(at time.Duration) time.Duration { // as on a machine that slept
			if at < 2500*ms {
				return 0
			}
			return 5300 * ms
		}
		got := pushes(t, 4*s, asleep, func(int) {})
		want := []push{{1 * s, 1 * s}, {2 * s, 2 * s}, {3 * s, 8300 * ms}, {3700 * ms, 9 * s}}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestRun_MessagesAreNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		var got [][]byte
		Run(ctx, func(m []byte) { got = append(got, m) })
		if len(got) != 2 || string(got[0]) == string(got[1]) || len(got[0]) > messageSize {
			t.Errorf("got %q", got)
		}
	})
}

// BenchmarkEncode is what a push costs beside its delivery.
func BenchmarkEncode(b *testing.B) {
	b.ReportAllocs()
	var kept [][]byte
	for b.Loop() {
		kept = append(kept[:0], protocol.AppendTime(make([]byte, 0, messageSize), noon))
	}
	if len(kept[0]) == 0 {
		b.Fatal("nothing was encoded")
	}
}
