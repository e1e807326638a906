// Package fibonacci computes Fibonacci numbers, F(0) = 0 and F(1) = 1, by three
// algorithms, and has a bounded pool of workers for those that take a while.
//
// # Concurrency
//
// The functions are pure and safe for concurrent use. A Pool is too. It runs each
// task on one of a few goroutines of its own, on operating system threads of lower
// priority, so that it never takes the processor from the event loops. Callers
// never wait for it: with no room left, Submit says ErrBusy at once.
//
// # Fairness
//
// Workers serve users in turn, and of one user the connections in turn. So what a
// user waits for depends on how many users wait, not on how much they ask for.
//
// # What it refuses to know
//
// Sockets and messages. A task carries the function that gets its result.
package fibonacci
