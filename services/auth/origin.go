package auth

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrOrigin is returned for a web page that may not connect.
var ErrOrigin = errors.New("this web page may not connect: its origin is neither this host nor in ALLOWED_ORIGINS (--allowed-origins)")

// What can be listed besides origins.
const (
	anyOrigin    = "*"    // every web page
	opaqueOrigin = "null" // pages without an origin of their own, such as files and sandboxed frames
)

// Origins says which web pages may connect, by the Origin that their browser states.
// Any page may try to open a WebSocket to any host, and this is what stops it. The
// zero Origins allows the pages of the host itself. It is immutable.
type Origins struct {
	any    bool
	listed map[string]struct{} // canonical
}

// ParseOrigins returns the Origins that also allow a list: each scheme://host or
// scheme://host:port without a path, or "null", or "*" for all.
func ParseOrigins(list []string) (Origins, error) {
	o := Origins{listed: make(map[string]struct{}, len(list))}
	for _, item := range list {
		if item == anyOrigin {
			o.any = true
			continue
		}
		canonical, _, ok := canonicalOrigin(item)
		if !ok && item != opaqueOrigin {
			return Origins{}, fmt.Errorf("%q is no origin: want scheme://host or scheme://host:port without a path, null, or *", item)
		}
		if item == opaqueOrigin {
			canonical = opaqueOrigin
		}
		o.listed[canonical] = struct{}{}
	}
	return o, nil
}

// Any reports whether every web page may connect.
func (o Origins) Any() bool { return o.any }

// Check returns nil if a page of the origin may connect to the host, both as the
// request's header has them, and else an error that wraps ErrOrigin. A page is of the
// host if host and port are the same. The scheme is not compared, since a proxy may
// have ended TLS; a missing port is the default of the origin's scheme on both sides.
func (o Origins) Check(origin, host string) error {
	if o.any {
		return nil
	}
	canonical, scheme, ok := canonicalOrigin(origin)
	if !ok {
		canonical = origin // "null", or nothing that can be listed
	}
	if _, listed := o.listed[canonical]; listed {
		return nil
	}
	if ok && isWeb(scheme) {
		own, _, valid := canonicalOrigin(scheme + "://" + host)
		if valid && own == canonical {
			return nil
		}
	}
	return ErrOrigin
}

func isWeb(scheme string) bool { return scheme == "http" || scheme == "https" }

// canonicalOrigin returns an origin in lower case and with its port, if its scheme
// has a default one or it names one, and its scheme.
func canonicalOrigin(s string) (canonical, scheme string, ok bool) {
	scheme, authority, ok := strings.Cut(strings.ToLower(s), "://")
	if !ok || scheme == "" || strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "" {
		return "", "", false
	}
	host, port, ok := cutPort(authority)
	if !ok {
		return "", "", false
	}
	if port == "" {
		port = defaultPort(scheme)
	}
	return scheme + "://" + host + ":" + port, scheme, true
}

func defaultPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

// cutPort splits host, host:port, [address] and [address]:port. It refuses what has
// more or less than that.
func cutPort(authority string) (host, port string, ok bool) {
	for _, c := range []byte(authority) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`/\?#@,*"<>`, c) >= 0 {
			return "", "", false // browsers state a host in ASCII
		}
	}
	host, rest := authority, ""
	if end := strings.IndexByte(authority, ']'); end >= 0 {
		host, rest = authority[:end+1], authority[end+1:]
	} else if colon := strings.IndexByte(authority, ':'); colon >= 0 {
		host, rest = authority[:colon], authority[colon:]
	}
	if host == "" || (host[0] == '[') != strings.Contains(host, "]") {
		return "", "", false
	}
	if rest == "" {
		return host, "", true
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(rest, ":"), 10, 16)
	if rest[0] != ':' || err != nil || n == 0 {
		return "", "", false
	}
	return host, strconv.FormatUint(n, 10), true
}
