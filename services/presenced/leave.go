package main

import (
	"context"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/services/protocol"
)

// linger ends readiness and then serves as before for the drain's delay, in which
// proxies find out. It ends early when there is nothing to serve with.
func (s *server) linger(failed <-chan error) error {
	s.notReady()
	s.log.Info("leaving; a second signal ends it at once",
		zap.Duration("after", s.cfg.drainDelay), zap.Duration("within", s.cfg.drainTimeout))
	select {
	case <-time.After(s.cfg.drainDelay):
	case <-s.member.Done():
	case err := <-failed:
		return err
	}
	return nil
}

// notReady ends readiness, once, and sets the time until which everything must end.
func (s *server) notReady() {
	if s.until.IsZero() {
		s.until = time.Now().Add(s.cfg.drainTimeout)
	}
	s.leaving.Store(true)
}

// leave says farewell to the clients, and then records that they have left and ends
// the stream. Clients get the most of the time that there is.
func (s *server) leave() error {
	s.notReady()
	ctx, cancel := context.WithDeadline(context.Background(), s.until)
	defer cancel()
	defer s.report()()
	clients, cancelClients := context.WithTimeout(ctx, time.Until(s.until)*3/5)
	defer cancelClients()
	if err := s.gateway.Shutdown(clients); err != nil {
		s.log.Warn("clients were cut off that did not leave in time", zap.Error(err))
	}
	return s.member.Shutdown(ctx)
}

// reportEvery is how often a server that leaves says how far it has come.
const reportEvery = time.Second

// report tells what is left to do, now and then, until stop is called.
func (s *server) report() (stop func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() { // until stop, which waits for it
		defer close(done)
		ticker := time.NewTicker(reportEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ended:
				return
			case <-ticker.C:
				s.log.Info("leaving", zap.Int("connections", s.gateway.Stats().Connections),
					zap.Int("events waiting", s.member.Stats().Queued))
			}
		}
	}()
	return func() {
		close(ended)
		<-done
	}
}

// The bounds of the wait that a leaving server asks of its clients, so that they do
// not all come back at once.
const (
	minReconnect = 500 * time.Millisecond
	maxReconnect = 5 * time.Second
)

func farewell() []byte {
	return protocol.AppendDrain(nil, minReconnect+rand.N(maxReconnect-minReconnect).Truncate(time.Millisecond))
}
