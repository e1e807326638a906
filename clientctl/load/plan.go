package load

import (
	"net/netip"

	"github.com/presenced/presence/clientctl/fault"
)

// reserve is how many descriptors are left to other things than connections.
const reserve = 64

// checkDescriptors refuses more connections than the process may have sockets, of which
// limit is the number; 0: there is no limit.
func checkDescriptors(n int, limit uint64) error {
	if limit == 0 || uint64(n)+reserve <= limit {
		return nil
	}
	return fault.Errorf(fault.Usage,
		"%d connections are more than the %d descriptors that this process may have: raise the limit (`ulimit -n %d` as root, or your system's hard limit), "+
			"or run several processes with -n %d each and add their reports with `clientctl load merge`", n, limit, n+reserve, limit-min(limit, reserve))
}

// spare is the share of the ports of an address that is used at most, in percent: others
// have some, and one that was closed rests for a minute.
const spare = 90

// sources are the addresses to connect to server from, in turn; none: the system chooses.
// An address has so many ports for connections to one server. wholeLoopback says that all
// of 127.0.0.0/8 is this machine.
func sources(n int, server netip.Addr, given []netip.Addr, ports int, wholeLoopback bool) ([]netip.Addr, error) {
	usable := ports * spare / 100
	need := (n + usable - 1) / usable
	for _, a := range given {
		if a.Is4() != server.Is4() {
			return nil, fault.Errorf(fault.Usage, "--source %s: the server is at %s, which is another kind of address", a, server)
		}
	}
	switch {
	case need <= max(len(given), 1):
		return given, nil
	case len(given) == 0 && server.Is4() && server.IsLoopback() && wholeLoopback && need < 255:
		for i := range need {
			given = append(given, netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + i)}))
		}
		return given, nil
	}
	return nil, fault.Errorf(fault.Usage,
		"%d connections to one server need %d source addresses, since each has %d ports: give those of this machine with --source A,B,… "+
			"(`ip addr add`, or `ifconfig … alias`, makes more), widen the range of ports, or use several machines and add their reports with `clientctl load merge`",
		n, need, ports)
}
