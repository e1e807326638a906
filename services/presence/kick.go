package presence

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
)

// How often a node looks for kicks of its connections, and how soon it looks again
// while some are not done: twice as long each time.
const (
	kickEvery = 2 * time.Second
	kickSoon  = 50 * time.Millisecond
)

// formerFor is how long, after a node has joined again, a kick of the id that a
// connection had before still finds it. Who asks for a kick has looked the id up some
// seconds before.
const formerFor = 5 * time.Minute

// kicking is a kick that this node has read, and how far it is. The kick loop and the
// append loop hand it to each other.
type kicking struct {
	Kick
	state kickState
	until uint64 // once ended: done when the appender has recorded so many items
}

type kickState uint8

const (
	kickRead  kickState = iota
	kickTold            // the client was told to go
	kickEnded           // the connection has ended; its disconnect may still be queued
)

// kickRound is a look at kicks by the append loop, between two batches: then nothing is
// in flight, and what is not among the live connections has ended.
type kickRound struct {
	held map[events.Position]*kicking
	done chan []events.Position // size 1: the connections whose disconnect is recorded
}

// kickLoop closes the connections of this node that have a kick, in whatever epoch of
// it they were asked for, and removes a kick once the end of its connection is recorded.
// A kick whose connection has ended already does nothing.
func (e *epoch) kickLoop(ctx context.Context) {
	held, wait := make(map[events.Position]*kicking), time.Duration(0)
	for e.awaitKicks(ctx, wait) {
		before := len(held)
		err := e.kickRound(ctx, held)
		switch {
		case err == nil:
			e.m.health.clear("kicks")
		case ctx.Err() == nil:
			e.m.health.note("kicks", err)
		}
		wait = nextKickLook(wait, before, len(held))
	}
}

// nextKickLook is how long to wait until the next look at kicks.
func nextKickLook(wait time.Duration, before, left int) time.Duration {
	switch {
	case left == 0:
		return kickEvery
	case left != before:
		return kickSoon
	}
	return min(max(2*wait, kickSoon), kickEvery)
}

// awaitKicks waits for a while, or until somebody has asked this node for a kick. It
// reports whether ctx let it.
func (e *epoch) awaitKicks(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-e.m.asked:
	case <-t.C:
	}
	return ctx.Err() == nil
}

// kickRound reads the kicks of this node, lets the append loop act on them, and removes
// those that are done.
func (e *epoch) kickRound(ctx context.Context, held map[events.Position]*kicking) error {
	if err := e.readKicks(ctx, held); err != nil {
		return err
	}
	if len(held) == 0 && time.Since(e.began) < formerFor {
		return nil
	}
	round := kickRound{held, make(chan []events.Position, 1)}
	select {
	case e.kicks <- round:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	done := <-round.done
	if len(done) == 0 {
		return nil
	}
	if err := e.m.store.Kicks.Remove(ctx, done); err != nil {
		return err
	}
	for _, id := range done {
		delete(held, id)
	}
	return nil
}

// readKicks makes held what the store has.
func (e *epoch) readKicks(ctx context.Context, held map[events.Position]*kicking) error {
	there := make(map[events.Position]bool)
	for after := (events.Position{}); ; {
		page, err := e.m.store.Kicks.OfNode(ctx, e.stream.Node, after, maxBatch)
		if err != nil {
			return err
		}
		for _, k := range page {
			there[k.Conn] = true
			if held[k.Conn] == nil {
				held[k.Conn] = &kicking{Kick: k}
			}
		}
		if len(page) < maxBatch {
			break
		}
		after = page[len(page)-1].Conn
	}
	for id := range held {
		if !there[id] {
			delete(held, id)
		}
	}
	return nil
}

// judgeKicks tells clients to go, and finds the kicks that are done. It runs on the
// append loop.
func (e *epoch) judgeKicks(r kickRound) {
	if time.Since(e.began) >= formerFor {
		e.former = nil
	}
	if len(r.held) == 0 {
		r.done <- nil
		return
	}
	live := e.m.table.recordedConns()
	queued := uint64(e.m.table.stats().Queued) // after live: the disconnect of who is not there is counted
	var done []events.Position
	told := 0
	for id, k := range r.held {
		c := e.holder(id, live)
		switch {
		case k.state == kickRead && c != nil:
			c.client.Kicked(k.Reason)
			k.state = kickTold
			told++
		case k.state != kickEnded && c == nil:
			k.state, k.until = kickEnded, e.done+queued
		}
		if k.state == kickEnded && e.done >= k.until {
			done = append(done, id)
		}
	}
	if told > 0 {
		e.m.count.kicked.Add(uint64(told))
		e.m.log.Info("connections closed for an operator", zap.Stringer("stream", e.stream), zap.Int("connections", told))
	}
	r.done <- done
}

// holder is the connection that has an id, or had it in an earlier epoch, and nil if it
// has ended.
func (e *epoch) holder(id events.Position, live []*Conn) *Conn {
	if id.Stream == e.stream {
		if i, found := search(live, id.Seq); found {
			return live[i]
		}
		return nil
	}
	if c := e.former[id]; c != nil && e.m.table.isThere(c) {
		return c
	}
	return nil
}

// remember keeps which connections had which ids in a stream that is lost, before they
// get new ones: the ids that were recorded, and those that perhaps were. The loops have
// ended.
func (e *epoch) remember() {
	if e.m.store.Kicks == nil {
		return
	}
	if e.former == nil {
		e.former = make(map[events.Position]*Conn)
	}
	for _, c := range e.m.table.recordedConns() {
		e.former[e.stream.At(c.seq)] = c
	}
	for _, it := range e.batch {
		if it.reason == 0 {
			e.former[e.stream.At(it.conn.seq)] = it.conn
		}
	}
	for _, c := range e.moving {
		e.former[e.stream.At(c.seq)] = c
	}
}

// dropKicks removes the kicks of a stream.
func dropKicks(ctx context.Context, kicks Kicks, s events.Stream) error {
	for {
		page, err := kicks.OfNode(ctx, s.Node, s.At(0), maxBatch)
		if err != nil {
			return err
		}
		var ids []events.Position
		for _, k := range page {
			if k.Conn.Stream == s {
				ids = append(ids, k.Conn)
			}
		}
		if len(ids) == 0 {
			return nil
		}
		if err := kicks.Remove(ctx, ids); err != nil {
			return err
		}
	}
}
