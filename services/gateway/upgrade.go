package gateway

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/netip"

	"github.com/gobwas/ws"
)

// errRefused tells the Upgrader to stop: the refusal is in the upgrader.
var errRefused = errors.New("refused by the handler")

// upgrader answers whole upgrade requests, for one loop. It is an io.ReadWriter
// over the request's bytes and the response's, so ws.Upgrader never blocks, and the
// ws.HandshakeHeader of the response.
type upgrader struct {
	handler Handler
	ws      ws.Upgrader

	in      bytes.Reader
	out     []byte // the response
	copied  []byte // what the request's fields point into
	request Request
	session Session
	refusal Refusal

	selected []byte // the header field of the subprotocol that the handler has selected
}

func newUpgrader(h Handler, maxHeader int) *upgrader {
	u := &upgrader{handler: h, copied: make([]byte, 0, maxHeader)}
	u.ws = ws.Upgrader{
		ReadBufferSize:  maxHeader,
		OnRequest:       u.onRequest,
		OnHost:          u.onHost,
		OnHeader:        u.onHeader,
		ProtocolCustom:  u.onProtocols,
		OnBeforeUpgrade: u.onBeforeUpgrade,
	}
	return u
}

func (u *upgrader) Read(p []byte) (int, error) { return u.in.Read(p) }

func (u *upgrader) Write(p []byte) (int, error) {
	u.out = append(u.out, p...)
	return len(p), nil
}

// answer judges a whole header and asks the handler. It returns the session and
// the response that lets it in, or no session and the response that refuses it.
// The response is valid until the next call.
func (u *upgrader) answer(head []byte, remote netip.AddrPort) (Session, []byte) {
	u.in.Reset(head)
	u.out, u.copied = u.out[:0], u.copied[:0]
	u.request = Request{Remote: remote, Header: u.request.Header[:0], Protocols: u.request.Protocols[:0]}
	u.session, u.refusal = nil, Refusal{}
	_, err := u.ws.Upgrade(u)
	switch {
	case err == nil && u.session == nil:
		return nil, appendRefusal(u.out[:0], Refusal{Status: http.StatusInternalServerError})
	case err == nil:
		return u.session, u.out
	case errors.Is(err, errRefused):
		return nil, appendRefusal(u.out[:0], u.refusal)
	default:
		return nil, appendRefusal(u.out[:0], refusalOf(err))
	}
}

// keep copies b: the Upgrader's bytes are only valid during its callback.
func (u *upgrader) keep(b []byte) []byte {
	n := len(u.copied)
	u.copied = append(u.copied, b...)
	return u.copied[n:len(u.copied):len(u.copied)]
}

func (u *upgrader) onRequest(target []byte) error {
	u.request.Target = u.keep(target)
	return nil
}

func (u *upgrader) onHost(host []byte) error {
	u.request.Host = u.keep(host)
	return nil
}

func (u *upgrader) onHeader(name, value []byte) error {
	u.request.Header = append(u.request.Header, Field{u.keep(name), u.keep(value)})
	return nil
}

// onProtocols takes one field of offered subprotocols; there may be several. It lets
// the Upgrader select none: the handler does, when it has seen the whole request.
func (u *upgrader) onProtocols(list []byte) (string, bool) {
	for len(list) > 0 {
		var item []byte
		item, list, _ = bytes.Cut(list, []byte(","))
		item = bytes.Trim(item, " \t")
		if len(item) == 0 {
			continue // RFC 9110, section 5.6.1.2
		}
		if !isToken(item) {
			return "", false
		}
		u.request.Protocols = append(u.request.Protocols, u.keep(item))
	}
	return "", true
}

func (u *upgrader) onBeforeUpgrade() (ws.HandshakeHeader, error) {
	session, refusal := u.handler.Upgrade(&u.request)
	if refusal != nil {
		u.refusal = *refusal
		return nil, errRefused
	}
	u.session = session
	if u.request.selected == nil {
		return nil, nil
	}
	u.selected = append(append(append(u.selected[:0], "Sec-WebSocket-Protocol: "...), u.request.selected...), "\r\n"...)
	return u, nil
}

// WriteTo implements ws.HandshakeHeader: what the response says besides.
func (u *upgrader) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(u.selected)
	return int64(n), err
}
