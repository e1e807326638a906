package scenario

import (
	"context"
	"strconv"
	"time"

	"github.com/presenced/presence/bench/load"
	"github.com/presenced/presence/bench/server"
)

// connectTimeout is how long clients may take to be welcomed where that is not what
// is measured.
const connectTimeout = 60 * time.Second

// connected is a fleet of n clients, all welcomed.
func connected(ctx context.Context, s *server.Server, n int, cfg load.Config) (*load.Fleet, error) {
	cfg.Server = s.Addr()
	f, err := load.NewFleet(n, cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := f.Connect(ctx, n); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// watch drives a fleet in a goroutine of its own until stop is called, which must be.
// The fleet is the caller's again when stop has returned; its error is the fleet's.
func watch(ctx context.Context, f *load.Fleet) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1) // the goroutine's only word
	go func() { done <- f.Watch(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

// numbered names the users of a fleet.
func numbered(name string) func(int) string {
	return func(i int) string { return name + strconv.Itoa(i) }
}
