package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// The clients of Churn: how many are connected at a time, and how many events may wait.
// These are fewer than those of two thousand clients, so that the store sets the pace.
const (
	churnLive  = 500
	churnQueue = 4096
)

// Churn has a node record so many connections that come and go, through the whole of it:
// from the first Admit until the last event is recorded. It returns the runs in which
// that was done, to be compared with what something else takes for the same, and the time.
func Churn(b *testing.B, store presence.Store, connections int) (runs [][]events.Event, took time.Duration) {
	b.Helper()
	kept := &keeper{Recorder: store.Recorder, left: 2 * connections, done: make(chan struct{})}
	store.Recorder = kept
	m, err := presence.New(store, presence.Config{Node: "n1", Queue: churnQueue})
	if err == nil {
		err = m.Start(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	comeAndGo(m, connections)
	<-kept.done
	took = time.Since(began)
	if err := m.Shutdown(b.Context()); err != nil {
		b.Fatal(err)
	}
	return readRuns(b, store.Log, kept.sizes), took
}

// readRuns reads what was recorded in runs of these sizes, after the opened event.
func readRuns(b *testing.B, log events.Log, sizes []int) (runs [][]events.Event) {
	b.Helper()
	next := events.Stream{Node: "n1", Epoch: 1}.At(1)
	for _, size := range sizes {
		run, err := log.Read(b.Context(), next, size)
		if err != nil || len(run) != size {
			b.Fatal(len(run), size, err)
		}
		runs = append(runs, run)
		next = run[size-1].ID.Next()
	}
	return runs
}

// comeAndGo connects clients, each of which leaves when churnLive others have come, or
// when all have.
func comeAndGo(m *presence.Member, connections int) {
	room := make(chan struct{}, 1) // full: there may be room
	clients := make([]churned, connections)
	for i := range clients {
		for m.Admit() != nil {
			<-room // as a client that is refused and comes again
		}
		c := &clients[i]
		c.room = room
		c.Init(c, fmt.Sprint("user-", i%1000), "203.0.113.0", "bench/1")
		m.Connect(&c.Conn)
		if i >= churnLive {
			m.Disconnect(&clients[i-churnLive].Conn, events.Client)
		}
	}
	for i := max(0, connections-churnLive); i < connections; i++ {
		m.Disconnect(&clients[i].Conn, events.Client)
	}
}

// churned is a client that tells of room when it is recorded.
type churned struct {
	presence.Conn
	room chan<- struct{}
}

func (c *churned) Recorded(events.Position) {
	select {
	case c.room <- struct{}{}:
	default:
	}
}

// Kicked never happens: nobody asks for it.
func (c *churned) Kicked(string) {}

// keeper is a Recorder that keeps how many events were recorded at a time. It belongs to
// one appender, until done is closed.
type keeper struct {
	presence.Recorder
	sizes []int
	left  int           // events until all are recorded
	done  chan struct{} // closed when they are
}

func (k *keeper) Record(ctx context.Context, run []events.Event) (int, error) {
	n, err := k.Recorder.Record(ctx, run)
	if n > 0 {
		k.sizes = append(k.sizes, n)
		if k.left -= n; k.left == 0 {
			close(k.done)
		}
	}
	return n, err
}
