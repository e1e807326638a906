package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// plan is what kind of a run a seed makes. Each kind of trouble is switched on or off
// by itself: a run with few kinds of it reaches states that one with all does not.
type plan struct {
	calm        bool // one crash, and nothing else is wrong
	nodes       int
	queue       int
	chaos       time.Duration // how long the trouble lasts
	every       time.Duration // between two things that happen, on average
	idle        float64       // the chance that time passes although something could be done
	slow        time.Duration // the longest moment in which nothing is done
	faults      float64       // the share of operations that fail
	late        bool          // writes may execute after their caller gave up
	lag         bool          // a majority that lags, and failovers
	noReconcile bool
	skew        time.Duration // how wrong the wall clocks of the machines are, at most
	snapshots   bool          // are there
	weights     [actions]int
}

// action is one kind of thing that happens.
type action int

const (
	connect action = iota
	disconnect
	setClock
	snapshot
	crash
	begin
	pause
	cut
	leave
	duplicate
	seal
	failover
	outage
	refuse
	actions
)

// common is how often each action is taken, if it is.
var common = [actions]int{
	connect: 40, disconnect: 25, setClock: 4, snapshot: 6, crash: 2, begin: 8, pause: 3, cut: 3, leave: 2, duplicate: 1,
	seal: 2, failover: 3, outage: 1, refuse: 1,
}

func newPlan(r *rand.Rand) plan {
	p := plan{
		nodes:   2 + r.IntN(4),
		queue:   []int{8, 40, 1000}[r.IntN(3)],
		chaos:   15*time.Second + time.Duration(r.Int64N(int64(30*time.Second))),
		every:   []time.Duration{50 * time.Millisecond, 300 * time.Millisecond, time.Second}[r.IntN(3)],
		idle:    []float64{0.05, 0.3, 0.6}[r.IntN(3)],
		slow:    []time.Duration{50 * time.Millisecond, 500 * time.Millisecond, 4 * time.Second}[r.IntN(3)],
		faults:  []float64{0, 0.03, 0.15, 0.4}[r.IntN(4)],
		lag:     r.IntN(3) == 0,
		weights: common,
	}
	p.noReconcile = r.IntN(2) == 0
	p.late = !p.noReconcile && r.IntN(4) != 0
	for a := crash; a < actions; a++ {
		if r.IntN(2) == 0 {
			p.weights[a] = 0
		}
	}
	if !p.lag {
		p.weights[failover] = 0
	}
	p.weights[begin] = common[begin]
	if r.IntN(2) == 0 {
		p.skew = []time.Duration{100 * time.Millisecond, 20 * time.Second, 10 * time.Minute}[r.IntN(3)]
	}
	if p.snapshots = r.IntN(2) == 0; !p.snapshots {
		p.weights[snapshot] = 0
	}
	if p.skew == 0 || r.IntN(3) == 0 {
		p.weights[setClock] = 0 // the clocks differ, and keep their distance
	}
	if r.IntN(8) == 0 {
		p.makeCalm(r)
	}
	return p
}

// makeCalm leaves nothing of the trouble but one crash, newcomers whose node id is
// taken, and clocks that are wrong.
func (p *plan) makeCalm(r *rand.Rand) {
	p.calm, p.faults, p.late, p.lag = true, 0, false, false
	p.slow = min(p.slow, 500*time.Millisecond) // as it is on a day without trouble
	p.idle = min(p.idle, 0.3)
	for a := crash; a < actions; a++ {
		p.weights[a] = 0
	}
	p.weights[duplicate] = r.IntN(3)
}

// happen does one thing of those that the plan has, if it can be done now.
func (w *world) happen() {
	w.next = w.now().Add(time.Duration(w.random.ExpFloat64() * float64(w.plan.every)))
	sum := 0
	for _, n := range w.plan.weights {
		sum += n
	}
	at, a := w.random.IntN(sum), action(0)
	for ; at >= w.plan.weights[a]; a++ {
		at -= w.plan.weights[a]
	}
	w.act(a)
}

func (w *world) act(a action) {
	p := w.anyone()
	span := func(longest time.Duration) time.Duration { return time.Duration(w.random.Int64N(int64(longest))) }
	switch {
	case a == begin:
		w.begin()
	case a == setClock:
		w.setClock(p)
	case a == failover:
		w.failover()
	case a == outage:
		w.note("outage")
		w.outage = w.now().Add(span(15 * time.Second))
	case a == refuse:
		w.note("writes are refused")
		w.refusing = w.now().Add(span(5 * time.Second))
	case p == nil || p.dead.Load():
	case a == snapshot && p.serves():
		p.snapshot()
	case a == crash:
		p.crash()
	case a == pause && p.paused.IsZero():
		p.pause(span(25 * time.Second))
	case a == cut:
		w.note("cut off %s", p)
		p.cutUntil = w.now().Add(span(25 * time.Second))
	case a == duplicate && w.alive() < 7:
		w.start(p.node)
	case a == leave && p.up() && p.paused.IsZero():
		p.leave(time.Second + span(20*time.Second))
	case a == seal && p.up():
		w.sealBehind(p)
	case a == connect && p.serves():
		p.connect()
	case a == disconnect && p.serves() && len(p.clients) > 0:
		p.disconnect(w.random.IntN(len(p.clients)))
	}
}

// snapshot lets a process write a snapshot of a stream as far as it is committed, also
// if the stream is sealed: then there is none to be written. Now and then there is one
// already that is of no use, and stays.
func (p *process) snapshot() {
	w, s := p.w, p.member.Stream()
	if all := w.truth.streams(); len(all) > 0 && w.random.IntN(2) == 0 {
		s = all[w.random.IntN(len(all))]
	}
	tail := w.truth.fold(s).Tail()
	if tail.ID.IsZero() {
		return
	}
	if w.random.IntN(5) == 0 {
		w.uselessSnapshot(tail)
	}
	if p.snapshots.Swap(true) {
		return // it still writes one, and two that are the same could not be told apart
	}
	w.note("%s writes a snapshot of %s", p, tail.ID)
	w.goroutines.Go(func() {
		defer p.snapshots.Store(false)
		_, _ = presence.WriteSnapshot(p.life, p.store(), tail.ID) // nothing depends on it
	})
}

// uselessSnapshot leaves a snapshot at an event that cannot be used: the first of many
// chunks that nobody writes, or one of a program that is yet to be written.
func (w *world) uselessSnapshot(tail events.Event) {
	useless := presence.Chunk{Of: tail.ID, At: tail.At, Chunks: 1000, Version: 1}
	if w.random.IntN(2) == 0 {
		useless.Chunks, useless.Version = 1, 2
	}
	w.note("a useless snapshot of %s: %d chunks, version %d", tail.ID, useless.Chunks, useless.Version)
	for _, m := range []*storetest.Memory{w.db.primary, w.db.committed} {
		if err := m.Store().Snapshots.Add(context.Background(), []presence.Chunk{useless}); err != nil {
			w.fail("write: %v", err)
		}
	}
}

// anyone is one of the processes that are there, nil if there is none.
func (w *world) anyone() *process {
	var there []*process
	for _, p := range w.processes {
		if !p.dead.Load() {
			there = append(there, p)
		}
	}
	if len(there) == 0 {
		return nil
	}
	return there[w.random.IntN(len(there))]
}

func (w *world) alive() (n int) {
	for _, p := range w.processes {
		if !p.dead.Load() {
			n++
		}
	}
	return n
}

// begin starts a process of a node that has none.
func (w *world) begin() {
	taken := make(map[string]bool)
	for _, p := range w.processes {
		if !p.dead.Load() {
			taken[p.node] = true
		}
	}
	var free []string
	for i := range w.plan.nodes {
		if n := fmt.Sprint("n", i+1); !taken[n] {
			free = append(free, n)
		}
	}
	if len(free) > 0 {
		w.start(free[w.random.IntN(len(free))])
	}
}

// sealBehind is a peer that takes a live process for dead, and dies itself right after
// the first step of the takeover.
func (w *world) sealBehind(p *process) {
	if w.db.uncommitted() > 0 {
		return
	}
	s := p.member.Stream()
	tail := w.truth.fold(s).Tail()
	if s.IsZero() || tail.ID.IsZero() || tail.Seals() {
		return
	}
	w.note("a peer seals %s of %s, and dies", s, p)
	at := events.Milliseconds(w.now())
	if at.Before(tail.At) {
		at = tail.At
	}
	w.execute(&op{p: &process{w: w, node: "zz"}, run: []events.Event{{
		ID: tail.ID.Next(), Type: events.Sealed, At: at, By: "zz", Reason: events.NodeLost, LastSeen: tail.At,
	}}, kind: storetest.LogAppend}, 1, "executes")
	if w.db.uncommitted() > 0 {
		w.commit(1)
	}
}

// result is what a run has found out.
type result struct {
	steps      int
	rest       time.Duration // from the end of the trouble until everything was as it must be
	recoveries int           // from the death of a process in calm
	slowest    time.Duration // of these
	hash       uint64
	log        map[events.Stream][]events.Event
	trace      string
	failure    string // "" if everything holds
	plan       plan
}

// How long the world may take to come to rest, and how often to look.
const (
	restWithin = 120 * time.Second
	restLook   = 3 * time.Second
)

// simulate makes the run of a seed. It is called in a bubble.
func simulate(seed uint64, keepAll bool) result {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	w := &world{
		seed: seed, plan: newPlan(r), began: time.Now(), random: r, keepAll: keepAll,
		users: make(map[string]*client), truth: newTruth(), arrived: make(chan struct{}, 1),
	}
	w.db.init(w.plan.lag)
	w.db.clock.set(r, w.plan.skew)
	w.calm, w.next = w.plan.calm, w.now()
	for range w.plan.nodes {
		w.begin()
	}
	if w.plan.calm {
		w.calmRun()
	} else {
		w.run(w.began.Add(w.plan.chaos))
	}
	w.rest()
	if w.failure == "" && w.random.IntN(3) == 0 {
		w.leaveAll()
	}
	w.endAll()
	w.result.steps, w.result.hash, w.result.failure, w.result.plan = w.steps, w.hash, w.failure, w.plan
	w.result.log = w.everything()
	if w.failure != "" || keepAll {
		w.result.trace = w.past()
	}
	return w.result
}

// calmRun lets one process crash while clients come and go.
func (w *world) calmRun() {
	w.run(w.began.Add(5*time.Second + time.Duration(w.random.Int64N(int64(10*time.Second)))))
	if w.failure != "" {
		return
	}
	p := w.anyone()
	if s := p.member.Stream(); p.up() {
		w.truth.deaths = append(w.truth.deaths, &death{s, w.now()})
	}
	p.crash()
	w.run(w.now().Add(recoverWithin))
	w.settle()
	for _, d := range w.truth.deaths {
		w.fail("%s is not ended %s after its process died", d.stream, recoverWithin)
	}
}

// recoverWithin is the promise: how long after a death a user of it is online at most.
const recoverWithin = 20 * time.Second

// rest ends the trouble, and waits until the world is at rest.
func (w *world) rest() {
	if w.failure != "" {
		return
	}
	w.note("quiet")
	w.quiet = true
	w.plan.idle = min(w.plan.idle, 0.3)
	w.outage, w.refusing = time.Time{}, time.Time{}
	for i := range w.late {
		w.late[i].due = earlier(w.late[i].due, w.now().Add(5*time.Second))
	}
	for _, o := range w.pending {
		o.held = time.Time{}
	}
	for _, p := range w.processes {
		p.cutUntil = time.Time{}
		if !p.paused.IsZero() {
			p.paused = earlier(p.paused, w.now())
		}
	}
	if w.alive() == 0 {
		w.begin()
	}
	unrest, began := "it was not looked at", w.now()
	for until := w.now().Add(restWithin); w.failure == "" && unrest != "" && w.now().Before(until); unrest = w.unrest() {
		if w.alive() == 0 {
			w.begin()
		}
		w.run(w.now().Add(restLook))
	}
	w.result.rest = w.now().Sub(began)
	if unrest != "" {
		w.fail("not at rest after %s of calm:\n%s", restWithin, unrest)
	}
	w.checkMends()
	if w.random.IntN(10) == 0 {
		w.run(w.now().Add(40 * time.Second))
		if again := w.unrest(); again != "" {
			w.fail("at rest, and then not any more:\n%s", again)
		}
	}
	w.verify()
	w.checkRoom()
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// verify holds that the product's own check finds nothing either.
func (w *world) verify() {
	if w.failure != "" {
		return
	}
	report, err := presence.Verify(context.Background(), w.db.committed.Store())
	if err != nil || !report.Holds() {
		w.fail("verify: %v %+v", err, report)
	}
}

// checkRoom holds that at rest a live connection holds one place of the queue, and
// nothing else holds any.
func (w *world) checkRoom() {
	for _, p := range w.processes {
		if p.dead.Load() {
			continue
		}
		n := 0
		for p.member.Admit() == nil {
			n++
		}
		for range n {
			p.member.Release()
		}
		if want := (w.plan.queue - len(p.clients)) / 2; n != want {
			w.fail("%s has room for %d more connections, want %d", p, n, want)
		}
	}
}

// leaveAll shuts every process down, and holds that nothing is left.
func (w *world) leaveAll() {
	for _, p := range w.processes {
		if !p.dead.Load() {
			p.leave(time.Minute)
		}
	}
	w.run(w.now().Add(20 * time.Second))
	if n := w.alive(); n > 0 {
		w.fail("%d processes have not left", n)
	}
	if unrest := w.unrest(); unrest != "" {
		w.fail("all have left, and:\n%s", unrest)
	}
}

// endAll kills what is left, and waits for its goroutines.
func (w *world) endAll() {
	w.quiet = true
	for _, p := range w.processes {
		if !p.dead.Load() {
			p.crash()
		}
	}
	synctest.Wait()
	w.goroutines.Wait()
}

// everything is the log.
func (w *world) everything() map[events.Stream][]events.Event {
	log := make(map[events.Stream][]events.Event)
	for s := range w.truth.folds {
		log[s], _ = w.db.committed.Store().Log.Read(context.Background(), s.At(0), all)
	}
	return log
}
