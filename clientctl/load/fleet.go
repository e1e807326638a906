package load

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/load/report"
	"github.com/presenced/presence/services/protocol"
)

const (
	// maxUnfinished is how many connects are under way at most. More would only wait in
	// the server's queue; what is due meanwhile is late, and counts from when it was due.
	maxUnfinished = 1024

	// closeTimeout bounds the wait for answers to the last close frames.
	closeTimeout = 5 * time.Second

	// glance is how often is looked whether what is waited for has happened.
	glance = 10 * time.Millisecond
)

// fleet is one run.
type fleet struct {
	// static after construction
	c      *Config
	dialer *dialer
	began  time.Time
	slots  chan struct{} // of connects that are under way

	tally tally
	crowd crowd
	out   outstanding

	stopped atomic.Int64 // when measuring ended, since began; 0: it has not
	cut     atomic.Bool  // the run was interrupted

	dialing   sync.WaitGroup // connects
	following sync.WaitGroup // connections
	writing   sync.WaitGroup // writes

	mu    sync.Mutex
	phase Phase
	since time.Time // the phase began
}

// Run puts the server under load, and returns what it saw. When ctx ends it closes the
// connections at once, and reports what it has. An error is of package fault, and means
// that nothing was begun.
func Run(ctx context.Context, c Config) (*report.Report, error) {
	c.complete()
	d, err := newDialer(ctx, &c, newKey())
	if ctx.Err() != nil {
		return nil, fault.ErrInterrupted
	}
	if err != nil {
		return nil, err
	}
	f := &fleet{c: &c, dialer: d, slots: make(chan struct{}, maxUnfinished), began: time.Now(), since: time.Now()}
	f.tally.r = report.New()
	f.run(ctx)
	return f.result(), nil
}

// newKey is a Sec-WebSocket-Key.
func newKey() string {
	var key [16]byte
	rand.Read(key[:]) // never fails
	return base64.StdEncoding.EncodeToString(key[:])
}

func (f *fleet) run(ctx context.Context) {
	beside, stop := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	helpers.Go(func() { f.beat(beside) })
	helpers.Go(func() { f.show(beside) })

	f.open(ctx)
	f.enter(Holding)
	f.hold(ctx)
	f.stopped.Store(int64(time.Since(f.began)))
	f.await(ctx, f.out.empty)
	f.note(ctx)
	f.giveUp(time.Now().Add(-f.c.Timeout))
	f.enter(Closing)
	f.leave(ctx)
	f.note(ctx)

	stop()
	helpers.Wait()
}

// note notes an interruption. It comes before what follows from that, which is no error.
func (f *fleet) note(ctx context.Context) {
	if ctx.Err() != nil {
		f.cut.Store(true)
	}
}

// result is called when all has ended.
func (f *fleet) result() *report.Report {
	r := f.tally.r
	r.Runs, r.Servers = []string{f.c.Run}, []string{f.c.URL.Redacted()}
	r.From, r.Until = f.began.UTC().Truncate(time.Millisecond), time.Now().UTC().Truncate(time.Millisecond)
	r.Interrupted = f.cut.Load()
	r.Connections.Asked = int64(f.c.Connections)
	r.Commands.Sent = r.Commands.Answered + r.Commands.Failed
	return r
}

// beat notes how late this program is itself, and gives up commands that have waited for
// too long.
func (f *fleet) beat(ctx context.Context) {
	pace(ctx, Rate(time.Second/glance), -1, func(_ int, due time.Time) bool {
		f.tally.delayed(time.Since(due))
		f.giveUp(time.Now().Add(-f.c.Timeout))
		return true
	})
}

// giveUp counts commands that were due before a time, or whose connections have ended, as
// failed. What an interruption cuts off is not.
func (f *fleet) giveUp(before time.Time) {
	if f.cut.Load() {
		return
	}
	late, lost := f.out.expire(before)
	f.tally.unanswered(kindTimeout, late)
	f.tally.unanswered(kindLost, lost)
}

// open begins all connects, and waits until each has come to something.
func (f *fleet) open(ctx context.Context) {
	pace(ctx, f.c.Rate, f.c.Connections, func(i int, due time.Time) bool {
		select {
		case f.slots <- struct{}{}:
		case <-ctx.Done():
			return false
		}
		f.tally.connecting()
		f.dialing.Go(func() {
			f.connect(ctx, i, due)
			<-f.slots
		})
		return true
	})
	f.dialing.Wait()
	f.await(ctx, func() bool { return f.tally.unsettled() == 0 })
}

func (f *fleet) connect(ctx context.Context, i int, due time.Time) {
	limited, cancel := context.WithTimeout(ctx, f.c.Timeout)
	defer cancel()
	socket, early, err := f.dialer.dial(limited, i)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		f.tally.cutOff()
		return
	default:
		f.tally.failed(kindOf(err))
		return
	}
	c := &conn{net: socket, due: due}
	f.tally.upgraded(time.Since(due))
	f.crowd.enter(c)
	f.following.Go(func() { f.follow(c, early) })
}

// await waits until something is done, at most for the timeout.
func (f *fleet) await(ctx context.Context, done func() bool) {
	limited, cancel := context.WithTimeout(ctx, f.c.Timeout)
	defer cancel()
	pace(limited, Rate(time.Second/glance), -1, func(int, time.Time) bool { return !done() })
}

// hold sends commands, and holds the connections as long as they are to be held and there
// are any. A command that is due late, as when this program was, is sent all the same.
func (f *fleet) hold(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	end := time.NewTimer(f.c.Hold)
	defer end.Stop()
	var watch sync.WaitGroup
	watch.Go(func() {
		pace(ctx, Rate(time.Second/glance), -1, func(int, time.Time) bool { return f.tally.anybody() })
		cancel()
	})
	pace(ctx, f.c.Commands, f.c.Commands.within(f.c.Hold), func(k int, due time.Time) bool {
		f.command(k, due)
		return true
	})
	select {
	case <-end.C:
	case <-ctx.Done():
	}
	cancel()
	watch.Wait()
}

// command sends command k.
func (f *fleet) command(k int, due time.Time) {
	c := f.crowd.pick(k)
	if c == nil {
		f.tally.unanswered(kindNobody, 1)
		return
	}
	id := f.out.add(c, due)
	text := protocol.AppendFibonacciCommand(nil, strconv.Itoa(id), f.c.N, "")
	frame := appendFrame(nil, ws.OpText, text)
	f.writing.Go(func() { c.write(frame) })
}

// leave closes the connections, at a rate unless it was interrupted, and waits for the
// server to agree, but not for long.
func (f *fleet) leave(ctx context.Context) {
	all := f.crowd.all()
	goodbye := ws.NewCloseFrameBody(ws.StatusNormalClosure, "")
	begin := func(c *conn) {
		c.end(asked)
		frame := appendFrame(nil, ws.OpClose, goodbye)
		f.writing.Go(func() { c.write(frame) })
	}
	begun := 0
	pace(ctx, f.c.RampDown, len(all), func(k int, _ time.Time) bool {
		begin(all[k])
		begun++
		return true
	})
	f.note(ctx)
	for _, c := range all[begun:] { // it was interrupted
		begin(c)
	}
	impatient := time.AfterFunc(closeTimeout, func() {
		for _, c := range all {
			if !c.gone.Load() {
				c.end(unanswered)
				_ = c.net.Close()
			}
		}
	})
	f.following.Wait()
	impatient.Stop()
	f.writing.Wait()
}
