package gateway

import (
	"errors"

	"golang.org/x/sys/unix"
)

const acceptsPerTurn = 64

// pollAcceptor is the acceptor of raw sockets: one goroutine for all listeners.
type pollAcceptor struct {
	// static after construction
	*shared
	*poll
	listeners []listener
	loops     []*loop
	mail      mailbox // any letter stops it

	// owned by run
	resting bool // the listeners are disarmed
	short   shortage
	events  [8]unix.EpollEvent
}

var _ acceptor = (*pollAcceptor)(nil)

func newPollAcceptor(s *shared, listeners []listener, loops []*loop) (*pollAcceptor, error) {
	p, err := newPoll()
	if err != nil {
		return nil, err
	}
	a := &pollAcceptor{shared: s, poll: p, listeners: listeners, loops: loops}
	a.mail.ring = a.ring
	for i, l := range listeners {
		if err := p.add(l.fd, int32(i), 0); err != nil {
			p.close()
			return nil, err
		}
	}
	return a, nil
}

// release implements acceptor. It also closes the acceptor's own descriptors.
func (a *pollAcceptor) release() {
	a.mail.close()
	closeAll(a.listeners)
	a.poll.close()
}

// stop implements acceptor.
func (a *pollAcceptor) stop() { a.mail.put(letter{kind: cut}) }

// run implements acceptor.
func (a *pollAcceptor) run() error {
	defer a.release()
	for {
		ms := -1
		if a.resting {
			ms = int(shortageRest.Milliseconds())
		}
		events, err := a.wait(a.events[:], ms)
		if err != nil {
			return err
		}
		if a.resting && len(events) == 0 {
			a.tryAgain()
		}
		for _, e := range events {
			if e.Fd == bellSlot {
				a.acceptLast()
				return nil
			}
			if !a.resting {
				a.accept(a.listeners[e.Fd])
			}
		}
	}
}

// acceptLast takes the connections that wait already: closing the listeners would
// reset them.
func (a *pollAcceptor) acceptLast() {
	for _, l := range a.listeners {
		for range unix.SOMAXCONN / acceptsPerTurn {
			if !a.accept(l) {
				break
			}
		}
	}
}

// accept takes some of the connections that wait on one listener. It reports
// whether there may be more.
func (a *pollAcceptor) accept(l listener) bool {
	for range acceptsPerTurn {
		fd, sa, err := unix.Accept4(l.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case err == nil:
			a.deal(fd, sa)
		case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE),
			errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOMEM):
			a.rest(true)
			a.short.tell(a.cfg.Log, err)
			return false
		case errors.Is(err, unix.EAGAIN):
			a.short.tell(a.cfg.Log, nil)
			return false
		}
		// Any other error is of a connection that ended while it waited.
	}
	return true
}

// deal gives a connection to the least loaded loop, or turns it away.
func (a *pollAcceptor) deal(fd int, sa unix.Sockaddr) {
	if a.sockets.Add(1) > int64(a.cfg.MaxConns) {
		a.sockets.Add(-1)
		a.countCrowded()
		_, _ = unix.Write(fd, a.full)
		_ = unix.Shutdown(fd, unix.SHUT_WR)
		_ = unix.Close(fd)
		return
	}
	least := dealTo(a.loops)
	c := &conn{loop: least, fd: int32(fd), shake: a.handshakeWith(remoteOf(sa))}
	if !least.mail.put(letter{kind: adopt, conn: c}) {
		least.forget(c)
	}
}

// rest stops or starts listening for a moment: a listener that is ready, but cannot
// be accepted from, would make the acceptor spin.
func (a *pollAcceptor) rest(on bool) {
	a.resting = on
	var events uint32 = unix.EPOLLIN
	if on {
		events = 0
	}
	for i, l := range a.listeners {
		a.change(l.fd, events, int32(i), 0)
	}
}

// tryAgain ends a rest. It does not wait for a client to see whether the shortage is
// over: accept4 takes a descriptor before it looks for one who waits, so without
// descriptors it fails although nobody does, and nobody may come for hours.
func (a *pollAcceptor) tryAgain() {
	a.rest(false)
	for _, l := range a.listeners {
		if a.resting {
			return
		}
		a.accept(l)
	}
}
