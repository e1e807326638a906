// Package auth says who a client is, from its upgrade request.
//
// So far there is one way, AUTH=none: the client says so itself, in the query of the
// address it connects to. That proves nothing; presenced therefore listens on the
// loopback interface only, unless it is told that anonymous clients are wanted.
//
// The package is pure, and safe for concurrent use. It refuses to know sockets and
// presence.
package auth
