package main

import (
	"net/netip"

	"github.com/presenced/presence/services/gateway"
	"github.com/presenced/presence/services/headcount"
)

// counted is a visit that is counted until it ends.
type counted struct {
	visit
	count *headcount.Count
	user  string
	addr  netip.Addr
}

var _ gateway.Session = (*counted)(nil)

// Closed implements gateway.Session.
func (c *counted) Closed(r gateway.Reason) {
	c.visit.Closed(r)
	c.count.Leave(c.user, c.addr)
}

// seat returns a new visit, and the session that the gateway is to call for it.
func (d door) seat(user string, addr netip.Addr) (*visit, gateway.Session) {
	if !d.count.Limited() {
		v := new(visit)
		return v, v
	}
	c := &counted{count: d.count, user: user, addr: addr}
	return &c.visit, c
}
