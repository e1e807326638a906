package main

import (
	"time"

	"github.com/presenced/presence/services/admin"
	"github.com/presenced/presence/services/fibonacci"
	"github.com/presenced/presence/services/gateway"
	"github.com/presenced/presence/services/presence"
)

// pushLateness is filled by each event loop once for each push: what the last of its
// clients waited for.
func pushLateness() *admin.Histogram {
	const ms = time.Millisecond
	return admin.NewHistogram("presence_gateway_push_lateness_seconds",
		"Time from the second that a time push is for until an event loop has written it to the last of its clients.",
		1*ms, 2*ms, 5*ms, 10*ms, 20*ms, 50*ms, 100*ms, 200*ms, 500*ms, 1000*ms)
}

// metrics is what GET /metrics says of the server.
func (s *server) metrics(pool *fibonacci.Pool) []admin.Metric {
	sockets := func(read func(gateway.Stats) int64) func() float64 {
		return func() float64 { return float64(read(s.gateway.Stats())) }
	}
	member := func(read func(presence.Stats) uint64) func() float64 {
		return func() float64 { return float64(read(s.member.Stats())) }
	}
	work := func(read func(fibonacci.Stats) int) func() float64 {
		return func() float64 { return float64(read(pool.Stats())) }
	}
	return []admin.Metric{
		{Name: "presence_gateway_connections", Help: "WebSocket connections that are open.",
			Value: sockets(func(g gateway.Stats) int64 { return int64(g.Connections) })},
		{Name: "presence_gateway_handshakes", Help: "Sockets that are accepted and not yet upgraded.",
			Value: sockets(func(g gateway.Stats) int64 { return int64(g.Handshakes) })},
		{Name: "presence_gateway_outbound_bytes", Help: "Bytes of replies that wait for clients to read.",
			Value: sockets(func(g gateway.Stats) int64 { return g.Outbound })},
		{Name: "presence_gateway_pushes_total", Help: "Time pushes that were written, one per client.", Total: true,
			Value: sockets(func(g gateway.Stats) int64 { return g.Pushed })},
		{Name: "presence_gateway_pushes_skipped_total", Help: "Time pushes that a client was too far behind to get.", Total: true,
			Value: sockets(func(g gateway.Stats) int64 { return g.Skipped })},

		{Name: "presence_connections_too_many_total", Help: "Connections that were closed at once for MAX_CONNS_PER_USER or MAX_CONNS_PER_ADDR.", Total: true,
			Value: func() float64 { return float64(s.count.Refused()) }},

		{Name: "presence_connections", Help: "Connections that are recorded, and still there.",
			Value: member(func(m presence.Stats) uint64 { return uint64(m.Connections) })},
		{Name: "presence_queue_events", Help: "Events that wait to be recorded.",
			Value: member(func(m presence.Stats) uint64 { return uint64(m.Queued) })},
		{Name: "presence_recording_lag_seconds", Help: "How long the oldest event that waits to be recorded has waited; 0 if none waits.",
			Value: func() float64 { return s.member.Stats().Lag.Seconds() }},
		{Name: "presence_queue_room_events", Help: "Events for which no room is reserved in the queue; below 2 clients are refused.",
			Value: member(func(m presence.Stats) uint64 { return uint64(m.Room) })},
		{Name: "presence_store_failing_steps", Help: "Steps that the store fails at the moment; 0 is well.",
			Value: member(func(m presence.Stats) uint64 { return uint64(m.Failing) })},
		{Name: "presence_recorded_events_total", Help: "Events that are durable and visible.", Total: true,
			Value: member(func(m presence.Stats) uint64 { return m.Recorded })},
		{Name: "presence_recorded_batches_total", Help: "Batches in which events were recorded.", Total: true,
			Value: member(func(m presence.Stats) uint64 { return m.Batches })},
		{Name: "presence_recording_seconds_total", Help: "Time from the first try of each batch to its acknowledgement.", Total: true,
			Value: func() float64 { return s.member.Stats().RecordingTime.Seconds() }},
		{Name: "presence_fenced_total", Help: "How often this node's stream was sealed by another.", Total: true,
			Value: member(func(m presence.Stats) uint64 { return m.Fenced })},
		{Name: "presence_takeovers_total", Help: "Streams of dead nodes that this node ended.", Total: true,
			Value: member(func(m presence.Stats) uint64 { return m.Takeovers })},
		{Name: "presence_online_mended_total", Help: "Connections that reconcile added to online or removed from it.", Total: true,
			Value: member(func(m presence.Stats) uint64 { return m.Mended })},
		{Name: "presence_streams_swept_total", Help: "Ended streams whose ghosts were removed from online.", Total: true,
			Value: member(func(m presence.Stats) uint64 { return m.Swept })},

		{Name: "presence_fibonacci_waiting", Help: "Computations that wait for a worker.",
			Value: work(func(f fibonacci.Stats) int { return f.Waiting })},
		{Name: "presence_fibonacci_running", Help: "Computations that run.",
			Value: work(func(f fibonacci.Stats) int { return f.Running })},
	}
}
