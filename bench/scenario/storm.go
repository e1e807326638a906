package scenario

import (
	"context"
	"errors"
	"time"

	"github.com/presenced/presence/bench/load"
	"github.com/presenced/presence/bench/server"
)

const (
	stormWatchers = 100
	stormTicks    = 5 // that the crowd follows after its last welcome
	stormTimeout  = 45 * time.Second
	tickPatience  = 900 * time.Millisecond // for the last tick; then it is missed
)

// Storm connects 10,000 clients as fast as the server takes them, while 100 that were
// there before are told the time. Then it follows the ticks of all.
func Storm(ctx context.Context, b Bench) ([]Measure, error) {
	return b.with(ctx, func(s *server.Server) ([]Measure, error) {
		watchers, err := connected(ctx, s, stormWatchers, load.Config{User: numbered("watcher")})
		if err != nil {
			return nil, err
		}
		defer watchers.Close()
		crowd, err := load.NewFleet(pick(b, 10_000, 1_000), load.Config{Server: s.Addr()})
		if err != nil {
			return nil, err
		}
		defer crowd.Close()
		return b.storm(ctx, s, watchers, crowd)
	})
}

func (b Bench) storm(ctx context.Context, s *server.Server, watchers, crowd *load.Fleet) (_ []Measure, err error) {
	// The watchers have a quiet tick before. The storm begins between two seconds, so
	// that the next tick comes in the middle of it.
	quiet := nextSecond(time.Now())
	watchers.Expect(quiet)
	stop := watch(ctx, watchers)
	r, err := b.rush(ctx, s, crowd, quiet.Add(1500*time.Millisecond))
	err = errors.Join(err, stop())
	if err != nil {
		return nil, err
	}
	during, err := watchers.Ticks(r.calm)
	if err != nil {
		return nil, err
	}
	after, err := crowd.Ticks(r.calm.Add(stormTicks * time.Second))
	if err != nil {
		return nil, err
	}
	n := float64(len(crowd.Clients()))
	return []Measure{
		{"clients connected and welcomed", "", n, Goal{}},
		{"time from the first connect to the last welcome", "s", r.took.Seconds(), Goal{}},
		{"welcomes", "/s", n / r.took.Seconds(), Goal{}},
		{"server processor time per welcome", "µs", r.processor.Seconds() * 1e6 / n, Goal{}},
		{"ticks that the 100 clients before them missed meanwhile", "", float64(during.Missed), Goal{Exactly, 0}},
		{"lateness of those ticks, p99", "ms", load.Milliseconds(during.Late.Quantile(0.99)), Goal{}},
		{"lateness of those ticks, maximum", "ms", load.Milliseconds(during.Late.Quantile(1)), Goal{AtMost, 250}},
		{"ticks missed in the 5 s after, by all", "", float64(after.Missed), Goal{Exactly, 0}},
		{"ticks that came twice", "", float64(during.Twice + after.Twice), Goal{Exactly, 0}},
		{"lateness of the ticks after, p50", "ms", load.Milliseconds(after.Late.Quantile(0.5)), Goal{}},
		{"lateness of the ticks after, maximum", "ms", load.Milliseconds(after.Late.Quantile(1)), Goal{}},
	}, nil
}

// rush is how a crowd came in.
type rush struct {
	took      time.Duration // from the first connect to the last welcome
	processor time.Duration // that the server used meanwhile
	calm      time.Time     // the first tick that all must get; the storm is over before
}

// rush connects the crowd at the time begin, and follows its ticks.
func (b Bench) rush(ctx context.Context, s *server.Server, crowd *load.Fleet, begin time.Time) (r rush, err error) {
	if err := load.Wait(ctx, time.Until(begin)); err != nil {
		return r, err
	}
	before, err := s.ProcessorTime()
	if err != nil {
		return r, err
	}
	connecting, cancel := context.WithTimeout(ctx, stormTimeout)
	defer cancel()
	began := time.Now()
	if err := crowd.Connect(connecting, crowd.Size()); err != nil {
		return r, err
	}
	r.took = crowd.Welcomed().Sub(began)
	r.processor, err = s.ProcessorTime()
	if err != nil {
		return r, err
	}
	r.processor -= before
	b.Say("%d clients are welcomed after %v", crowd.Size(), r.took.Round(time.Millisecond))

	r.calm = nextSecond(time.Now())
	crowd.Expect(r.calm)
	following, cancelFollowing := context.WithDeadline(ctx, r.calm.Add((stormTicks-1)*time.Second+tickPatience))
	defer cancelFollowing()
	return r, crowd.Watch(following)
}
