package main

import (
	"slices"
	"strconv"
	"time"

	"github.com/presenced/presence/services/admin"
	"github.com/presenced/presence/services/fibonacci"
	"github.com/presenced/presence/services/gateway"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/roster"
	"github.com/presenced/presence/services/session"
)

// histograms are the metrics that what happens is told to, when it happens. To observe
// takes some 15 ns and no memory (BenchmarkHistogram_Observe); none is told of a message or of one connection.
type histograms struct {
	pushes    *admin.Histogram // by each event loop, once for each push
	recording *admin.Histogram // by the appender, once for each batch
	batches   *admin.Histogram // likewise
	detection *admin.Histogram // once for each stream that is declared lost
	computing *admin.Histogram // by a worker, once for each computation
}

func newHistograms() histograms {
	const us, ms, s = time.Microsecond, time.Millisecond, time.Second
	return histograms{
		pushes: admin.NewHistogram("presence_gateway_push_lateness_seconds",
			"Time from the second that a time push is for until an event loop has written it to the last of its clients.",
			1*ms, 2*ms, 5*ms, 10*ms, 20*ms, 50*ms, 100*ms, 200*ms, 500*ms, 1*s),
		recording: admin.NewHistogram("presence_recording_seconds",
			"Time from the first try to record a batch until it is durable and visible.",
			1*ms, 2*ms, 5*ms, 10*ms, 20*ms, 50*ms, 100*ms, 200*ms, 500*ms, 1*s, 2*s, 5*s, 10*s, 30*s),
		batches: admin.NewSizes("presence_recording_batch_events",
			"Events of a batch that was recorded.", 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
		detection: admin.NewHistogram("presence_detection_lag_seconds",
			"Time from the last sign of life of a dead node until this node sealed its stream.",
			1*s, 2*s, 5*s, 8*s, 10*s, 12*s, 15*s, 20*s, 30*s, 60*s, 300*s, 3600*s),
		computing: admin.NewHistogram("presence_fibonacci_seconds",
			"Time that a worker computed a number or a sequence.",
			10*us, 100*us, 1*ms, 5*ms, 10*ms, 50*ms, 100*ms, 500*ms, 1*s, 5*s),
	}
}

func (h histograms) all() []*admin.Histogram {
	return []*admin.Histogram{h.pushes, h.recording, h.batches, h.detection, h.computing}
}

// recorded is told of each batch.
func (h histograms) recorded(events int, took time.Duration) {
	h.recording.Observe(took)
	h.batches.ObserveSize(events)
}

// metrics is what GET /metrics says of the server, besides the histograms. It is read
// when it is asked for.
func (s *server) metrics(host *session.Host, pool *fibonacci.Pool) []admin.Metric {
	return slices.Concat(s.gatewayMetrics(), s.memberMetrics(), s.rosterMetrics(), s.webhookMetrics(), commandMetrics(host, pool))
}

func (s *server) gatewayMetrics() []admin.Metric {
	now := func(read func(gateway.Stats) int64) func() float64 {
		return func() float64 { return float64(read(s.gateway.Stats())) }
	}
	total := func(read func(gateway.Totals) int64) func() float64 {
		return func() float64 { return float64(read(s.gateway.Totals())) }
	}
	return []admin.Metric{
		{Name: "presence_gateway_connections", Help: "WebSocket connections that are open.",
			Value: now(func(g gateway.Stats) int64 { return int64(g.Connections) })},
		{Name: "presence_gateway_handshakes", Help: "Sockets that are accepted and not yet upgraded.",
			Value: now(func(g gateway.Stats) int64 { return int64(g.Handshakes) })},
		{Name: "presence_gateway_outbound_bytes", Help: "Bytes of replies that wait for clients to read.",
			Value: now(func(g gateway.Stats) int64 { return g.Outbound })},
		{Name: "presence_gateway_pushes_total", Help: "Time pushes that were written, one per client.", Total: true,
			Value: now(func(g gateway.Stats) int64 { return g.Pushed })},
		{Name: "presence_gateway_pushes_skipped_total", Help: "Time pushes that a client was too far behind to get.", Total: true,
			Value: now(func(g gateway.Stats) int64 { return g.Skipped })},
		{Name: "presence_gateway_received_bytes_total", Help: "Bytes that were read from clients.", Total: true,
			Value: total(func(g gateway.Totals) int64 { return g.Received })},
		{Name: "presence_gateway_sent_bytes_total", Help: "Bytes that were written to clients.", Total: true,
			Value: total(func(g gateway.Totals) int64 { return g.Sent })},
		{Name: "presence_gateway_handshakes_total", Total: true, Label: "outcome",
			Help:   "Handshakes that ended: accepted, dropped without an answer, or refused with an HTTP status.",
			Values: func() map[string]float64 { return outcomes(s.gateway.Totals()) }},
		{Name: "presence_connections_too_many_total", Help: "Connections that were closed at once for MAX_CONNS_PER_USER or MAX_CONNS_PER_ADDR.", Total: true,
			Value: func() float64 { return float64(s.count.Refused()) }},
		{Name: "presence_gateway_closes_total", Total: true, Label: "code",
			Help:   "Conversations that ended, by the close code that was sent first, by either side; 1006: none was, other: one of a client's own.",
			Values: func() map[string]float64 { return closes(s.gateway.Totals()) }},
	}
}

// outcomes are the ends of handshakes.
func outcomes(t gateway.Totals) map[string]float64 {
	values := map[string]float64{"accepted": float64(t.Upgraded), "dropped": float64(t.Dropped)}
	for status, n := range t.Refused {
		name := "refused_other"
		if status != 0 {
			name = "refused_" + strconv.Itoa(status)
		}
		values[name] = float64(n)
	}
	return values
}

// closes are the ends of conversations.
func closes(t gateway.Totals) map[string]float64 {
	values := make(map[string]float64)
	for code, n := range t.Closed {
		name := "other"
		if code != gateway.ClosedOther {
			name = strconv.Itoa(code)
		}
		values[name] = float64(n)
	}
	return values
}

func (s *server) memberMetrics() []admin.Metric {
	member := func(read func(presence.Stats) uint64) func() float64 {
		return func() float64 { return float64(read(s.member.Stats())) }
	}
	return []admin.Metric{
		{Name: "presence_connections", Help: "Connections of this node that are recorded, and still there.",
			Value: member(func(m presence.Stats) uint64 { return uint64(m.Connections) })},
		{Name: "presence_users", Help: "Users of those connections. One who is on several nodes is counted by each.",
			Value: func() float64 { return float64(s.member.Users()) }},
		{Name: "presence_queue_events", Help: "Events that wait to be recorded.",
			Value: member(func(m presence.Stats) uint64 { return uint64(m.Queued) })},
		{Name: "presence_queue_room_events", Help: "Events for which no room is reserved in the queue; below 2 clients are refused.",
			Value: member(func(m presence.Stats) uint64 { return uint64(m.Room) })},
		{Name: "presence_recording_lag_seconds", Help: "How long the oldest event has waited that is not yet durable and visible; 0: none waits.",
			Value: func() float64 { return s.member.Stats().Lag.Seconds() }},
		{Name: "presence_store_failing_steps", Help: "Steps that the store fails at the moment; 0 is well.",
			Value: member(func(m presence.Stats) uint64 { return uint64(m.Failing) })},
		{Name: "presence_recorded_events_total", Help: "Events that are durable and visible.", Total: true,
			Value: member(func(m presence.Stats) uint64 { return m.Recorded })},
		{Name: "presence_fenced_total", Help: "How often this node's stream was sealed by another.", Total: true,
			Value: member(func(m presence.Stats) uint64 { return m.Fenced })},
		{Name: "presence_takeovers_total", Help: "Streams of dead nodes that this node ended.", Total: true,
			Value: member(func(m presence.Stats) uint64 { return m.Takeovers })},
		{Name: "presence_ghosts_reaped_total", Help: "Connections of dead nodes that were online when this node ended their streams.", Total: true,
			Value: member(func(m presence.Stats) uint64 { return m.Reaped })},
		{Name: "presence_online_mended_total", Help: "Connections that reconcile added to online or removed from it.", Total: true,
			Value: member(func(m presence.Stats) uint64 { return m.Mended })},
		{Name: "presence_streams_swept_total", Help: "Ended streams whose ghosts were removed from online.", Total: true,
			Value: member(func(m presence.Stats) uint64 { return m.Swept })},
		{Name: "presence_kicked_total", Help: "Clients of this node that were told to go for an operator.", Total: true,
			Value: member(func(m presence.Stats) uint64 { return m.Kicked })},
	}
}

func (s *server) rosterMetrics() []admin.Metric {
	seen := func(read func(roster.Stats) float64) func() float64 {
		return func() float64 { return read(s.roster.Stats()) }
	}
	return []admin.Metric{
		{Name: "presence_watchers", Help: "Connections that watch who comes and goes.",
			Value: seen(func(r roster.Stats) float64 { return float64(r.Watchers) })},
		{Name: "presence_roster_users", Help: "Users of the cluster who are online as watchers are told; 0 while nobody watches.",
			Value: seen(func(r roster.Stats) float64 { return float64(r.Users) })},
		{Name: "presence_roster_lag_seconds", Help: "Time since the log was last read to its end for the watchers; 0 while nobody watches.",
			Value: seen(func(r roster.Stats) float64 { return r.Lag.Seconds() })},
		{Name: "presence_roster_folded_events_total", Help: "Events that were read for the watchers.", Total: true,
			Value: seen(func(r roster.Stats) float64 { return float64(r.Folded) })},
		{Name: "presence_watch_pushes_total", Help: "Pushes of joins and leaves, one per watcher.", Total: true,
			Value: seen(func(r roster.Stats) float64 { return float64(r.Pushes) })},
		{Name: "presence_watch_resyncs_total", Help: "Watchers that were too slow and were told all anew.", Total: true,
			Value: seen(func(r roster.Stats) float64 { return float64(r.Resyncs) })},
	}
}

func commandMetrics(host *session.Host, pool *fibonacci.Pool) []admin.Metric {
	work := func(read func(fibonacci.Stats) int) func() float64 {
		return func() float64 { return float64(read(pool.Stats())) }
	}
	return []admin.Metric{
		{Name: "presence_messages_total", Help: "Messages from clients, by the type of their command.", Total: true, Label: "type",
			Values: func() map[string]float64 { return floats(host.Counts().Messages) }},
		{Name: "presence_errors_total", Help: "Messages that were answered with an error, by its code.", Total: true, Label: "code",
			Values: func() map[string]float64 { return floats(host.Counts().Refused) }},
		{Name: "presence_fibonacci_waiting", Help: "Computations that wait for a worker.",
			Value: work(func(f fibonacci.Stats) int { return f.Waiting })},
		{Name: "presence_fibonacci_running", Help: "Computations that run.",
			Value: work(func(f fibonacci.Stats) int { return f.Running })},
	}
}

func floats[K ~string](counts map[K]uint64) map[string]float64 {
	values := make(map[string]float64, len(counts))
	for k, n := range counts {
		values[string(k)] = float64(n)
	}
	return values
}
