// Package witness is clients of the service that remember what they saw, and what
// follows from it: whether the log tells the same, and for how long the service's
// answers were not true. It is imported by tests and benchmarks only.
//
// # Concurrency
//
// A Book is safe for concurrent use; so is a Client, which has one goroutine, from
// Book.Dial until its socket has ended. A Process belongs to one goroutine.
//
// # What it refuses to know
//
// How the service works: it has the addresses of nodes, the messages of the protocol,
// and the events that somebody has read from the log.
package witness
