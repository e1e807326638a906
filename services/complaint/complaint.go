// Package complaint says in the log that something fails once, however often it is tried,
// and once that it works again.
//
// # Concurrency
//
// A Once is safe for concurrent use. Nothing waits for its mutex while a line is written.
//
// It refuses to know what fails, and when it is tried again.
package complaint

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

// Once is one thing that may fail. The zero Once works.
type Once struct {
	// Calm, which is static, is how long it must not have failed until it is said to work
	// again. Where many use it at the same time, or it fails for some only, every second
	// try would otherwise be a change. 0: at once.
	Calm time.Duration

	mu    sync.Mutex
	since time.Time // when it began to fail; zero: it works
	last  time.Time // when it failed last
}

// Fails says what fails, and why, unless that is known.
func (o *Once) Fails(log *zap.Logger, what string, err error) {
	now := time.Now()
	o.mu.Lock()
	first := o.since.IsZero()
	if first {
		o.since = now
	}
	o.last = now
	o.mu.Unlock()
	if first {
		log.Warn(what, zap.Error(err))
	}
}

// Works says what works again, and after how long, if it has failed and is calm.
func (o *Once) Works(log *zap.Logger, what string) {
	now := time.Now()
	o.mu.Lock()
	since := o.since
	over := !since.IsZero() && now.Sub(o.last) >= o.Calm
	if over {
		o.since = time.Time{}
	}
	o.mu.Unlock()
	if over {
		log.Info(what, zap.Duration("after", now.Sub(since)))
	}
}
