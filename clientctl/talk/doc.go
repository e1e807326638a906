// Package talk is a client's dialogue with the server: it sends commands, shows what
// comes back, and connects again when the connection is lost.
//
// # What happens to commands when the connection is lost
//
// Commands without an answer are sent again after the reconnect, in their order and
// before newer ones. All commands only ask, so asking twice changes nothing, and the
// answer that was on its way is lost with the old connection: each command is
// answered once. What is typed meanwhile waits. A command that the server answers
// with a retryable error, such as busy, is asked again a few times with growing
// pauses before the error counts.
//
// # What waits for the welcome
//
// Nothing, unless Config.Record says so: a server answers before it has put the connection on
// record, also while its database is away. With Record commands wait for that, bounded, and the
// talk does not end before, so that all it shows comes in the same order each time.
//
// # Concurrency
//
// Run owns everything and runs on its caller's goroutine; it calls Show from there.
// It starts one goroutine that reads the connection, which it waits for, and one
// that reads the input. That one ends with the input: a read of a terminal cannot be
// interrupted, so after an interrupt it may stay until the process ends.
//
// # Bounds
//
// At most 8 commands are unanswered on the socket, as many as a server queues for
// one connection, and at most 64 wait behind them; then the input is not read on.
package talk
