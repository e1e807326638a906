package remote

import (
	"fmt"
	"net/netip"
)

// Proxies are the addresses of proxies that are believed. The zero Proxies has none. It
// is immutable.
type Proxies struct{ networks []netip.Prefix }

// ParseProxies returns the Proxies of a list: each an address, 192.0.2.1, or a network,
// 10.0.0.0/8. A network of all addresses is refused.
func ParseProxies(list []string) (Proxies, error) {
	var p Proxies
	for _, item := range list {
		network, err := parseNetwork(item)
		if err != nil {
			return Proxies{}, err
		}
		p.networks = append(p.networks, network)
	}
	return p, nil
}

func parseNetwork(item string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(item); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(item)
	switch {
	case err != nil || network.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%q is no proxy: want an address or a network, 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32", item)
	case network.Masked() != network:
		return netip.Prefix{}, fmt.Errorf("%q is no network: did you mean %s?", item, network.Masked())
	case network.Bits() == 0:
		return netip.Prefix{}, fmt.Errorf("%q are all addresses: any client could say that it is another; list the proxies", item)
	}
	return network, nil
}

// Trusts reports whether an address is a listed proxy's.
func (p Proxies) Trusts(addr netip.Addr) bool {
	addr = plain(addr)
	for _, network := range p.networks {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// Client returns where the client of a request is: the peer that has sent it, or, if
// that is a listed proxy, whom it names. xForwardedFor and forwarded are the values of
// the header fields of these names, in the order in which they came.
//
// Each proxy adds whom it has the request from at the end, and what stands before may
// be anybody's invention. So the client is the last address that is no listed proxy's;
// if all are, the first. Where a proxy names no address, it is that proxy.
//
// A proxy that writes one of the two fields may let the other one through as the client
// has written it. So if both are there they must lead to the same client; if they do
// not, it is the peer.
func (p Proxies) Client(peer netip.Addr, xForwardedFor, forwarded []string) netip.Addr {
	peer = plain(peer)
	if !p.Trusts(peer) {
		return peer
	}
	one, other := p.follow(peer, hops(xForwardedFor, listed)), p.follow(peer, hops(forwarded, elements))
	switch {
	case len(forwarded) == 0, one == other:
		return one
	case len(xForwardedFor) == 0:
		return other
	}
	return peer
}

// follow goes back from the peer, over proxies that are listed.
func (p Proxies) follow(peer netip.Addr, hops []netip.Addr) netip.Addr {
	client := peer
	for i := len(hops) - 1; i >= 0 && hops[i].IsValid() && p.Trusts(client); i-- {
		client = hops[i]
	}
	return client
}

// plain is an address as it is compared: an IPv4 address in IPv6 is one of IPv4.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }
