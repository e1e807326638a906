package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/auth"
	"github.com/presenced/presence/services/gateway"
	"github.com/presenced/presence/services/headcount"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
	"github.com/presenced/presence/services/remote"
	"github.com/presenced/presence/services/session"
)

// door joins the gateway to the sessions: neither knows the other.
type door struct {
	host    *session.Host
	origins auth.Origins
	proxies remote.Proxies
	detail  remote.Detail    // that is recorded of an address
	count   *headcount.Count // by the whole address
}

var _ gateway.Handler = door{}

// door returns the door that the configuration asks for.
func (c *config) door(host *session.Host) (door, error) {
	origins, err := auth.ParseOrigins(c.allowedOrigins)
	if err != nil {
		return door{}, err
	}
	proxies, err := remote.ParseProxies(c.trustedProxies)
	if err != nil {
		return door{}, err
	}
	detail, err := remote.ParseDetail(c.recordRemote)
	return door{
		host: host, origins: origins, proxies: proxies, detail: detail,
		count: headcount.New(headcount.Limits{PerUser: c.maxPerUser, PerAddr: c.maxPerAddr}),
	}, err
}

// preamble says which peers begin with a PROXY protocol header; nil: none.
func (c *config) preamble(d door) func(netip.Addr) bool {
	if !c.proxyProtocol {
		return nil
	}
	return d.proxies.Trusts
}

// Upgrade implements gateway.Handler: it finds out who the client is, and admits it.
func (d door) Upgrade(r *gateway.Request) (gateway.Session, *gateway.Refusal) {
	if err := d.checkOrigin(r); err != nil {
		return nil, refusal(err)
	}
	readsCodes := r.Select(protocol.Subprotocol)
	identity, err := d.host.Auth.Identify(credentials(r))
	if code := closeCode(err); code != 0 && readsCodes {
		return turnedAway{code, err.Error()}, nil
	}
	if err != nil {
		return nil, refusal(err)
	}
	if events.IsTombstone(identity.User) {
		return nil, refusal(errTombstone)
	}
	addr := d.from(r)
	if err := d.count.Enter(identity.User, addr); err != nil {
		return turnedAway{protocol.CloseTooMany, err.Error()}, nil
	}
	v, s := d.seat(identity.User, addr)
	err = d.host.Admit(&v.session, session.Peer{
		User:    identity.User,
		Remote:  d.detail.Of(addr),
		Agent:   events.CleanAgent(userAgent(r)),
		Expires: identity.Expires,
		SeesAll: identity.SeesAll,
	})
	if err != nil {
		d.count.Leave(identity.User, addr)
		return nil, refusal(err)
	}
	return s, nil
}

// errTombstone is told to who would connect as somebody who is forgotten.
var errTombstone = fmt.Errorf("%w: the user stands for one who is forgotten, and nobody may be that", auth.ErrBadRequest)

// from is where a client is, by the proxies in between if they are trusted.
func (d door) from(r *gateway.Request) netip.Addr {
	peer := r.Remote.Addr()
	if !d.proxies.Trusts(peer) {
		return peer
	}
	return d.proxies.Client(peer, values(r, "X-Forwarded-For"), values(r, "Forwarded"))
}

// values are those of the header fields of a name.
func values(r *gateway.Request, name string) (all []string) {
	for _, f := range r.Header {
		if strings.EqualFold(string(f.Name), name) {
			all = append(all, string(f.Value))
		}
	}
	return all
}

// credentials are what a request says about who the client is.
func credentials(r *gateway.Request) auth.Credentials {
	c := auth.Credentials{Target: string(r.Target), Protocols: r.Protocols}
	for _, f := range r.Header {
		if strings.EqualFold(string(f.Name), "Authorization") {
			c.Authorization = append(c.Authorization, f.Value)
		}
	}
	return c
}

// checkOrigin judges the page that connects, if it is one: only browsers state an
// Origin. A request that states several must be allowed with each.
func (d door) checkOrigin(r *gateway.Request) error {
	for _, f := range r.Header {
		if !strings.EqualFold(string(f.Name), "Origin") {
			continue
		}
		if err := d.origins.Check(string(f.Value), string(r.Host)); err != nil {
			return err
		}
	}
	return nil
}

// retryAfter is what a client that finds no room is told to wait.
const retryAfter = 2 * time.Second

// The challenges of RFC 6750, section 3.
const (
	challenge        = `Bearer realm="presence"`
	challengeInvalid = challenge + `, error="invalid_token"`
)

// refusal is the HTTP answer to a client that is not let in, and why.
func refusal(err error) *gateway.Refusal {
	r := &gateway.Refusal{Status: http.StatusBadRequest, Body: err.Error()}
	switch {
	case errors.Is(err, auth.ErrNotHere):
		r.Status = http.StatusNotFound
	case errors.Is(err, auth.ErrOrigin), errors.Is(err, auth.ErrOtherUser):
		r.Status = http.StatusForbidden
	case errors.Is(err, auth.ErrNoToken):
		r.Status, r.Challenge = http.StatusUnauthorized, challenge
	case errors.Is(err, auth.ErrToken):
		r.Status, r.Challenge = http.StatusUnauthorized, challengeInvalid
	case errors.Is(err, auth.ErrKeyNotYet), errors.Is(err, presence.ErrFull), errors.Is(err, presence.ErrStopped):
		r.Status, r.RetryAfter = http.StatusServiceUnavailable, retryAfter
	}
	return r
}

// closeCode is what says the same as a refusal to a client that speaks the subprotocol;
// 0: nothing does.
func closeCode(err error) protocol.CloseCode {
	switch {
	case errors.Is(err, auth.ErrNoToken), errors.Is(err, auth.ErrBadRequest), errors.Is(err, auth.ErrToken), errors.Is(err, auth.ErrOtherUser):
		return protocol.CloseInvalidToken
	case errors.Is(err, auth.ErrKeyNotYet):
		return protocol.CloseTryLater
	}
	return 0
}

func userAgent(r *gateway.Request) string {
	for _, f := range r.Header {
		if strings.EqualFold(string(f.Name), "User-Agent") {
			return string(f.Value)
		}
	}
	return ""
}

// turnedAway is the session of a client that is let in only to be closed with a code. A
// web page cannot read the answer to a request that is refused. Nothing is recorded.
type turnedAway struct {
	code   protocol.CloseCode
	reason string
}

var _ gateway.Session = turnedAway{}

func (a turnedAway) Open(c gateway.Conn)   { c.Close(uint16(a.code), a.reason) }
func (a turnedAway) Text([]byte)           {}
func (a turnedAway) Closed(gateway.Reason) {}

// visit is a session as the gateway calls it.
type visit struct{ session session.Session }

var _ gateway.Session = (*visit)(nil)

func (v *visit) Open(c gateway.Conn)     { v.session.Open(c) }
func (v *visit) Text(p []byte)           { v.session.Text(p) }
func (v *visit) Closed(r gateway.Reason) { v.session.Closed(reason(r)) }

// reason is a gateway's reason as the log has it.
func reason(r gateway.Reason) events.Reason {
	switch r {
	case gateway.ByTimeout:
		return events.Timeout
	case gateway.BySlow:
		return events.Slow
	case gateway.ByServer:
		return events.Kicked
	case gateway.ByProtocol:
		return events.Protocol
	case gateway.ByShutdown:
		return events.Shutdown
	case gateway.ByClient:
	}
	return events.Client
}
