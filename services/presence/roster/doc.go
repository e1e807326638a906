// Package roster knows who is online in the whole cluster, from moment to moment, and tells
// those who watch: a snapshot first, and then who comes and who goes, without a gap and
// without an overlap.
//
// It is a fold of the log, like the collection online, and not read from it: of each
// stream that has not ended it reads the events after those that it has. However many
// watch, the log is followed once in a process, and only while somebody watches.
//
// # Concurrency
//
// A Roster is safe for concurrent use. Watch and Watch.Stop put a request into an inbox
// and never wait, neither for the store nor for a message. While there are watches, two
// goroutines run: the follower reads the log into a book, and the pusher answers the
// inbox and sends what is due. When the last watch has been gone for a while, both end, and
// the book is thrown away. Close ends and waits for them.
//
// # Slow watchers
//
// What one is to be told is kept as the difference to what it was told last, so who comes
// and goes again is no message. A watcher whose socket has not taken the last message gets
// no other until it has caught up. If the difference has grown beyond a message by then, it
// is given up, and the watcher is told all anew. So it may be late, and is never wrong.
//
// # What it refuses to know
//
// Sockets, commands, and who may watch whom.
package roster
