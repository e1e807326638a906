// Package protocol is the language on the socket: JSON text messages from client to
// server (commands) and from server to client, error codes and close codes. The
// server and clientctl share it, and docs/PROTOCOL.md describes it for others.
//
// It is pure. Parsing a command and appending a message do not allocate beyond the growth
// of the caller's buffer; only the names in a who or a watch are copied. All functions are
// safe for concurrent use.
package protocol
