// Command floor is the least that can do the work of package work: for each processor a
// loop of epoll_wait, and one bare write(2) for each answer and for each push to a client.
// It believes whatever it reads, and keeps of a client its descriptor. What it takes is
// what this machine takes, at that moment, to bring bytes through TCP. Linux only.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/presenced/presence/bench/peers/work"
)

func main() { work.Main("floor", start) }

func start() (work.Server, error) {
	fd, addr, err := listen()
	if err != nil {
		return work.Server{}, err
	}
	var f floor
	for range runtime.GOMAXPROCS(0) {
		l, err := newLoop()
		if err != nil {
			return work.Server{}, err
		}
		f.loops = append(f.loops, l)
		go l.run()
	}
	go f.accept(fd)
	return work.Server{Addr: addr, Push: f.push}, nil
}

// listen takes a free port of 127.0.0.1. Accepted sockets inherit that answers are not
// held back.
func listen() (int, net.Addr, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		return errors.Join(c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		}), err)
	}}
	config.SetMultipathTCP(false)
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, nil, err
	}
	file, err := l.(*net.TCPListener).File() //nolint:forcetypeassert // tcp was asked for
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = file.Close() }()
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	return fd, l.Addr(), os.NewSyscallError("fcntl", err)
}

type floor struct{ loops []*loop }

func (f floor) accept(fd int) {
	for i := 0; ; i++ {
		client, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		if err != nil {
			fmt.Fprintln(os.Stderr, "floor: accept4:", err)
			return
		}
		_ = f.loops[i%len(f.loops)].watch(client) // or it waits, and its fleet says so
	}
}

func (f floor) push(message []byte) {
	frame := text(message)
	for _, l := range f.loops {
		l.frame.Store(&frame)
		_, _ = unix.Write(l.bell, []byte{7: 1})
	}
}

// loop serves some of the clients.
type loop struct {
	// static after construction
	epoll, bell int

	frame atomic.Pointer[[]byte] // of the latest push

	// owned by run
	fds []int32 // of clients that are upgraded
	buf []byte  // what is read
	out []byte  // what is written
}

func newLoop() (*loop, error) {
	l := &loop{buf: make([]byte, 64<<10)}
	var err error
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if l.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	err = l.watch(l.bell)
	return l, err
}

func (l *loop) watch(fd int) error {
	return os.NewSyscallError("epoll_ctl",
		unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}))
}

func (l *loop) run() {
	var events [256]unix.EpollEvent
	for {
		n, _ := unix.EpollWait(l.epoll, events[:], -1)
		for _, e := range events[:max(n, 0)] {
			if int(e.Fd) == l.bell {
				l.push()
			} else if !l.serve(int(e.Fd)) {
				l.remove(e.Fd)
			}
		}
	}
}

// push writes the latest push to all.
func (l *loop) push() {
	_, _ = unix.Read(l.bell, l.buf)
	frame := *l.frame.Load()
	for _, fd := range l.fds {
		write(int(fd), frame)
	}
}

func (l *loop) remove(fd int32) {
	if i := slices.Index(l.fds, fd); i >= 0 {
		l.fds[i] = l.fds[len(l.fds)-1]
		l.fds = l.fds[:len(l.fds)-1]
	}
	_ = unix.Close(int(fd))
}

// write is the bare system call: without the few hundred nanoseconds that Go takes to
// tell its scheduler of one that might block.
func write(fd int, p []byte) {
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p))) //nolint:gosec // in the call, as package unsafe wants it
}

// The answers: to the handshake that package load sends, to its ping, and to any other
// command.
var (
	hello = append([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"), text(work.Welcome)...)
	pong   = text([]byte(`{"type":"pong"}`))
	answer = text(work.Answer([]byte(work.Command)))
)

// text is a text message in a frame.
func text(message []byte) []byte {
	const long = 126
	if len(message) < long {
		return append([]byte{0x81, byte(len(message))}, message...)
	}
	return append([]byte{0x81, long, byte(len(message) >> 8), byte(len(message))}, message...)
}

const (
	header   = 6  // bytes of a short, masked frame before its payload
	pingSize = 15 // of {"type":"ping"}
)

// serve answers what a client sent, in one write, and reports whether to go on. A client
// that sends half a frame, or leaves, is left.
func (l *loop) serve(fd int) bool {
	n, err := unix.Read(fd, l.buf)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return true
	}
	if err != nil || n == 0 {
		return false
	}
	p := l.buf[:n]
	if bytes.HasPrefix(p, []byte("GET ")) {
		write(fd, hello)
		l.fds = append(l.fds, int32(fd))
		return bytes.HasSuffix(p, []byte("\r\n\r\n"))
	}
	l.out = l.out[:0]
	for len(p) > header {
		size := int(p[1] & 0x7f)
		if len(p) < header+size {
			return false
		}
		p = p[header+size:]
		if size == pingSize {
			l.out = append(l.out, pong...)
		} else {
			l.out = append(l.out, answer...)
		}
	}
	write(fd, l.out)
	return len(p) == 0
}
