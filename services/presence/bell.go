package presence

import (
	"context"
	"sync"

	"go.uber.org/zap"
)

// Bell wakes the readers of one process when the log has grown. However many they are,
// the store is watched once, and only while there is one. Its methods are safe for
// concurrent use.
type Bell struct {
	// static after NewBell
	changes Changes
	log     *zap.Logger

	mu      sync.Mutex // guards what follows
	waiting map[chan struct{}]struct{}
	silence func()        // ends the watch; nil while there is none
	ended   chan struct{} // closed when that watch has ended
	refused bool          // the store will not tell
}

// NewBell returns a bell over changes, which may be nil: then only Ring rings it.
func NewBell(changes Changes, log *zap.Logger) *Bell {
	return &Bell{changes: changes, log: log, waiting: make(map[chan struct{}]struct{})}
}

// Listen returns a channel on which there is something after the log has grown, for
// Reader.Follow. Stop must be called, once; when the last listener has stopped, nothing
// of the watch is left.
func (b *Bell) Listen() (wake <-chan struct{}, stop func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	own := make(chan struct{}, 1) // so many rings are one
	b.waiting[own] = struct{}{}
	if b.silence == nil && b.changes != nil && !b.refused {
		b.begin()
	}
	return own, func() { b.leave(own) }
}

// begin watches the store. The caller holds b.mu.
func (b *Bell) begin() {
	ctx, cancel := context.WithCancel(context.Background())
	before, ended := b.ended, make(chan struct{})
	b.silence, b.ended = cancel, ended
	go func() { // ends when silence is called; leave waits for it
		defer close(ended)
		if before != nil {
			<-before
		}
		if err := b.changes.Watch(ctx, b.Ring); err != nil && ctx.Err() == nil {
			b.giveUp(err)
		}
	}()
}

func (b *Bell) giveUp(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = true
	b.log.Info("the store does not tell of new events: readers look every "+pollEvery.String(), zap.Error(err))
}

// Ring wakes all listeners. It never blocks.
func (b *Bell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for wake := range b.waiting {
		select {
		case wake <- struct{}{}:
		default: // it has not come to the last ring yet
		}
	}
}

func (b *Bell) leave(own chan struct{}) {
	b.mu.Lock()
	delete(b.waiting, own)
	if len(b.waiting) > 0 || b.silence == nil {
		b.mu.Unlock()
		return
	}
	b.silence()
	b.silence = nil
	ended := b.ended
	b.mu.Unlock()
	<-ended
}
