// Command floor is the least that can answer a ping: for each client a thread that
// reads, and writes an answer that was made before. It knows neither what it is asked
// nor who asks. What a round trip to it takes is what this machine takes, at that
// moment, for two processes that talk through TCP. Linux only.
//
// It prints "clients" and the address that it listens on, as presenced does, and ends
// by a signal.
package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"

	"golang.org/x/sys/unix"
)

func main() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGTERM, unix.SIGINT)
	failed := make(chan error, 1) // run's only word
	go func() { failed <- run() }()
	select {
	case <-ended: // and with the process all that it has
	case err := <-failed:
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run() error {
	fd, port, err := listen()
	if err != nil {
		return err
	}
	fmt.Println("clients ", net.JoinHostPort("127.0.0.1", fmt.Sprint(port)))
	for {
		client, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
		if err != nil {
			return os.NewSyscallError("accept4", err)
		}
		go serve(client)
	}
}

// listen takes a free port of 127.0.0.1.
func listen() (fd, port int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, 0, os.NewSyscallError("socket", err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return 0, 0, os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, 0, os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(fd, 16); err != nil {
		return 0, 0, os.NewSyscallError("listen", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return 0, 0, os.NewSyscallError("getsockname", err)
	}
	in4, ok := name.(*unix.SockaddrInet4)
	if !ok {
		return 0, 0, fmt.Errorf("listens on %T", name)
	}
	return fd, in4.Port, nil
}

// The answers: to the handshake that package load sends, and to anything after it.
var (
	hello = []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n" + text(`{"type":"welcome"}`))
	pong = []byte(text(`{"type":"pong"}`))
)

// text is a short text message in a frame.
func text(s string) string { return "\x81" + string(rune(len(s))) + s }

// serve answers one client until it leaves.
func serve(fd int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer func() { _ = unix.Close(fd) }()
	buf := make([]byte, 4<<10)
	n, err := unix.Read(fd, buf)
	for !bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
		if err != nil || n == 0 || n == len(buf) {
			return
		}
		var more int
		more, err = unix.Read(fd, buf[n:])
		n += more
	}
	answer := hello
	for n > 0 && err == nil {
		if _, err = unix.Write(fd, answer); err == nil {
			n, err = unix.Read(fd, buf)
		}
		answer = pong
	}
}
