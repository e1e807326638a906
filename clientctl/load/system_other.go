//go:build !linux

package load

import "syscall"

// wholeLoopback says that all addresses 127.x.x.x are this machine.
const wholeLoopback = false

// ports is how many ports an address has for connections to one server: the range of
// IANA, which macOS and Windows keep to.
func ports() int { return 16384 }

// leavePort does nothing: the port is chosen when a source address is.
func leavePort(_, _ string, _ syscall.RawConn) error { return nil }
