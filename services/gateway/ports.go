package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lastAccepts is how long a listener that is to be closed takes the connections
	// that wait already: closing it would reset them.
	lastAccepts = 50 * time.Millisecond

	// maxTurnedAway is how many connections over MaxConns are told so, over TLS, at a
	// time. It is less than reservedFiles.
	maxTurnedAway = 64
)

// ports is the acceptor of relays: a goroutine for each listener.
type ports struct {
	// static after construction
	*shared
	listeners []*net.TCPListener
	loops     []*loop
	leaving   chan struct{} // closed by stop

	once       sync.Once // of stop
	turnedAway atomic.Int64

	mu    sync.Mutex
	short shortage
}

var _ acceptor = (*ports)(nil)

// listenPortably binds every address, or none, with package net.
func listenPortably(addrs []string, s *shared) (transport, error) {
	a := &ports{shared: s, leaving: make(chan struct{})}
	t := transport{
		driver: func() (driver, error) { return newRelay(s), nil },
		acceptor: func(loops []*loop) (acceptor, error) {
			a.loops = loops
			return a, nil
		},
		release: a.release,
	}
	for _, addr := range addrs {
		l, err := listenTCP(addr, s.cfg.SendBuffer)
		if err != nil {
			a.release()
			return transport{}, fmt.Errorf("gateway: %w", err)
		}
		a.listeners = append(a.listeners, l)
		t.addrs = append(t.addrs, addrPort(l.Addr()))
	}
	return t, nil
}

// listenTCP binds one address. Its errors are those of package net, which name it.
func listenTCP(addr string, sendBuffer int) (*net.TCPListener, error) {
	config := net.ListenConfig{Control: socketOptions(sendBuffer), KeepAlive: -1} // pings do more
	config.SetMultipathTCP(false)                                                 // the options are TCP's
	l, err := config.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		_ = l.Close()
		return nil, fmt.Errorf("listen %s: not TCP", addr)
	}
	return tcp, nil
}

// stop implements acceptor.
func (a *ports) stop() { a.once.Do(func() { close(a.leaving) }) }

// release implements acceptor.
func (a *ports) release() {
	for _, l := range a.listeners {
		_ = l.Close()
	}
}

// run implements acceptor.
func (a *ports) run() error {
	defer a.release()
	var all sync.WaitGroup
	for _, l := range a.listeners {
		all.Go(func() { a.acceptAll(l) })
	}
	<-a.leaving
	for _, l := range a.listeners {
		a.await(l, time.Time{})
	}
	all.Wait()
	return nil
}

// acceptAll accepts on one listener until its last deadline.
func (a *ports) acceptAll(l *net.TCPListener) {
	for {
		tcp, err := l.AcceptTCP()
		switch {
		case err == nil:
			a.tell(nil)
			a.deal(tcp)
		case errors.Is(err, os.ErrDeadlineExceeded) && !a.isLeaving():
			a.tell(nil)
			a.await(l, time.Time{})
		case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed):
			return
		default:
			a.tell(err)
			if !a.rest() {
				return
			}
			// Whether the shortage is over is to be seen though nobody comes for hours:
			// without descriptors accepting fails although nobody waits.
			a.await(l, time.Now().Add(shortageRest))
		}
	}
}

// await sets until when a client is waited for; zero: as long as it takes. A listener
// that is to be closed keeps its last deadline.
func (a *ports) await(l *net.TCPListener, until time.Time) {
	_ = l.SetDeadline(until) // fails on a closed one, as its Accept does
	if a.isLeaving() {
		_ = l.SetDeadline(time.Now().Add(lastAccepts))
	}
}

func (a *ports) isLeaving() bool {
	select {
	case <-a.leaving:
		return true
	default:
		return false
	}
}

// tell logs shortages, of all listeners together.
func (a *ports) tell(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.short.tell(a.cfg.Log, err)
}

// rest waits for a moment. It reports whether there is time to try again.
func (a *ports) rest() bool {
	select {
	case <-time.After(shortageRest):
		return true
	case <-a.leaving:
		return false
	}
}

// deal gives a connection to the least loaded loop, or turns it away.
func (a *ports) deal(tcp *net.TCPConn) {
	_ = tcp.SetWriteBuffer(a.cfg.SendBuffer) // of a socket that is gone; its read will tell
	if a.sockets.Add(1) > int64(a.cfg.MaxConns) {
		a.sockets.Add(-1)
		a.countCrowded()
		a.turnAway(tcp)
		return
	}
	least := dealTo(a.loops)
	c := &conn{loop: least, pipe: newPipe(a.shared, tcp), shake: a.handshakeWith(addrPort(tcp.RemoteAddr()))}
	c.pipe.preamble = c.shake.preamble
	if !least.mail.put(letter{kind: adopt, conn: c}) {
		least.forget(c)
	}
}

// turnAway tells a client that there is no room. It does not wait for it: TLS has a
// goroutine for that, as long as few need one.
func (a *ports) turnAway(tcp *net.TCPConn) {
	_ = tcp.SetDeadline(time.Now().Add(lastWords)) // fails on a closed socket, as the write will
	switch {
	case a.cfg.TLS == nil:
		say(tcp, a.full)
	case a.turnedAway.Add(1) > maxTurnedAway:
		a.turnedAway.Add(-1)
	default:
		a.pipes.Go(func() {
			defer a.turnedAway.Add(-1)
			say(tls.Server(tcp, a.cfg.TLS), a.full)
			_ = tcp.Close()
		})
		return
	}
	_ = tcp.Close()
}

// say writes the last words to a client. Nobody can be told that it did not hear them.
func say(conn duplex, words []byte) {
	if _, err := conn.Write(words); err == nil {
		_ = conn.CloseWrite()
	}
}

// addrPort returns the address of a TCP socket.
func addrPort(a net.Addr) (ap netip.AddrPort) {
	if tcp, ok := a.(*net.TCPAddr); ok {
		ap = unmap(tcp.AddrPort())
	}
	return ap
}
