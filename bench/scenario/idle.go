package scenario

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/presenced/presence/bench/load"
	"github.com/presenced/presence/bench/server"
)

// Idle measures the memory of a connection that is welcomed and asks for nothing: how
// much the server's anonymous memory has grown for 10,000 of them. That counts all
// that the process holds: what the connections need, what they left behind when they
// came, and the room that the garbage collector takes to work in. The server has its
// default settings, and half a minute to settle; then memory is read each second of
// a minute, in which it tells the time and checks its records as always, and the
// median counts.
func Idle(ctx context.Context, b Bench) ([]Measure, error) {
	return b.with(ctx, func(s *server.Server) ([]Measure, error) { return b.idle(ctx, s) })
}

func (b Bench) idle(ctx context.Context, s *server.Server) (_ []Measure, err error) {
	n := pick(b, 10_000, 1_000)
	if err := load.Wait(ctx, pick(b, 5*time.Second, time.Second)); err != nil {
		return nil, err
	}
	before, err := readMemory(s)
	if err != nil {
		return nil, err
	}
	crowd, err := connected(ctx, s, n, load.Config{})
	if err != nil {
		return nil, err
	}
	defer crowd.Close()
	stop := watch(ctx, crowd)
	defer func() { err = errors.Join(err, stop()) }()

	b.Say("%d clients are idle", n)
	if err := load.Wait(ctx, pick(b, 30*time.Second, time.Second)); err != nil {
		return nil, err
	}
	used, kernel, err := b.sample(ctx, s)
	if err != nil {
		return nil, err
	}
	per := func(bytes int64) float64 { return float64(bytes) / float64(n) }
	return []Measure{
		{"connections", "", float64(n), Goal{}},
		{"user memory before", "B", float64(before.anonymous), Goal{}},
		{"user memory per connection, median of a minute", "B", per(used[len(used)/2] - before.anonymous), Goal{AtMost, 700}},
		{"user memory per connection, least of a minute", "B", per(used[0] - before.anonymous), Goal{}},
		{"user memory per connection, most of a minute", "B", per(used[len(used)-1] - before.anonymous), Goal{}},
		{"kernel memory per connection, both of its sockets", "B", per(kernel - before.kernel), Goal{}},
	}, nil
}

// memory is what was in use at one moment, in bytes.
type memory struct {
	anonymous int64 // of the server
	kernel    int64 // of the machine
}

func readMemory(s *server.Server) (m memory, err error) {
	if m.anonymous, err = s.AnonymousMemory(); err != nil {
		return m, err
	}
	m.kernel, err = server.KernelMemory()
	return m, err
}

// sample reads the server's memory each second of a minute, and returns it ascending,
// and the median of the kernel's.
func (b Bench) sample(ctx context.Context, s *server.Server) (anonymous []int64, kernel int64, err error) {
	var kernels []int64
	for range pick(b, 60, 3) {
		m, err := readMemory(s)
		if err != nil {
			return nil, 0, err
		}
		anonymous, kernels = append(anonymous, m.anonymous), append(kernels, m.kernel)
		if err := load.Wait(ctx, time.Second); err != nil {
			return nil, 0, err
		}
	}
	slices.Sort(anonymous)
	slices.Sort(kernels)
	return anonymous, kernels[len(kernels)/2], nil
}
