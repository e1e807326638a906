package gateway

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Bounds of the requests that are no upgrades. They are few and short: a page, a
// probe. Each costs a goroutine, so they have a bound of their own.
const (
	maxHandedOver = 256
	httpTimeout   = 10 * time.Second
)

// annex answers the requests that are no upgrades, with net/http. It is the
// net.Listener that its server accepts from. Safe for concurrent use.
type annex struct {
	server *http.Server
	conns  chan net.Conn // never full: it holds as many as may be open
	open   atomic.Int64
	addr   net.Addr

	once     sync.Once
	ended    chan struct{} // closed by Close
	leave    sync.Once
	finished chan struct{} // closed by shutdown, when no request is in flight
}

var _ net.Listener = (*annex)(nil)

func newAnnex(h http.Handler, log *zap.Logger, addr net.Addr) *annex {
	a := &annex{conns: make(chan net.Conn, maxHandedOver), ended: make(chan struct{}), finished: make(chan struct{}), addr: addr}
	a.server = &http.Server{
		Handler:           h,
		ReadHeaderTimeout: httpTimeout,
		ReadTimeout:       httpTimeout,
		WriteTimeout:      httpTimeout,
		ErrorLog:          zap.NewStdLog(log),
	}
	// A proxy that keeps a connection for later may send an upgrade on it, which
	// net/http could not answer.
	a.server.SetKeepAlivesEnabled(false)
	return a
}

// run answers until shutdown.
func (a *annex) run() { _ = a.server.Serve(a) }

// shutdown waits for requests in flight until ctx ends.
func (a *annex) shutdown(ctx context.Context) {
	if a.server.Shutdown(ctx) != nil {
		_ = a.server.Close()
	}
	a.leave.Do(func() { close(a.finished) })
}

// discard closes what was handed over and is not served any more. Nothing is handed
// over once the loops have ended.
func (a *annex) discard() {
	for {
		select {
		case c := <-a.conns:
			_ = c.Close()
		default:
			return
		}
	}
}

// Accept implements net.Listener.
func (a *annex) Accept() (net.Conn, error) {
	select {
	case c := <-a.conns:
		return c, nil
	case <-a.ended:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (a *annex) Close() error {
	a.once.Do(func() { close(a.ended) })
	return nil
}

// Addr implements net.Listener.
func (a *annex) Addr() net.Addr { return a.addr }

// admit reserves room for one connection.
func (a *annex) admit() bool {
	if a.open.Add(1) > maxHandedOver {
		a.open.Add(-1)
		return false
	}
	return true
}

// handedOver is a connection whose first bytes were read already.
type handedOver struct {
	duplex
	client shownAddr
	head   []byte
	once   sync.Once
	ended  func()
}

// shownAddr is what the log may have of an address: net/http logs the one of a
// connection whose handler panics.
type shownAddr string

// Network implements net.Addr.
func (shownAddr) Network() string { return "tcp" }

func (a shownAddr) String() string { return string(a) }

// RemoteAddr returns what the log may have of the client's address.
func (h *handedOver) RemoteAddr() net.Addr { return h.client }

// Read returns the bytes read before, and then the socket's.
func (h *handedOver) Read(p []byte) (int, error) {
	if len(h.head) > 0 {
		n := copy(p, h.head)
		h.head = h.head[n:]
		return n, nil
	}
	return h.duplex.Read(p)
}

// Close gives the room back.
func (h *handedOver) Close() error {
	h.once.Do(h.ended)
	return h.duplex.Close()
}

// handOver gives a connection, with the bytes read so far, to net/http.
func (l *loop) handOver(c *conn, read []byte) {
	if !l.http.admit() {
		l.refuse(c, refusalFull)
		return
	}
	conn, err := l.io.detach(c)
	if err != nil {
		l.http.open.Add(-1)
		l.end(c, ByServer)
		return
	}
	l.sockets.Add(1)
	ended := func() {
		l.http.open.Add(-1)
		l.sockets.Add(-1)
	}
	client := shownAddr(l.cfg.Shown(c.shake.remote.Addr()))
	l.http.conns <- &handedOver{duplex: conn, client: client, head: append([]byte(nil), read...), ended: ended}
	l.settled(c)
	l.end(c, ByServer)
}
