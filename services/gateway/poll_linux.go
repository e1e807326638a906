package gateway

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// bellSlot is what the epoll data of a poll's own eventfd holds.
const bellSlot = -1

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
