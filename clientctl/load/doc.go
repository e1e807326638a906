// Package load puts a presence server under load: it opens connections at a rate, holds
// them, follows the ticks of each, sends commands, closes the connections, and reports
// what it saw (package report).
//
// # What is timed
//
// Everything that is measured counts from when it was due, by a schedule that goes on
// whatever the server does. So a server that stands still for a second is charged for all
// that should have happened in that second, and not for the one command that noticed
// (coordinated omission). A tick counts from the second that it is of, by the clock of
// this machine, until the connection's goroutine has it.
//
// # Concurrency
//
// Run does all, and returns when nothing is left of it. Each connection has a goroutine
// that alone reads; connects and writes have goroutines of their own, for as long as they
// take, so that no connection waits for another and the schedule for none. What they all
// count is guarded by one mutex.
//
// # Cost
//
// An idle connection costs this process some 7 KB: the stack of its goroutine, 4 KB, and
// the socket of package net, but no buffer. What comes is read by whoever reads at the
// moment into one of a few shared buffers, on systems where Go's poller tells when a
// socket can be read. With TLS, and elsewhere, each connection has a buffer of 1 KB, and TLS its own: 28 KB.
//
// # A slow or hostile server
//
// Connects, welcomes, answers and writes have a bound; what a server sends is parsed
// strictly as far as frames go, and at most 4 MiB of a message are kept. A lost
// connection is an error and is not made again.
package load
