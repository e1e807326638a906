package gateway

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// userTimeout ends a connection whose first hop does not acknowledge.
	userTimeout = 20 * time.Second
	// notSentLowat bounds what the kernel keeps unsent, in bytes: what it keeps are
	// stale pushes to a client that does not read.
	notSentLowat = 4096
)

// listener is a raw socket: it is not registered with Go's poller.
type listener struct {
	fd   int
	addr netip.AddrPort
}

// listen binds every address, or none. Sockets without TLS are raw ones, in epoll sets.
func listen(addrs []string, s *shared) (transport, error) {
	if s.cfg.TLS != nil || s.cfg.goroutines {
		return listenPortably(addrs, s)
	}
	listeners, err := listenAll(addrs, s.cfg.SendBuffer)
	if err != nil {
		return transport{}, err
	}
	t := transport{
		driver:   func() (driver, error) { return newEpoll(s) },
		acceptor: func(loops []*loop) (acceptor, error) { return newPollAcceptor(s, listeners, loops) },
		release:  func() { closeAll(listeners) },
	}
	for _, l := range listeners {
		t.addrs = append(t.addrs, l.addr)
	}
	return t, nil
}

// listenAll binds every address, or none.
func listenAll(addrs []string, sendBuffer int) ([]listener, error) {
	var bound []listener
	for _, addr := range addrs {
		l, err := listenRaw(addr, sendBuffer)
		if err != nil {
			closeAll(bound)
			return nil, fmt.Errorf("gateway: %w", err)
		}
		bound = append(bound, l)
	}
	return bound, nil
}

func closeAll(listeners []listener) {
	for _, l := range listeners {
		_ = unix.Close(l.fd)
	}
}

// listenRaw binds one address. Its errors are those of package net, which name it.
func listenRaw(addr string, sendBuffer int) (listener, error) {
	config := net.ListenConfig{Control: socketOptions(sendBuffer)}
	config.SetMultipathTCP(false) // the options above are TCP's
	bound, err := config.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return listener{}, err
	}
	defer func() { _ = bound.Close() }()
	tcp, ok := bound.(*net.TCPListener)
	if !ok {
		return listener{}, fmt.Errorf("listen %s: not TCP", addr)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return listener{}, err
	}
	var l listener
	if a, ok := tcp.Addr().(*net.TCPAddr); ok {
		l.addr = unmap(a.AddrPort())
	}
	cerr := raw.Control(func(fd uintptr) { l.fd, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
	if cerr != nil {
		return listener{}, cerr
	}
	return l, os.NewSyscallError("fcntl", err)
}

// socketOptions is the net.ListenConfig.Control for listeners.
func socketOptions(sendBuffer int) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var err error
		if cerr := c.Control(func(fd uintptr) { err = setOptions(int(fd), sendBuffer) }); cerr != nil {
			return cerr
		}
		return err
	}
}

// setOptions sets what the accepted sockets inherit.
func setOptions(fd, sendBuffer int) error {
	for _, o := range []struct{ level, name, value int }{
		{unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer},
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSentLowat},
		{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds())},
	} {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return nil
}

// remoteOf converts what accept4 returns.
func remoteOf(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return unmap(netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port)))
	}
	return netip.AddrPort{}
}
