package remote

import (
	"fmt"
	"net/netip"
)

// Detail is how much of an address is kept of where a client is. The set is closed.
type Detail uint8

// The details.
const (
	Prefix Detail = iota // the network that it is in, and not whose it is: /24 of IPv4, /48 of IPv6
	Full                 // all of it
	None                 // nothing
)

var detailNames = [...]string{Prefix: "prefix", Full: "full", None: "none"}

// String is the detail in a word: "prefix", "full", "none".
func (d Detail) String() string {
	if d > None {
		return fmt.Sprintf("detail(%d)", uint8(d))
	}
	return detailNames[d]
}

// ParseDetail reads a detail from its word.
func ParseDetail(word string) (Detail, error) {
	for d, name := range detailNames {
		if word == name {
			return Detail(d), nil
		}
	}
	return 0, fmt.Errorf("%q: want full, prefix or none", word)
}

// The bits of a network that Prefix keeps.
const (
	prefixIPv4 = 24
	prefixIPv6 = 48
)

// Of is what is kept of an address: the address, the first one of its network, or nothing.
// An IPv4 address in IPv6 is one of IPv4, and a zone, which means something on one machine
// only, is never kept. Of an address that is not valid, as a Unix socket's, it is nothing.
func (d Detail) Of(addr netip.Addr) string {
	addr = plain(addr)
	if !addr.IsValid() {
		return ""
	}
	switch d {
	case Full:
		return addr.String()
	case Prefix:
		bits := prefixIPv6
		if addr.Is4() {
			bits = prefixIPv4
		}
		return netip.PrefixFrom(addr, bits).Masked().Addr().String()
	case None:
	}
	return ""
}
