package storetest

import (
	"fmt"
	"time"

	"github.com/presenced/presence/events"
)

// began is when every script begins: not on a whole second, so that a store which
// loses the milliseconds is found out.
var began = time.Date(2026, 11, 23, 10, 0, 0, 123_000_000, time.UTC)

// script writes the events of one stream, in order, a millisecond apart. Each
// method returns the next event; nothing is stored.
type script struct {
	stream events.Stream
	next   uint64
}

func newScript(node string, epoch uint32) *script {
	return &script{stream: events.Stream{Node: node, Epoch: epoch}}
}

// event is the next event of the stream, with only its place and time.
func (s *script) event(t events.Type) events.Event {
	e := events.Event{ID: s.stream.At(s.next), Type: t, At: began.Add(time.Duration(s.next) * time.Millisecond)}
	s.next++
	return e
}

func (s *script) opened() events.Event {
	e := s.event(events.Opened)
	e.Process, e.Addr, e.Version = "f3b1c2", "127.0.0.1:8080", "v1.2.3"
	return e
}

func (s *script) connected(user string) events.Event {
	e := s.event(events.Connected)
	e.User, e.Remote, e.Agent = user, "203.0.113.7", "storetest/1 (größer)"
	return e
}

func (s *script) disconnected(c events.Event, why events.Reason) events.Event {
	e := s.event(events.Disconnected)
	e.User, e.Conn, e.Reason = c.User, c.ID, why
	return e
}

func (s *script) sealed(by string) events.Event {
	e := s.event(events.Sealed)
	e.By, e.Reason, e.LastSeen = by, events.NodeLost, began.Add(7*time.Millisecond)
	return e
}

// lost is the disconnected event that a takeover writes.
func (s *script) lost(c events.Event) events.Event {
	e := s.disconnected(c, events.NodeLost)
	e.LastSeen = began.Add(7 * time.Millisecond)
	return e
}

// life is a stream of n events that opens, and then connects users in turn.
func life(node string, epoch uint32, n int) []events.Event {
	s := newScript(node, epoch)
	run := []events.Event{s.opened()}
	for len(run) < n {
		run = append(run, s.connected(fmt.Sprintf("user-%d", len(run)%7)))
	}
	return run
}

// everyKind is a stream with every type of event, every reason, and every field.
func everyKind(node string) []events.Event {
	s := newScript(node, 7)
	run := []events.Event{s.opened()}
	for why := events.Client; why <= events.Replaced; why++ {
		if why == events.NodeLost {
			continue
		}
		c := s.connected("user " + why.String())
		run = append(run, c, s.disconnected(c, why))
	}
	last := s.connected("last")
	last.Resumes = events.Stream{Node: node, Epoch: 3}.At(17)
	return append(run, last, s.sealed("n2"), s.lost(last))
}
