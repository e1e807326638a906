// Package past reads from a server's admin API who was online, and when, and shows it.
// Where a node died, what is shown is what is known: the last time that was confirmed,
// and when the node was declared lost; in between it is unknown.
//
// All of it runs on the caller's goroutine.
package past
