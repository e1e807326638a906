// Command gws is the work on github.com/lxzan/gws: a goroutine for each connection that
// reads. Pushes go through a Broadcaster, as its documentation says: one frame for all,
// written by each connection's queue. Set for little memory: a read buffer of 1 KiB
// instead of 4. Commands are answered where they are read, without the goroutine for
// each message of ParallelEnabled: that would cost more here.
package main

import (
	"github.com/lxzan/gws"

	"github.com/presenced/presence/bench/peers/work"
)

func main() { work.Main("gws", start) }

func start() (work.Server, error) {
	l, err := work.Listen()
	if err != nil {
		return work.Server{}, err
	}
	h := &handler{crowd: work.NewCrowd[*gws.Conn]()}
	go func() { _ = gws.NewServer(h, &gws.ServerOption{ReadBufferSize: 1 << 10}).RunListener(l) }()
	return work.Server{Addr: l.Addr(), Push: h.push}, nil
}

type handler struct {
	gws.BuiltinEventHandler
	crowd *work.Crowd[*gws.Conn]
}

var _ gws.Event = (*handler)(nil)

// OnOpen implements gws.Event. The errors of writes are for OnClose.
func (h *handler) OnOpen(c *gws.Conn) {
	_ = c.WriteMessage(gws.OpcodeText, work.Welcome)
	h.crowd.Add(c)
}

// OnClose implements gws.Event.
func (h *handler) OnClose(c *gws.Conn, _ error) { h.crowd.Remove(c) }

// OnMessage implements gws.Event.
func (h *handler) OnMessage(c *gws.Conn, m *gws.Message) {
	_ = c.WriteMessage(gws.OpcodeText, work.Answer(m.Bytes()))
	_ = m.Close()
}

func (h *handler) push(message []byte) {
	b := gws.NewBroadcaster(gws.OpcodeText, message)
	h.crowd.Each(func(c *gws.Conn) { _ = b.Broadcast(c) })
	_ = b.Close()
}
