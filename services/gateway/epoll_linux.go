package gateway

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// bellSlot is what the epoll data of a poll's own eventfd holds.
const bellSlot = -1

// epoll is the driver of Linux: a loop's sockets in an epoll set.
type epoll struct {
	shared *shared
	set    *poll
	raw    [eventsPerTurn]unix.EpollEvent
	events [eventsPerTurn]event
}

var _ driver = (*epoll)(nil)

func newEpoll(s *shared) (*epoll, error) {
	p, err := newPoll()
	if err != nil {
		return nil, err
	}
	return &epoll{shared: s, set: p}, nil
}

func (e *epoll) add(c *conn) error { return e.set.add(int(c.fd), c.slot, c.id) }

// detach implements driver. The copy that net makes must not be left in the set.
func (e *epoll) detach(c *conn) (duplex, error) {
	e.set.remove(int(c.fd))
	return tcpConn(int(c.fd))
}

func (e *epoll) wait(ms int) (events []event, rung bool, err error) {
	raw, err := e.set.wait(e.raw[:], ms)
	if err != nil {
		return nil, false, err
	}
	events = e.events[:0]
	for i := range raw {
		r := &raw[i]
		if r.Fd == bellSlot {
			rung = true
			e.set.silence()
			continue
		}
		events = append(events, event{
			slot: r.Fd, id: uint32(r.Pad),
			readable: r.Events&^unix.EPOLLOUT != 0,
			writable: r.Events&unix.EPOLLOUT != 0,
		})
	}
	return events, rung, nil
}

func (e *epoll) ring()    { e.set.ring() }
func (e *epoll) release() { e.set.close() }

func (*epoll) read(c *conn, p []byte) (int, error) {
	n, err := unix.Read(int(c.fd), p)
	return max(n, 0), patiently(err)
}

func (*epoll) write(c *conn, p []byte) (int, error) {
	n, err := unix.Write(int(c.fd), p)
	return max(n, 0), patiently(err)
}

// patiently is err, or errAgain where the call would have had to wait.
func patiently(err error) error {
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return errAgain
	}
	return err
}

func (e *epoll) watch(c *conn, writable bool) {
	var events uint32 = unix.EPOLLIN
	if writable {
		events |= unix.EPOLLOUT
	}
	e.set.change(int(c.fd), events, c.slot, c.id)
}

func (*epoll) shut(c *conn) { _ = unix.Shutdown(int(c.fd), unix.SHUT_WR) }

func (e *epoll) close(c *conn) {
	_ = unix.Close(int(c.fd))
	e.shared.sockets.Add(-1)
}

// tcpConn returns a net.TCPConn on a copy of the descriptor.
func tcpConn(fd int) (*net.TCPConn, error) {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	f := os.NewFile(uintptr(own), "")
	defer func() { _ = f.Close() }()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		_ = conn.Close()
		return nil, net.UnknownNetworkError("not a TCP connection")
	}
	return tcp, nil
}

// poll is an epoll set with an eventfd in it, by which other goroutines wake the
// one that waits.
type poll struct {
	epoll int
	bell  int
	count [8]byte // of the eventfd; read by the goroutine that waits
}

// one is what a ring adds to the eventfd's count.
var one = [8]byte{7: 1}

func newPoll() (*poll, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		_ = unix.Close(epoll)
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	p := &poll{epoll: epoll, bell: bell}
	if err := p.add(bell, bellSlot, 0); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *poll) close() {
	_ = unix.Close(p.epoll)
	_ = unix.Close(p.bell)
}

// ring wakes who waits. The count cannot be full: it is rung once per wait.
func (p *poll) ring() { _, _ = unix.Write(p.bell, one[:]) }

// silence ends a ring.
func (p *poll) silence() { _, _ = unix.Read(p.bell, p.count[:]) }

// add makes the set report when fd can be read, by slot and id.
func (p *poll) add(fd int, slot int32, id uint32) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: slot, Pad: int32(id)}
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

// change makes the set report other events of an fd that is in it, so it cannot fail.
func (p *poll) change(fd int, events uint32, slot int32, id uint32) {
	event := unix.EpollEvent{Events: events, Fd: slot, Pad: int32(id)}
	_ = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_MOD, fd, &event)
}

// remove ends the reports. A descriptor that is closed, and has no copy, needs none.
func (p *poll) remove(fd int) { _ = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, fd, nil) }

// wait returns the events of one wait of at most ms milliseconds, −1 for any time.
// It may return none before.
func (p *poll) wait(events []unix.EpollEvent, ms int) ([]unix.EpollEvent, error) {
	n, err := unix.EpollWait(p.epoll, events, ms)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return nil, fmt.Errorf("epoll_wait: %w", err)
	}
	return events[:max(n, 0)], nil
}
