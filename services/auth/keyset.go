package auth

import (
	"context"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

const (
	// refreshEvery is how often a key set is read again: after so long at the latest a
	// key that was taken out of it is not accepted any more.
	refreshEvery = 5 * time.Minute

	// refreshPause is the least time between two reads, however many tokens name keys
	// that are not known.
	refreshPause = 10 * time.Second
)

// KeySet is a JWK set that is read again from time to time, and soon after a token has
// named a key that is not in it. While it cannot be read the keys that are known go on.
// Run does the reading; find, on the event loops, only looks at what was read last.
type KeySet struct {
	// static after construction
	source source
	log    *zap.Logger
	wake   chan struct{} // room for one: a second wish is the same wish

	latest atomic.Pointer[reading]
}

var _ Keys = (*KeySet)(nil)

// reading is what is known of a set. It is immutable.
type reading struct {
	keys   map[string]key
	at     time.Time // when it was last tried to read it
	failed bool      // and whether that was in vain
}

// OpenKeySet reads the set at a place, a path or an address with https:// or http://.
// The error says what is wrong with it, without the address, which may hold secrets.
func OpenKeySet(ctx context.Context, place string, log *zap.Logger) (*KeySet, error) {
	src, err := newSource(place)
	if err != nil {
		return nil, err
	}
	s := &KeySet{source: src, log: log, wake: make(chan struct{}, 1)}
	keys, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	s.latest.Store(&reading{keys: keys, at: time.Now()})
	return s, nil
}

// Len is how many keys are known.
func (s *KeySet) Len() int { return len(s.latest.Load().keys) }

// find implements Keys. A token that names no key is taken for one of the only key.
func (s *KeySet) find(id string) (key, error) {
	now := s.latest.Load()
	if k, ok := now.keys[id]; ok {
		return k, nil
	}
	if id == "" {
		for _, k := range now.keys {
			if len(now.keys) == 1 {
				return k, nil
			}
		}
		return key{}, errNoKeyID
	}
	if !now.failed && time.Since(now.at) < refreshPause {
		return key{}, errKey
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return key{}, ErrKeyNotYet
}

// Run reads the set again until ctx ends.
func (s *KeySet) Run(ctx context.Context) {
	for s.pause(ctx) {
		s.refresh(ctx)
	}
}

// pause waits until the set is to be read again, and reports whether it is.
func (s *KeySet) pause(ctx context.Context) bool {
	last := s.latest.Load().at
	wait := func(d time.Duration, wake <-chan struct{}) bool {
		t := time.NewTimer(d - time.Since(last))
		defer t.Stop()
		select {
		case <-ctx.Done():
			return false
		case <-t.C:
		case <-wake:
		}
		return true
	}
	return wait(refreshEvery, s.wake) && wait(refreshPause, nil)
}

// refresh reads the set, and says in the log when that begins or ceases to fail and
// when the keys have changed.
func (s *KeySet) refresh(ctx context.Context) {
	old := s.latest.Load()
	keys, err := s.read(ctx)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		if !old.failed {
			s.log.Warn("AUTH_JWKS cannot be read again; the keys that are known go on", zap.Error(err))
		}
		s.latest.Store(&reading{keys: old.keys, at: time.Now(), failed: true})
		return
	case old.failed:
		s.log.Info("AUTH_JWKS can be read again", zap.Int("keys", len(keys)))
	case !sameIDs(old.keys, keys):
		s.log.Info("AUTH_JWKS has other keys", zap.Int("keys", len(keys)))
	}
	s.latest.Store(&reading{keys: keys, at: time.Now()})
}

func sameIDs(a, b map[string]key) bool {
	for id := range a {
		if _, ok := b[id]; !ok {
			return false
		}
	}
	return len(a) == len(b)
}

func (s *KeySet) read(ctx context.Context) (map[string]key, error) {
	text, err := s.source(ctx)
	if err != nil {
		return nil, err
	}
	return parseSet(text)
}
