package auth

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/presenced/presence/services/protocol"
)

// Credentials are what an upgrade request says about who the client is, as it came.
type Credentials struct {
	Target        string   // path and query
	Authorization [][]byte // the values of its Authorization fields
	Protocols     [][]byte // the subprotocols that it offers
}

// token returns the token that a request brings: in Authorization (RFC 6750, section
// 2.1), or as a subprotocol, since a web page can set nothing else. Its error is
// ErrNoToken or wraps ErrBadRequest.
func (c *Credentials) token() ([]byte, error) {
	header, inHeader, err := c.bearer()
	if err != nil {
		return nil, err
	}
	offered, inOffer, err := c.offered()
	switch {
	case err != nil:
		return nil, err
	case inHeader && inOffer:
		return nil, fmt.Errorf("%w: there is a token in Authorization and another one in the subprotocols, send one", ErrBadRequest)
	case inHeader:
		return header, nil
	case inOffer:
		return offered, nil
	}
	return nil, ErrNoToken
}

// bearer returns the token of the Authorization field, if there is one. Another scheme
// is of no concern: a proxy may have asked for it.
func (c *Credentials) bearer() (token []byte, found bool, err error) {
	if len(c.Authorization) > 1 {
		return nil, false, fmt.Errorf("%w: there are %d Authorization fields, send one", ErrBadRequest, len(c.Authorization))
	}
	for _, value := range c.Authorization {
		scheme, rest, _ := bytes.Cut(bytes.Trim(value, " \t"), []byte(" "))
		if strings.EqualFold(string(scheme), "Bearer") {
			return bytes.Trim(rest, " "), true, nil
		}
	}
	return nil, false, nil
}

// offered returns the token among the subprotocols, if there is one. A client that
// offers one must also offer what the server can select, or it would take the answer
// for a failure (RFC 6455, section 4.1).
func (c *Credentials) offered() (token []byte, found bool, err error) {
	selectable := false
	for _, p := range c.Protocols {
		selectable = selectable || string(p) == protocol.Subprotocol
		t, ok := bytes.CutPrefix(p, []byte(protocol.BearerPrefix))
		switch {
		case ok && found:
			return nil, false, fmt.Errorf("%w: there are several tokens in the subprotocols, send one", ErrBadRequest)
		case ok:
			token, found = t, true
		}
	}
	if found && !selectable {
		return nil, false, fmt.Errorf("%w: offer the subprotocol %s beside the token", ErrBadRequest, protocol.Subprotocol)
	}
	return token, found, nil
}

// tokenNames are the fields of a query in which other services take tokens.
var tokenNames = []string{"token", "access_token", "id_token", "jwt", "bearer", "authorization", "auth"}

// noTokenIn refuses a query that has a token: what stands in an address is kept by logs
// and histories on the whole way.
func noTokenIn(query url.Values) error {
	for name, values := range query {
		if slices.Contains(tokenNames, strings.ToLower(name)) || slices.ContainsFunc(values, looksLikeToken) {
			return fmt.Errorf("%w: a token must not stand in the address, where logs keep it; send it as docs/PROTOCOL.md says", ErrBadRequest)
		}
	}
	return nil
}

// looksLikeToken reports whether a text may be a JWT: its header is an object, so its
// base64 begins with that of {".
func looksLikeToken(s string) bool {
	return strings.HasPrefix(s, "eyJ") && strings.Count(s, ".") == 2
}
