//go:build !linux

package gateway

import (
	"context"
	"net/netip"
)

// Conn is one WebSocket connection. There are none on this system.
type Conn struct{}

// Send does nothing on this system.
func (*Conn) Send([]byte) {}

// Post does nothing on this system.
func (*Conn) Post([]byte) {}

// Close does nothing on this system.
func (*Conn) Close(uint16, string) {}

// Server accepts and serves WebSocket connections. There are none on this system.
type Server struct{}

// Listen returns ErrUnsupported.
func Listen([]string, Config) (*Server, error) { return nil, ErrUnsupported }

// Addrs returns nothing on this system.
func (*Server) Addrs() []netip.AddrPort { return nil }

// MaxConns is 0 on this system.
func (*Server) MaxConns() int { return 0 }

// Serve returns ErrUnsupported.
func (*Server) Serve() error { return ErrUnsupported }

// Broadcast does nothing on this system.
func (*Server) Broadcast([]byte) {}

// Stats returns zeros on this system.
func (*Server) Stats() Stats { return Stats{} }

// StopAccepting does nothing on this system.
func (*Server) StopAccepting() {}

// Shutdown does nothing on this system.
func (*Server) Shutdown(context.Context) error { return nil }

// Close does nothing on this system.
func (*Server) Close() error { return nil }
