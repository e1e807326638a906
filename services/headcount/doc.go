// Package headcount counts the connections of this process by user and by address, and
// says when one is one too many.
//
// A Count is exact: a connection that was let in is counted until it leaves, one that
// was refused never is. It has an entry for a user or an address only while that is
// counted, and none for what has no limit.
//
// # Concurrency
//
// A Count is safe for concurrent use. One mutex guards it, held for the time of two
// look-ups: connections come and go a thousand times more slowly than that.
//
// It refuses to know connections, sockets, and other nodes.
package headcount
