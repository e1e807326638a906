package compare

import (
	"context"
	"time"

	"github.com/presenced/presence/bench/load"
)

const (
	newcomers = 10_000

	// after is how long after a second they come: when the tick of it is out to nobody.
	after = 50 * time.Millisecond
)

// connect measures clients that come all at once, until all are welcomed.
func connect(ctx context.Context, c contest) (measured, error) {
	f, err := load.NewFleet(c.size(newcomers), load.Config{Server: c.Addr()})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := load.Wait(ctx, time.Until(edge(time.Now()).Add(before+after))); err != nil {
		return nil, err
	}
	began, err := c.ProcessorTime()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	connecting, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := f.Connect(connecting, f.Size()); err != nil {
		return nil, err
	}
	took := f.Welcomed().Sub(start)
	ended, err := c.ProcessorTime()
	if err != nil {
		return nil, err
	}
	n := float64(f.Size())
	return measured{connectRate: n / took.Seconds(), connectPrice: microseconds(ended-began) / n}, nil
}
