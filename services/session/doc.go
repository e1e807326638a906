// Package session is one client's dialogue: it admits a connection, says when it is
// recorded, and brings each command to what carries it out and each answer back to
// the client that asked, and to no other.
//
// # Concurrency
//
// A Host is static after construction and shared by all sessions. A Session is
// called by its connection's event loop (Open, Text, Closed), by the appender
// (Recorded) and by the workers of the Fibonacci pool; none of these calls blocks: what
// the store is to be asked for, an Asker asks beside the event loops, and what a watcher
// is told, a roster tells. Expiry.Run, one goroutine for all sessions, ends those whose
// token has expired.
//
// # What it refuses to know
//
// Sockets, frames and HTTP: a connection is a Socket, with four methods.
package session
