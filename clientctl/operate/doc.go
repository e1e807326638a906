// Package operate asks a server's admin API for what an operator does: look at the
// connections of a user, close them, count, and verify the log.
//
// All of it runs on the caller's goroutine.
package operate
