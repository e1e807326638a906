// Package auth says who a client is, from its upgrade request.
//
// There are two ways. With AUTH=none, Anonymous, the client says so itself, in the
// query of the address it connects to. That proves nothing; presenced therefore
// listens on the loopback interface only, unless it is told that anonymous clients are
// wanted. With AUTH=jwt, Tokens, it shows a JSON Web Token (RFC 7519), whose sub is the
// user.
//
// # Concurrency
//
// All is safe for concurrent use, and nothing that judges a client blocks: it runs on
// event loops. Keys that come from elsewhere are fetched beside that, by KeySet.Run.
//
// # What it refuses to know
//
// Sockets, presence, and what a right of an Identity is good for. It never puts a token
// or a part of one into an error or a log.
package auth
