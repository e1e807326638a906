package gateway

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const hasEpoll = true

// socketOf returns the descriptor of a connection's socket, over either transport.
func socketOf(c Conn) (fd int, err error) {
	inner, ok := c.(*conn)
	if !ok || inner.pipe == nil {
		return int(inner.fd), nil
	}
	raw, err := inner.pipe.tcp.SyscallConn()
	if err != nil {
		return 0, err
	}
	err = raw.Control(func(own uintptr) { fd = int(own) })
	return fd, err
}

// watched returns how many sockets are in a loop's epoll set. One that was left behind
// would wake the loop again and again.
func watched(t *testing.T, l *loop) int {
	e, ok := l.io.(*epoll)
	if !ok {
		return 0
	}
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", e.set.epoll))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(info), "tfd:") - 1 // its bell
}
