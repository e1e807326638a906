package load

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a turn waits for events: what a context's end may be late by.
const patience = 10 * time.Millisecond

// sources is how many addresses the clients come from.
const sources = 16

// begin makes one more client, and sends its request if TCP is through at once, as
// it mostly is between two sockets of one machine.
func (f *Fleet) begin() error {
	i := len(f.clients)
	fd, err := dial(i, f.cfg.Server.Addr().As4(), f.cfg.Server.Port(), unix.SOCK_NONBLOCK)
	if err != nil {
		return err
	}
	f.clients = append(f.clients, Client{fd: int32(fd)})
	f.count.Begun++
	f.unfinished++
	c := &f.clients[i]
	err = f.ask(i, c)
	var events uint32 = unix.EPOLLIN
	if errors.Is(err, unix.EAGAIN) {
		events, err = unix.EPOLLOUT, nil
	}
	if err == nil {
		err = os.NewSyscallError("epoll_ctl",
			unix.EpollCtl(f.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(i)}))
	}
	if err != nil {
		f.lose(c, err)
	}
	return nil
}

// dial begins to connect a socket from the address that is client i's turn.
func dial(i int, to [4]byte, port uint16, flags int) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|flags, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	from := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(2 + i%sources)}}
	err = errors.Join(
		// The port is chosen by connect, which knows the other end: so each of the
		// addresses has all ports.
		os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)),
		os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)),
		os.NewSyscallError("bind", unix.Bind(fd, from)))
	if err == nil {
		err = os.NewSyscallError("connect", unix.Connect(fd, &unix.SockaddrInet4{Addr: to, Port: int(port)}))
	}
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		_ = unix.Close(fd)
		return 0, err
	}
	return fd, nil
}

// ask sends the request of client i. EAGAIN means that TCP is not through yet.
func (f *Fleet) ask(i int, c *Client) error {
	f.scratch = appendRequest(f.scratch[:0], f.host, f.cfg.User(i))
	n, err := unix.Write(int(c.fd), f.scratch)
	if err == nil && n < len(f.scratch) {
		err = io.ErrShortWrite
	}
	if err == nil {
		c.state = asking
	}
	return err
}

// turn waits for events, for a moment, and serves them.
func (f *Fleet) turn() error {
	n, err := unix.EpollWait(f.epoll, f.events, int(patience.Milliseconds()))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return os.NewSyscallError("epoll_wait", err)
	}
	for _, e := range f.events[:max(n, 0)] {
		c := &f.clients[e.Fd]
		err := f.serve(int(e.Fd), c)
		if err != nil {
			f.lose(c, fmt.Errorf("client %d: %w", e.Fd, err))
		}
	}
	return nil
}

// serve handles one event of a client.
func (f *Fleet) serve(i int, c *Client) error {
	if c.state == connecting {
		if err := f.ask(i, c); err != nil {
			return err
		}
		return unix.EpollCtl(f.epoll, unix.EPOLL_CTL_MOD, int(c.fd), &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)})
	}
	n, now, err := f.receive(int(c.fd))
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return os.NewSyscallError("read", err)
	case n == 0:
		return io.ErrUnexpectedEOF
	}
	p := f.buf[:n]
	if c.state == asking {
		if p, err = f.admit(c, p); err != nil || c.state == asking {
			return err
		}
	}
	return f.listen(c, p, now)
}

// admit takes bytes of the answer to a handshake, and returns what follows it.
func (f *Fleet) admit(c *Client, p []byte) (rest []byte, err error) {
	early, split := f.answers[c.fd]
	if split {
		p = append(early, p...)
		delete(f.answers, c.fd)
	}
	n, err := judge(p)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		f.answers[c.fd] = append([]byte(nil), p...)
		return nil, nil
	}
	c.state = open
	f.count.Open++
	f.unfinished--
	return p[n:], nil
}

// listen takes what a client is told.
func (f *Fleet) listen(c *Client, p []byte, now time.Time) error {
	for c.state != gone {
		fr, n, ok, err := c.in.next(p)
		if err != nil || !ok {
			return err
		}
		p = p[n:]
		switch fr.op {
		case opText:
			m := read(fr.payload)
			if m.Kind == Tick {
				f.tickSize = 2 + int(fr.length) // no tick is longer than 125 bytes
			}
			f.understand(c, m, now)
		case opPing:
			if err := c.Send(appendMasked(nil, opPong, fr.payload)); err != nil {
				return err
			}
		case opClose:
			return closeError(fr.payload)
		case opPong:
		default:
			return fmt.Errorf("%w: opcode %#x", errFrame, fr.op)
		}
	}
	return nil
}

// errClosed is wrapped with the code of a close frame.
var errClosed = errors.New("the server closed the connection")

func closeError(payload []byte) error {
	if len(payload) < 2 {
		return errClosed
	}
	return fmt.Errorf("%w: %d %s", errClosed, int(payload[0])<<8|int(payload[1]), payload[2:])
}

// understand counts a message and hands it on.
func (f *Fleet) understand(c *Client, m Message, now time.Time) {
	switch m.Kind {
	case Welcome:
		if c.state == open {
			c.state = welcomed
			f.count.Welcomed++
			f.welcomed = now
		}
	case Tick:
		f.hear(c, m.UnixMs, now)
	case Other, Pong, Answer, Refusal:
	}
	f.cfg.Handle(c, m)
}

// lose gives up a client.
func (f *Fleet) lose(c *Client, err error) {
	switch c.state {
	case connecting, asking:
		f.unfinished--
		delete(f.answers, c.fd)
	case open, welcomed:
		f.count.Open--
	case gone:
		return
	}
	c.state = gone
	f.count.Gone++
	_ = unix.Close(int(c.fd))
	if f.err == nil {
		f.err = err
	}
}
