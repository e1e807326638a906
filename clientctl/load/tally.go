package load

import (
	"sync"
	"time"

	"github.com/presenced/presence/clientctl/load/report"
)

// tally is what was counted so far. Safe for concurrent use.
type tally struct {
	mu     sync.Mutex
	r      *report.Report
	open   int64 // welcomed and not gone
	begun  int64 // connects
	gaveUp int64 // connects that were cut off by an interruption
}

// with calls f with the report, which nobody else has then.
func (t *tally) with(f func(r *report.Report)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(t.r)
}

func (t *tally) connecting() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begun++
}

func (t *tally) upgraded(took time.Duration) {
	t.with(func(r *report.Report) {
		r.Connections.Upgraded++
		r.Connect.Add(took)
	})
}

func (t *tally) welcomed(took time.Duration) {
	t.with(func(r *report.Report) {
		t.open++
		r.Connections.Welcomed++
		r.Welcome.Add(took)
	})
}

// failed counts a connection that ended before its welcome.
func (t *tally) failed(kind, example string) {
	t.with(func(r *report.Report) {
		r.Connections.Failed++
		r.Errors.Connect.Add(kind, example)
	})
}

// cutOff counts a connection that was begun and given up, for nobody's fault.
func (t *tally) cutOff() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gaveUp++
}

// lost counts a connection that ended by itself after its welcome.
func (t *tally) lost(kind, example string) {
	t.with(func(r *report.Report) {
		r.Connections.Lost++
		r.Errors.Lost.Add(kind, example)
	})
}

// left counts what a connection has missed in the end, which is at a time since the
// beginning of the run.
func (t *tally) left(k *ticks, at time.Duration) {
	t.with(func(r *report.Report) {
		if k.welcomed {
			t.open--
		}
		r.Ticks.Missed += k.end(at)
	})
}

func (t *tally) tick(late time.Duration, missed int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Ticks.Received++
	t.r.Ticks.Missed += missed
	if late < 0 {
		t.r.Ticks.Early++
	}
	t.r.Ticks.Lateness.Add(late)
}

// delayed notes by how much this program was late itself.
func (t *tally) delayed(d time.Duration) { t.with(func(r *report.Report) { r.Delay.Add(d) }) }

// anybody reports whether a connection is there.
func (t *tally) anybody() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open > 0
}

func (t *tally) answered(took time.Duration) {
	t.with(func(r *report.Report) {
		r.Commands.Answered++
		r.Commands.Latency.Add(took)
	})
}

func (t *tally) unanswered(kind string, n int) {
	if n == 0 {
		return
	}
	t.with(func(r *report.Report) {
		r.Commands.Failed += int64(n)
		for range n {
			r.Errors.Command.Add(kind, "")
		}
	})
}

// unsettled is how many connections were begun and are neither welcomed nor gone.
func (t *tally) unsettled() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.r.Connections
	return t.begun - t.gaveUp - c.Welcomed - c.Failed
}
