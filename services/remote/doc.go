// Package remote says where a client is when proxies stand in between: a proxy states
// in the request's header whose request it passes on, and so may everybody else, so
// only the proxies that an operator has listed are believed.
//
// It understands X-Forwarded-For and Forwarded (RFC 7239). What cannot be read is not
// believed either, and never an error: the client is then the last proxy that is known.
//
// The package is pure, and safe for concurrent use. It refuses to know sockets, and the
// PROXY protocol, which comes before a request (see package gateway).
package remote
