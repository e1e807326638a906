package gateway

import (
	"errors"
	"net"
	"net/netip"
)

// driver is what a loop has of the system: a socket that is read and written without
// ever waiting. There are two, epoll and relay; all that is said on a connection is
// decided above them, so that a client cannot tell one from the other. A driver
// belongs to its loop; only ring may be called from elsewhere.
type driver interface {
	poller
	sockets
}

// poller says which of the connections given to it are ready.
type poller interface {
	// add begins to tell about a connection, whose slot and id are set.
	add(c *conn) error

	// detach takes a connection out, which has not been written to, and returns its
	// socket for somebody else. It is to be closed here all the same.
	detach(c *conn) (duplex, error)

	// wait waits at most ms milliseconds, −1 for any time, for events or a ring. It
	// may return with neither before. The events are valid until the next wait.
	wait(ms int) (events []event, rung bool, err error)

	// ring ends a wait, or the next one. It does not block.
	ring()

	// release gives back what the driver has of the system. It is the last call.
	release()
}

// sockets reads and writes without waiting.
type sockets interface {
	// read returns 0 and no error at the end of what the client sends, and errAgain
	// where nothing has come yet.
	read(c *conn, p []byte) (int, error)

	// write returns how much was taken, and errAgain if that is nothing.
	write(c *conn, p []byte) (int, error)

	// watch says whether to tell when more can be written.
	watch(c *conn, writable bool)

	// shut ends our side, after what was written.
	shut(c *conn)

	// close ends the connection. What was written is still sent if that is possible.
	close(c *conn)
}

// event is what a driver tells about one connection.
type event struct {
	slot               int32
	id                 uint32
	readable, writable bool
}

// Errors of a driver that the loops know.
var (
	errAgain  = errors.New("the socket is not ready")
	errNotTLS = errors.New("a request without TLS")
)

// duplex is a connection either side of which can end alone.
type duplex interface {
	net.Conn
	CloseWrite() error
}

// acceptor accepts connections and deals them to the loops.
type acceptor interface {
	// run accepts until stop, and then closes the listeners.
	run() error

	// stop ends run, once the connections that wait already are accepted.
	stop()

	// release closes the listeners where run was never called.
	release()
}

// transport is what a server consists of that there are two of.
type transport struct {
	addrs    []netip.AddrPort
	driver   func() (driver, error) // for one loop
	acceptor func([]*loop) (acceptor, error)
	release  func() // closes the listeners where no acceptor was made
}

// dealTo counts a connection to the least loaded loop, and returns that.
func dealTo(loops []*loop) *loop {
	least := loops[0]
	for _, l := range loops[1:] {
		if l.load.Load() < least.load.Load() {
			least = l
		}
	}
	least.load.Add(1)
	return least
}

func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
