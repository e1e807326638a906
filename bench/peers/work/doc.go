// Package work is what every server of the comparison does, so that they differ only in
// the library that does it: a welcome after the upgrade, the time to all each second, on
// the second, and one small command, answered. A program has no other parts. It prints
// where its clients connect to, as presenced does, and ends by a signal.
//
// # Concurrency
//
// Run tells the time in a goroutine of its own: that calls the server's Push, one at a
// time. A Crowd is safe for concurrent use.
//
// # What it leaves to the libraries
//
// All else is as each library has it by default: checks of UTF-8, timeouts, the
// collector. None compresses. What was set differently is said in each program.
package work
