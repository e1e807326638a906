package asyncapi

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/roster"
	"github.com/presenced/presence/services/presence/storetest"
	"github.com/presenced/presence/services/protocol"
	"github.com/presenced/presence/services/session"
)

// members takes everybody and records nothing.
type members struct{}

func (members) Admit() error                             { return nil }
func (members) Release()                                 {}
func (members) Connect(*presence.Conn)                   {}
func (members) Disconnect(*presence.Conn, events.Reason) {}

// bubble is a session whose store and whose socket do what a test says, in virtual time.
type bubble struct {
	session.Session
	store  presence.Store
	host   session.Host
	tail   uint64      // of the one stream of the store
	away   atomic.Bool // the store does not answer
	behind atomic.Bool // the client does not read
	heard  *seen
	frames chan frame
}

var _ session.Socket = (*bubble)(nil)

// newBubble opens a session. It is ended by end.
func newBubble(t *testing.T, heard *seen) *bubble {
	t.Helper()
	const room = 1024 // frames, more than a test asks for before it reads
	b := &bubble{store: storetest.NewMemory().Store(), heard: heard, frames: make(chan frame, room)}
	failing := storetest.NewFaulty(b.store, func(storetest.Call) storetest.Action {
		if b.away.Load() {
			return storetest.Action{Fault: storetest.Before}
		}
		return storetest.Action{}
	}).Store()
	b.host = session.Host{
		Members: members{}, Limits: protocol.Limits{MaxUsers: protocol.MaxPresent},
		Asker:  session.NewAsker(failing.Online, zap.NewNop()),
		Roster: roster.New(roster.Config{Store: failing}),
	}
	b.record(t, events.Event{Type: events.Opened, Process: "x"})
	if err := b.store.Nodes.Join(t.Context(), presence.Node{Stream: stream, Beat: 1}); err != nil {
		t.Fatal(err)
	}
	if err := b.host.Admit(&b.Session, session.Peer{User: "ana"}); err != nil {
		t.Fatal(err)
	}
	b.Open(b)
	return b
}

func (b *bubble) end() {
	b.Closed(events.Client)
	b.host.Asker.Close()
	b.host.Roster.Close()
}

// Send implements session.Socket.
func (b *bubble) Send(message []byte) { b.frames <- frame{b.heard.hear(message), string(message)} }

// Post implements session.Socket.
func (b *bubble) Post(message []byte) { b.Send(message) }

// Close implements session.Socket.
func (b *bubble) Close(uint16, string) {}

// Behind implements session.Socket.
func (b *bubble) Behind() bool { return b.behind.Load() }

// await is the next frame of a message; others are passed over.
func (b *bubble) await(t *testing.T, name string) frame {
	t.Helper()
	for timeout := time.After(time.Hour); ; {
		select {
		case f := <-b.frames:
			switch f.name {
			case name:
				return f
			case "":
				t.Fatalf("not described, or not exactly once: %.300s", f.text)
			}
		case <-timeout:
			t.Fatalf("waited in vain for %s", name)
		}
	}
}

// whole reads frames of a message until one has no more, and returns the first.
func (b *bubble) whole(t *testing.T, name string) (first frame) {
	t.Helper()
	first = b.await(t, name)
	for f := first; strings.Contains(f.text, `"more":true`); {
		f = b.await(t, name)
	}
	return first
}

// stream is the one of the store.
var stream = events.Stream{Node: "n1", Epoch: 1}

func (b *bubble) record(t *testing.T, run ...events.Event) {
	t.Helper()
	for i := range run {
		run[i].ID, run[i].At = stream.At(b.tail), events.Milliseconds(time.Now())
		b.tail++
	}
	if _, err := b.store.Log.Append(t.Context(), run); err != nil {
		t.Fatal(err)
	}
}

// arrive connects so many users, each of another name.
func (b *bubble) arrive(t *testing.T, count int) {
	t.Helper()
	run := make([]events.Event, count)
	for i := range run {
		run[i] = events.Event{Type: events.Connected, User: fmt.Sprint("user ", b.tail, " ", i)}
	}
	b.record(t, run...)
}

// withoutStore hears what is said while the store does not answer.
func withoutStore(t *testing.T, heard *seen) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, heard)
		defer b.end()
		b.Text([]byte(`{"type":"watch"}`))
		b.await(t, "watch")
		b.away.Store(true)
		b.Text([]byte(`{"type":"who"}`))
		if f := b.await(t, "error"); !strings.Contains(f.text, `"internal"`) {
			t.Errorf("without a store who is answered with %s", f.text)
		}
		if f := b.await(t, "stale"); !strings.Contains(f.text, "true") {
			t.Errorf("without a store a watcher is told %s", f.text)
		}
		b.Text([]byte(`{"type":"watch","id":1}`))
		if f := b.await(t, "watch"); !strings.Contains(f.text, `"stale":true`) {
			t.Errorf("without a store the snapshot is %s", f.text)
		}
		b.away.Store(false)
		if f := b.await(t, "stale"); !strings.Contains(f.text, "false") {
			t.Errorf("when the store is back a watcher is told %s", f.text)
		}
	})
}

// crowds hears what does not fit one message, and what a slow client is told.
func crowds(t *testing.T, heard *seen) {
	t.Helper()
	for _, level := range []string{"users", "connections"} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, heard)
			defer b.end()
			b.arrive(t, 2500)
			b.Text([]byte(`{"type":"watch","level":"` + level + `"}`))
			if f := b.whole(t, "watch"); !strings.Contains(f.text, `"more":true`) {
				t.Errorf("2,500 in one part: %.200s", f.text)
			}
			b.arrive(t, 1)
			b.await(t, "presence") // so that the next push is a second away
			b.arrive(t, 1500)
			if f := b.whole(t, "presence"); !strings.Contains(f.text, `"more":true`) {
				t.Errorf("1,500 in one push: %.200s", f.text)
			}
			b.behind.Store(true)
			b.arrive(t, 1500)
			<-time.After(5 * time.Second)
			b.behind.Store(false)
			if f := b.whole(t, "watch"); !strings.Contains(f.text, `"resync":true`) {
				t.Errorf("a slow client is told %.200s", f.text)
			}
		})
	}
}
