package load

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// wholeLoopback says that all addresses 127.x.x.x are this machine.
const wholeLoopback = true

// ports is how many ports an address has for connections to one server.
func ports() int {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	var low, high int
	if _, bad := fmt.Sscan(string(text), &low, &high); err != nil || bad != nil || high < low {
		return 28232 // Linux's default
	}
	return high - low + 1
}

// leavePort has the port of a socket with a source address chosen by connect, which
// knows the other end: else an address had its ports once, not once for each server.
func leavePort(_, _ string, c syscall.RawConn) error {
	var err error
	if failed := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	}); failed != nil {
		return failed
	}
	return os.NewSyscallError("setsockopt", err)
}
