package load

import (
	"context"
	"strconv"
	"time"
)

// Phase is what a run is at. The set is closed, and a run goes through it in this order.
type Phase uint8

// The phases.
const (
	Opening Phase = iota
	Holding
	Closing
)

// String implements fmt.Stringer.
func (p Phase) String() string {
	switch p {
	case Opening:
		return "opening"
	case Holding:
		return "holding"
	case Closing:
		return "closing"
	}
	return "phase " + strconv.Itoa(int(p))
}

// Progress is how a run goes at a moment.
type Progress struct {
	Phase       Phase
	Done        float64 // the share of the whole that is done, about: 0 to 1
	Elapsed     time.Duration
	Asked       int64 // connections
	Open        int64 // that are welcomed and there
	Errors      int64 // of all kinds
	Ticks       int64
	Missed      int64
	LatenessP99 time.Duration // of the ticks so far; 0: there were none
	Answered    int64         // commands
	CommandP99  time.Duration // of those
}

func (f *fleet) enter(p Phase) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.phase, f.since = p, time.Now()
}

// show tells how it goes, until ctx ends.
func (f *fleet) show(ctx context.Context) {
	if f.c.Watch == nil || f.c.Every <= 0 {
		return
	}
	pace(ctx, Rate(float64(time.Second)/float64(f.c.Every)), -1, func(k int, _ time.Time) bool {
		if k > 0 { // in the beginning there is nothing to tell
			f.c.Watch(f.progress())
		}
		return true
	})
	f.c.Watch(f.progress())
}

func (f *fleet) progress() Progress {
	f.mu.Lock()
	p := Progress{Phase: f.phase, Elapsed: time.Since(f.began), Asked: int64(f.c.Connections)}
	since := time.Since(f.since)
	f.mu.Unlock()
	f.tally.fill(&p)
	p.Done = f.c.done(p, since)
	return p
}

// done is the share of the whole that is done when a phase has lasted for a time.
func (c *Config) done(p Progress, lasted time.Duration) float64 {
	opening, closing := c.Rate.at(c.Connections), c.RampDown.at(c.Connections)
	var t time.Duration
	switch p.Phase {
	case Opening:
		t = min(lasted, opening)
	case Holding:
		t = opening + min(lasted, c.Hold)
	case Closing:
		t = opening + c.Hold + min(lasted, closing)
	}
	return t.Seconds() / (opening + c.Hold + closing).Seconds()
}

// fill says what was counted so far.
func (t *tally) fill(p *Progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.r
	p.Open = t.open
	p.Errors = r.Connections.Failed + r.Connections.Lost + r.Commands.Failed
	p.Ticks, p.Missed, p.LatenessP99 = r.Ticks.Received, r.Ticks.Missed, r.Ticks.Lateness.Quantile(0.99)
	p.Answered, p.CommandP99 = r.Commands.Answered, r.Commands.Latency.Quantile(0.99)
}
