package headcount

import (
	"errors"
	"net/netip"
	"sync"
)

// ErrUser is returned for a user who has as many connections as one may have.
var ErrUser = errors.New("this user has too many connections")

// ErrAddr is returned for an address from which come as many connections as may.
var ErrAddr = errors.New("too many connections come from this address")

// Limits are how many connections there may be at a time. 0: any number.
type Limits struct {
	PerUser int
	PerAddr int // per IPv4 address, and per /64 network of IPv6, which one client has for itself
}

// Count is the connections that were let in and have not left.
type Count struct {
	limits Limits

	mu      sync.Mutex
	users   map[string]int
	addrs   map[netip.Addr]int // the first of its network
	refused uint64
}

// New returns an empty Count.
func New(l Limits) *Count {
	return &Count{limits: l, users: make(map[string]int), addrs: make(map[netip.Addr]int)}
}

// Limited reports whether there is anything to count.
func (c *Count) Limited() bool { return c.limits != Limits{} }

// Enter lets one more connection of a user come in from an address, or returns ErrUser
// or ErrAddr, and then counts nothing. An address that is not valid is not counted.
func (c *Count) Enter(user string, addr netip.Addr) error {
	addr = network(addr)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.limits.PerUser > 0 && c.users[user] >= c.limits.PerUser:
		c.refused++
		return ErrUser
	case c.countsAddr(addr) && c.addrs[addr] >= c.limits.PerAddr:
		c.refused++
		return ErrAddr
	}
	if c.limits.PerUser > 0 {
		c.users[user]++
	}
	if c.countsAddr(addr) {
		c.addrs[addr]++
	}
	return nil
}

// Leave counts one connection less. It is called once for each that Enter let in, with
// the same user and address.
func (c *Count) Leave(user string, addr netip.Addr) {
	addr = network(addr)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limits.PerUser > 0 {
		lower(c.users, user)
	}
	if c.countsAddr(addr) {
		lower(c.addrs, addr)
	}
}

// Refused returns how many connections were one too many so far.
func (c *Count) Refused() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused
}

func (c *Count) countsAddr(addr netip.Addr) bool { return c.limits.PerAddr > 0 && addr.IsValid() }

// lower takes one off, and forgets what is at 0.
func lower[K comparable](counts map[K]int, k K) {
	if counts[k] > 1 {
		counts[k]--
	} else {
		delete(counts, k)
	}
}

// oneClient is the size of the network that a client of IPv6 has for itself, in bits:
// it may use any address of it (RFC 4291, section 2.5.4; RFC 8981).
const oneClient = 64

// network is the first address of what an address is counted as.
func network(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		return netip.PrefixFrom(addr, oneClient).Masked().Addr()
	}
	return addr
}
