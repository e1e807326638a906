package main

import (
	"context"
	"net"
	"strconv"

	"github.com/presenced/presence/services/protocol"
)

// listenAddrs is what to listen on for a host and a port. localhost is 127.0.0.1 and
// ::1, where the machine has both; any other name is all of its addresses. Port 0
// takes the first only: two free ports would not be the same.
func listenAddrs(ctx context.Context, host string, port uint16) ([]string, error) {
	ips := []string{host}
	if net.ParseIP(host) == nil {
		var err error
		if ips, err = resolve(ctx, host); err != nil {
			return nil, err
		}
	}
	if port == 0 {
		ips = ips[:1]
	}
	addrs := make([]string, 0, len(ips))
	for _, ip := range ips {
		addrs = append(addrs, net.JoinHostPort(ip, strconv.Itoa(int(port))))
	}
	return addrs, nil
}

func resolve(ctx context.Context, host string) ([]string, error) {
	if host != "localhost" {
		return net.DefaultResolver.LookupHost(ctx, host)
	}
	ips := []string{"127.0.0.1"}
	if hasIPv6(ctx) {
		ips = append(ips, "::1")
	}
	return ips, nil
}

// hasIPv6 reports whether the machine can be reached on ::1.
func hasIPv6(ctx context.Context) bool {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// limits are the bounds of commands.
func (c *config) limits() protocol.Limits {
	return protocol.Limits{MaxFibonacci: c.fibMax, MaxSequence: limitSequence, MaxUsers: protocol.MaxPresent}
}
