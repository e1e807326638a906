package outages

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/presenced/presence/services/presenced/witness"
)

// outageTicks is how long an outage lasts, in time messages: one a second.
const outageTicks = 8

// While the database is away, who is connected stays so and has the time and Fibonacci,
// and who comes is let in. When it is back, all that happened is recorded, once and in
// its order, and all are welcomed.
func TestOutage(t *testing.T) {
	for name, o := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			during(t, o)
		})
	}
}

func during(t *testing.T, o outage) {
	n := startNode(t)
	before := n.connect(t, "before", 20)
	n.welcomed(t)
	if got := n.status(t, "/readyz"); got != http.StatusOK {
		t.Errorf("readyz answers %d before the outage", got)
	}

	o.begin(t, n.proxy)
	began := time.Now()
	come := n.connect(t, "during", 10)
	for _, c := range append(before[:5:5], come[:3]...) {
		c.Close()
	}
	eventually(t, "the node is not ready", func() bool { return n.status(t, "/readyz") == http.StatusServiceUnavailable })
	if got := n.status(t, "/healthz"); got != http.StatusOK {
		t.Errorf("healthz answers %d", got)
	}
	for _, c := range []*witness.Client{before[19], come[9]} {
		fibonacci(t, c)
		ticks(t, c, outageTicks)
		fibonacci(t, c)
	}
	for _, c := range before[5:] {
		if s := c.Seen(); !s.Gone().IsZero() || len(s.Welcomes) != 1 {
			t.Errorf("%q was connected: %+v", s.User, s)
		}
	}
	for _, c := range come[3:] {
		if s := c.Seen(); !o.slow && len(s.Welcomes) > 0 {
			t.Errorf("%q was welcomed, and nothing can be recorded", s.User)
		}
	}

	if m := n.metrics(t); !o.slow && (m["presence_store_failing_steps"] < 1 || m["presence_queue_events"] < 1 || m["presence_recording_lag_seconds"] <= 0) {
		t.Errorf("the metrics tell nothing of the outage: %v", m)
	}

	o.end(t, n.proxy)
	n.welcomed(t)
	eventually(t, "the node is ready again", func() bool { return n.status(t, "/readyz") == http.StatusOK })
	eventually(t, "the metrics tell of no outage", func() bool {
		m := n.metrics(t)
		return m["presence_store_failing_steps"]+m["presence_queue_events"]+m["presence_recording_lag_seconds"] == 0
	})
	n.connect(t, "after", 5)
	n.welcomed(t)
	n.onlineIsTrue(t)
	for _, c := range before[5:] {
		if s := c.Seen(); s.Gap > time.Since(began)/2 {
			t.Errorf("%q had no time for %s", s.User, s.Gap)
		}
	}
	n.holds(t)
	n.changes(t)
}

// fibonacci asks for what the event loop computes, and for what a worker does.
func fibonacci(t *testing.T, c *witness.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for question, answer := range map[string]string{"90": "2880067194370816120", "100": "354224848179261915075"} {
		if m, err := c.Ask(ctx, question); err != nil || m.Value != answer {
			t.Errorf("%s: %+v, %v", question, m, err)
		}
	}
}

// ticks waits until a client was told the time so many times.
func ticks(t *testing.T, c *witness.Client, count int) {
	t.Helper()
	until := c.Seen().Ticks + count
	eventually(t, "the time is told", func() bool { return c.Seen().Ticks >= until })
}

// A short queue bounds what waits while the database is away: one client too many is
// told to come back, and can.
func TestOutage_QueueFull(t *testing.T) {
	t.Parallel()
	// Each of the 10 who are connected holds one place, and each of the 10 who come
	// during the outage two.
	const queue, connected, come = 31, 10, 10
	n := startNode(t, "--queue", "31")
	n.connect(t, "before", connected)
	n.welcomed(t)

	refuse(t, n.proxy)
	// The first of them may be in flight, or not: it holds its two places all the same.
	n.connect(t, "during", come)
	_, err := n.Dial(t.Context(), "n1", n.Clients, "one too many")
	refused := new(witness.RefusedError)
	if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable || refused.RetryAfter < time.Second {
		t.Errorf("of a queue of %d, %d are taken, and one more: %v", queue, connected+2*come, err)
	}
	eventually(t, "the node is not ready", func() bool { return n.status(t, "/readyz") == http.StatusServiceUnavailable })

	listen(t, n.proxy)
	n.welcomed(t)
	eventually(t, "there is room again", func() bool {
		_, err := n.Dial(t.Context(), "n1", n.Clients, "one too many")
		return err == nil
	})
	n.welcomed(t)
	n.onlineIsTrue(t)
	n.holds(t)
	n.changes(t)
}
