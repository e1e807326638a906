package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"

	"github.com/presenced/presence/services/protocol"
)

// guard decides who may ask. Whoever is on this machine may ask an API without a token,
// and that includes the web pages that its user opens; so what only a browser sends is
// looked at as well.
//
//   - With a token, a request has it, as "Authorization: Bearer TOKEN". No web page does, but
//     the operators', when it was given it.
//   - Without one, Host names this machine: a host name of a web page that was made to
//     point at it (DNS rebinding) does not.
//   - Origin, which browsers state, is the API's own.
//
// Health and readiness are open: they say nothing, and who asks is seldom told more. The
// files of the operators' page are needed to ask for the token, so they need none; what
// else there is about Host and Origin holds for them too.
type guard struct {
	token [sha256.Size]byte // of the token; hashed, so that comparing takes the same time for all lengths
	set   bool              // there is a token
	page  bool              // there is a page
}

func newGuard(token string, page bool) guard {
	return guard{token: sha256.Sum256([]byte(token)), set: token != "", page: page}
}

// protect lets through to next what may pass.
func (g guard) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/healthz" || r.URL.Path == "/readyz":
		case !ownOrigin(r):
			fail(w, http.StatusForbidden, protocol.Forbidden, "the operator's API answers no web pages of other origins")
			return
		case !g.set && !isLoopback(r.Host):
			fail(w, http.StatusForbidden, protocol.Forbidden,
				"without a token the operator's API is asked by a name of loopback, such as localhost or 127.0.0.1; set ADMIN_TOKEN to ask it by another")
			return
		case g.set && !g.has(r) && !g.isPage(r):
			w.Header().Set("WWW-Authenticate", `Bearer realm="presence"`)
			fail(w, http.StatusUnauthorized, protocol.Unauthorized,
				"the operator's API wants its token: send Authorization: Bearer TOKEN (clientctl: ADMIN_TOKEN or --admin-token)")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isPage reports whether a request is for a file of the page. A path that a server might
// read in two ways is for none.
func (g guard) isPage(r *http.Request) bool {
	p := r.URL.Path
	folder, name := path.Split(p)
	return g.page && (r.Method == http.MethodGet || r.Method == http.MethodHead) && path.Clean(p) == p &&
		(p == "/" || name != "" && (folder == "/assets/" || folder == "/operator/"))
}

// has reports whether a request has the token, and takes the same time for every other.
func (g guard) has(r *http.Request) bool {
	given := r.Header.Values("Authorization")
	if len(given) != 1 {
		return false
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	sum := sha256.Sum256([]byte(strings.TrimLeft(token, " ")))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(sum[:], g.token[:]) == 1
}

// isLoopback reports whether a Host header names this machine.
func isLoopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

// ownOrigin reports whether a request comes from no web page, or from one of the API's
// own host and port.
func ownOrigin(r *http.Request) bool {
	for _, o := range r.Header.Values("Origin") {
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
			return false
		}
	}
	return true
}
