package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence/storetest"
)

// world is one run: the processes, the store between them, and the driver, which
// alone decides what happens next.
type world struct {
	// static after construction
	seed  uint64
	plan  plan
	began time.Time

	// The driver's. Nothing of it changes while a process runs.
	random    *rand.Rand
	processes []*process
	users     map[string]*client
	pending   []*op // called, and not answered, in an order that does not depend on goroutines
	late      []lateWrite
	db        database
	truth     truth
	quiet     bool      // no more faults
	calm      bool      // quiet from the beginning, but for one crash
	outage    time.Time // until then nothing that is sent arrives
	refusing  time.Time // until then writes are refused
	next      time.Time // when the next thing happens
	steps     int
	hash      uint64 // of all that happened
	trace     []entry
	keepAll   bool
	result    result
	failure   string

	goroutines sync.WaitGroup
	arrived    chan struct{} // size 1: there are new calls

	mu       sync.Mutex
	calls    []*op     // new ones
	welcomes []welcome // new ones
	news     []news
}

// lateWrite is a write whose caller was told that its outcome is not known.
type lateWrite struct {
	o    *op
	part int // how much of it
	due  time.Time
}

// entry is one line of the trace.
type entry struct {
	at   time.Duration
	o    *op // of an operation: what was called,
	did  string
	n    int
	text string // of anything else
}

func (e entry) String() string {
	if e.o == nil {
		return fmt.Sprintf("%10s  %s", e.at, e.text)
	}
	return fmt.Sprintf("%10s  %s: %s %d", e.at, e.o, e.did, e.n)
}

// keepTrace is how many of the last things that happened are told of a failure.
const keepTrace = 150

func (w *world) log(e entry) {
	e.at = time.Since(w.began)
	if !w.keepAll && len(w.trace) >= 2*keepTrace {
		w.trace = slices.Delete(w.trace, 0, keepTrace)
	}
	w.trace = append(w.trace, e)
	h := uint64(e.at)
	if e.o != nil {
		h = mix(h, uint64(e.o.p.index), uint64(e.o.kind), uint64(e.o.of().Epoch), e.o.seq(), e.o.site.hash, uint64(e.n), uint64(e.did[0]))
	}
	for i := range len(e.text) {
		h = h*31 + uint64(e.text[i])
	}
	w.hash = mix(w.hash, h)
}

func (w *world) note(format string, args ...any) {
	w.log(entry{text: fmt.Sprintf(format, args...)})
}

// fail keeps the first thing that does not hold.
func (w *world) fail(format string, args ...any) {
	if w.failure == "" {
		w.failure = fmt.Sprintf(format, args...)
		w.log(entry{text: "FAILED: " + w.failure})
	}
}

func (w *world) now() time.Time { return time.Now() }

// past is the last things that happened.
func (w *world) past() string {
	var b strings.Builder
	for _, e := range w.trace {
		fmt.Fprintln(&b, e)
	}
	return b.String()
}

// submit takes a call from a process.
func (w *world) submit(o *op) {
	w.mu.Lock()
	w.calls = append(w.calls, o)
	w.mu.Unlock()
	select {
	case w.arrived <- struct{}{}:
	default:
	}
}

// abandon reports whether the caller of o gives up before the answer.
func (w *world) abandon(o *op) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	o.gone = !o.replied
	return o.gone
}

// settle waits until every goroutine of every process waits for the driver or for
// time, and takes note of what they have done.
func (w *world) settle() {
	synctest.Wait()
	w.takeCalls()
	w.takeAbandoned()
	w.takeNews()
	w.greet()
	w.attend()
}

// takeCalls adds the new calls to those that are pending. Calls that look the same in
// every respect, such as two reads of the same by twin goroutines, become one.
func (w *world) takeCalls() {
	w.mu.Lock()
	calls := w.calls
	w.calls = nil
	w.mu.Unlock()
	select {
	case <-w.arrived:
	default:
	}
	slices.SortFunc(calls, (*op).compare)
	for i, o := range calls {
		if i > 0 && calls[i-1].compare(o) == 0 {
			if o.writes() {
				w.fail("two writes that nothing tells apart: %s", o)
			}
			first := w.pending[len(w.pending)-1]
			first.alias = append(first.alias, o)
			calls[i] = first
			continue
		}
		w.pending = append(w.pending, o)
	}
}

// takeAbandoned forgets the calls whose callers gave up. A write may have been sent.
func (w *world) takeAbandoned() {
	kept := w.pending[:0]
	var sent []*op
	w.mu.Lock()
	for _, o := range w.pending {
		if !o.gone {
			kept = append(kept, o)
			continue
		}
		if q := o.heir(); q != nil {
			kept = append(kept, q)
		} else if o.writes() && !o.executed {
			sent = append(sent, o)
		}
		o.state = opAbandoned
	}
	w.mu.Unlock()
	clear(w.pending[len(kept):])
	w.pending = kept
	for _, o := range sent {
		w.mayComeLate(o)
	}
}

// news is that a process has started or exited, or could not.
type news struct {
	p      *process
	exited bool
	err    error
}

// tell is called by the goroutines of a process.
func (w *world) tell(n news) {
	w.mu.Lock()
	w.news = append(w.news, n)
	w.mu.Unlock()
}

func (w *world) takeNews() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.news {
		if n.exited {
			n.p.exited, n.p.exitErr = true, n.err
		} else {
			n.p.started, n.p.startErr = n.err == nil, n.err
		}
	}
	w.news = nil
}

// mayComeLate decides what becomes of a write that nobody waits for any more.
func (w *world) mayComeLate(o *op) {
	if !w.plan.late || w.random.IntN(3) == 0 {
		w.log(entry{o: o, did: "vanishes"})
		return
	}
	w.delay(o, o.size())
}

// delay makes a write, or the first part of it, execute later.
func (w *world) delay(o *op, part int) {
	d := w.lateness()
	if w.quiet {
		d = min(d, time.Second)
	}
	w.log(entry{o: o, did: "will be late, ms", n: int(d.Milliseconds())})
	w.late = append(w.late, lateWrite{o, part, w.now().Add(d)})
}

// lateness is how late a write is: mostly little, sometimes longer than a lease.
func (w *world) lateness() time.Duration {
	switch w.random.IntN(4) {
	case 0:
		return time.Duration(w.random.Int64N(int64(20 * time.Second)))
	case 1:
		return time.Duration(w.random.Int64N(int64(3 * time.Second)))
	}
	return time.Duration(w.random.Int64N(int64(200 * time.Millisecond)))
}

// orphanOps decides what becomes of what a process has sent, when it ends.
func (w *world) orphanOps(p *process) {
	kept := w.pending[:0]
	for _, o := range w.pending {
		if o.p != p {
			kept = append(kept, o)
			continue
		}
		if o.state == opWaiting && o.writes() {
			switch w.random.IntN(3) {
			case 0:
				w.execute(o, w.random.IntN(o.size()+1), "executes, the caller is dead")
			case 1:
				w.mayComeLate(o)
			}
		}
		w.reply(o, unavailable)
	}
	clear(w.pending[len(kept):])
	w.pending = kept
}

// reply gives o, and the calls that look like it, its answer.
func (w *world) reply(o *op, a answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, q := range append([]*op{o}, o.alias...) {
		q.answer, q.replied = a, true
		if !q.gone {
			close(q.answered)
		}
	}
}

// run is the driver: until the time is over it lets happen one thing after the other.
func (w *world) run(until time.Time) {
	for w.failure == "" && w.now().Before(until) {
		w.settle()
		if w.failure != "" {
			return
		}
		w.dueWrites()
		if !w.quiet && !w.now().Before(w.next) {
			w.happen()
			w.settle()
		}
		w.wakePaused()
		choices := w.choices()
		if len(choices) > 0 && w.random.Float64() >= w.plan.idle {
			w.step(choices[w.random.IntN(len(choices))])
			continue
		}
		w.pass(until, len(choices) > 0)
	}
}

// wakePaused resumes the processes whose pause is over.
func (w *world) wakePaused() {
	for _, p := range w.processes {
		if !p.paused.IsZero() && !w.now().Before(p.paused) {
			w.note("resume %s", p)
			p.resume()
			w.settle()
		}
	}
}

// step does one thing to one operation, or commits (nil).
func (w *world) step(o *op) {
	w.steps++
	switch {
	case o == nil:
		w.commit(1 + w.random.IntN(w.db.uncommitted()))
	case o.state == opExecuted:
		w.log(entry{o: o, did: "answered"})
		w.acknowledge(o)
	default:
		w.decide(o)
	}
}

// choices is what can be done now: execute an operation that waits, answer one that
// was executed, or commit (nil).
func (w *world) choices() []*op {
	var can []*op
	for _, o := range w.pending {
		switch {
		case w.now().Before(o.held):
		case o.state == opWaiting:
			// What a paused process has sent before can still be executed, now and then.
			if o.p.paused.IsZero() || o.writes() && w.random.IntN(20) == 0 {
				can = append(can, o)
			}
		case o.commitAt <= w.db.commits && o.p.paused.IsZero():
			can = append(can, o)
		}
	}
	if w.db.uncommitted() > 0 {
		can = append(can, nil)
	}
	return can
}

func (w *world) forget(o *op) {
	i := slices.Index(w.pending, o)
	w.pending = slices.Delete(w.pending, i, i+1)
}

// pass lets time pass: a moment if something could be done, and else until it can.
func (w *world) pass(until time.Time, busy bool) {
	wait := until.Sub(w.now())
	if !w.quiet {
		wait = min(wait, w.next.Sub(w.now()))
	}
	for _, l := range w.late {
		wait = min(wait, l.due.Sub(w.now()))
	}
	for _, p := range w.processes {
		if !p.paused.IsZero() {
			wait = min(wait, p.paused.Sub(w.now()))
		}
	}
	for _, o := range w.pending {
		if w.now().Before(o.held) {
			wait = min(wait, o.held.Sub(w.now()))
		}
	}
	wait = max(wait, time.Millisecond)
	arrived := w.arrived
	if busy {
		wait = min(wait, w.moment())
		arrived = nil // not to be woken by more
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-arrived:
	}
}

// moment is how long nothing happens while operations wait.
func (w *world) moment() time.Duration {
	r := w.random.IntN(100)
	switch {
	case w.quiet || r < 80:
		return time.Millisecond + time.Duration(w.random.Int64N(int64(10*time.Millisecond)))
	case r < 98:
		return time.Duration(w.random.Int64N(int64(w.plan.slow / 10)))
	}
	return time.Duration(w.random.Int64N(int64(w.plan.slow)))
}

// dueWrites executes the late writes whose time has come.
func (w *world) dueWrites() {
	kept := w.late[:0]
	var due []lateWrite
	for _, l := range w.late {
		if l.due.After(w.now()) {
			kept = append(kept, l)
		} else {
			due = append(due, l)
		}
	}
	w.late = kept
	for _, l := range due {
		w.execute(l.o, l.part, "executes, late")
	}
}

// decide executes an operation, or makes it fail.
func (w *world) decide(o *op) {
	p := o.p
	switch {
	case w.now().Before(p.cutUntil) || w.now().Before(w.outage):
		if o.held.IsZero() && w.random.IntN(2) == 0 { // no answer, and no error either, for a while
			w.log(entry{o: o, did: "held up"})
			o.held = w.now().Add(time.Duration(w.random.Int64N(int64(10 * time.Second))))
			return
		}
		w.forget(o)
		w.cutOff(o)
		return
	case w.plan.noReconcile && o.kind == storetest.OnlineOfStream:
		w.forget(o)
		w.reply(o, unavailable)
		return
	case w.now().Before(w.refusing) && o.writes():
		w.forget(o)
		w.log(entry{o: o, did: "refused"})
		w.reply(o, answer{err: events.ErrRefused})
		return
	case w.quiet || w.random.Float64() >= w.plan.faults:
		w.perform(o)
		return
	}
	w.fault(o)
}

// cutOff lets the network fail on the way to the database, or on the way back.
func (w *world) cutOff(o *op) {
	switch {
	case !o.writes() || w.random.IntN(2) == 0:
		w.log(entry{o: o, did: "cut off"})
	case w.plan.late && w.random.IntN(4) == 0:
		w.delay(o, o.size())
	default:
		w.execute(o, o.size(), "executes, its caller is cut off")
	}
	w.reply(o, unavailable)
}

// perform executes an operation, and answers it, now or later.
func (w *world) perform(o *op) {
	w.execute(o, o.size(), "executes")
	if o.commitAt <= w.db.commits && o.p.paused.IsZero() && w.random.IntN(4) != 0 {
		w.acknowledge(o)
		return
	}
	o.state = opExecuted
}

// acknowledge answers an operation as it was executed. What is acknowledged the
// majority has, so no failover rolls it back.
func (w *world) acknowledge(o *op) {
	if o.kind == storetest.LogAppend && o.answer.err == nil {
		for _, e := range o.run {
			if w.truth.log[e.ID] != e {
				w.fail("the database acknowledges %s, and the majority has not got it", e.ID)
			}
		}
	}
	w.forget(o)
	w.reply(o, o.answer)
}

// fault makes an operation fail in one of the ways of databases.
func (w *world) fault(o *op) {
	w.forget(o)
	if !o.writes() {
		w.log(entry{o: o, did: "no answer"})
		w.reply(o, unavailable)
		return
	}
	a := unavailable
	switch w.random.IntN(6) {
	case 0:
		w.log(entry{o: o, did: "lost"})
	case 1:
		w.execute(o, o.size(), "executes, the answer is lost")
	case 2, 3:
		n := w.random.IntN(o.size() + 1)
		w.execute(o, n, "executes in part")
		if o.kind == storetest.LogAppend && n > 0 && w.db.uncommitted() == 0 {
			a.n = min(w.random.IntN(n+1), o.size()-1, o.answer.n)
		}
	case 4:
		if w.plan.late {
			w.delay(o, w.random.IntN(o.size()+1))
		} else {
			w.log(entry{o: o, did: "lost"})
		}
	case 5:
		w.log(entry{o: o, did: "refused"})
		a = answer{err: events.ErrRefused}
	}
	w.reply(o, a)
}
