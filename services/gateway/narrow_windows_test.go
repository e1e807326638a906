//go:build windows

package gateway

import (
	"context"
	"syscall"
)

// littleRoom is the net.Dialer.ControlContext of a client whose kernel buffers little.
func littleRoom(_ context.Context, _, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096)
	})
}
