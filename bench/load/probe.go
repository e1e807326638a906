package load

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Probe is one client that asks and waits, on a blocking socket, so that between the
// answer and the clock there is nothing but a system call.
type Probe struct {
	fd  int
	in  parser
	buf []byte
}

// probeTimeout is how long a probe waits for anything to come.
const probeTimeout = 10 * time.Second

// NewProbe connects a user and waits for the welcome.
func NewProbe(to netip.AddrPort, user string) (*Probe, error) {
	if !to.Addr().Is4() {
		return nil, fmt.Errorf("load: %s is no IPv4 address", to)
	}
	fd, err := dial(0, to.Addr().As4(), to.Port(), 0)
	if err != nil {
		return nil, err
	}
	p := &Probe{fd: fd, buf: make([]byte, 64<<10)}
	wait := unix.NsecToTimeval(probeTimeout.Nanoseconds())
	err = os.NewSyscallError("setsockopt", unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait))
	if err == nil {
		err = p.handshake(to, user)
	}
	if err != nil {
		p.Close()
		return nil, fmt.Errorf("load: probe: %w", err)
	}
	return p, nil
}

// Close closes the socket.
func (p *Probe) Close() { _ = unix.Close(p.fd) }

// handshake upgrades, and waits for the welcome.
func (p *Probe) handshake(to netip.AddrPort, user string) error {
	if err := p.write(appendRequest(nil, to.String(), user)); err != nil {
		return err
	}
	var answer []byte
	n := 0
	for n == 0 {
		b, err := p.read()
		if err != nil {
			return err
		}
		answer = append(answer, b...)
		if n, err = judge(answer); err != nil {
			return err
		}
	}
	seen := false
	err := p.listen(answer[n:], Welcome, &seen)
	for err == nil && !seen {
		err = p.receive(Welcome, &seen)
	}
	return err
}

// Ask sends a command until ctx ends, one at a time, and returns how long each took
// until the answer of the given kind was there. One is due every interval. Once an
// answer took longer than that, the next command is sent at once and counts from when
// it was due: so a server that stands still for a second is not charged for one
// command only, but for all of that second. What this process itself is late by is
// not the server's, and does not count.
func (p *Probe) Ask(ctx context.Context, cmd Command, kind Kind, interval time.Duration) (*Samples, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	took := new(Samples)
	due := time.Now()
	for ctx.Err() == nil {
		now := time.Now()
		if early := due.Sub(now); early > 0 {
			time.Sleep(early)
			due = time.Now()
		}
		end, err := p.ask(cmd, kind)
		if err != nil {
			return took, fmt.Errorf("load: probe: %w", err)
		}
		took.Add(end.Sub(due))
		due = due.Add(interval)
	}
	return took, nil
}

// Once sends a command and returns how long it took until the answer was there.
func (p *Probe) Once(cmd Command, kind Kind) (time.Duration, error) {
	began := time.Now()
	end, err := p.ask(cmd, kind)
	if err != nil {
		return 0, fmt.Errorf("load: probe: %w", err)
	}
	return end.Sub(began), nil
}

// ask sends a command and returns when its answer came.
func (p *Probe) ask(cmd Command, kind Kind) (end time.Time, err error) {
	if err := p.write(cmd); err != nil {
		return end, err
	}
	seen := false
	for err == nil && !seen {
		err = p.receive(kind, &seen)
	}
	return time.Now(), err
}

func (p *Probe) write(b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(p.fd, b)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("write", err)
		}
		b = b[max(n, 0):]
	}
	return nil
}

// read waits for bytes. They are valid until the next call.
func (p *Probe) read() ([]byte, error) {
	for {
		n, err := unix.Read(p.fd, p.buf)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return nil, os.NewSyscallError("read", err)
		case n == 0:
			return nil, errClosed
		default:
			return p.buf[:n], nil
		}
	}
}

// receive waits for bytes and sets seen if they complete a message of that kind.
func (p *Probe) receive(kind Kind, seen *bool) error {
	b, err := p.read()
	if err != nil {
		return err
	}
	return p.listen(b, kind, seen)
}

func (p *Probe) listen(b []byte, kind Kind, seen *bool) error {
	for {
		f, n, ok, err := p.in.next(b)
		if err != nil || !ok {
			return err
		}
		b = b[n:]
		switch f.op {
		case opText:
			*seen = *seen || read(f.payload).Kind == kind
		case opPing:
			err = p.write(appendMasked(nil, opPong, f.payload))
		case opClose:
			err = closeError(f.payload)
		}
		if err != nil {
			return err
		}
	}
}
