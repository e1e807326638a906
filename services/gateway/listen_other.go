//go:build !linux

package gateway

import "syscall"

// listen binds every address, or none.
func listen(addrs []string, s *shared) (transport, error) { return listenPortably(addrs, s) }

// socketOptions is the net.ListenConfig.Control for listeners. What there is to set is
// set on the accepted sockets.
func socketOptions(int) func(network, address string, c syscall.RawConn) error { return nil }
