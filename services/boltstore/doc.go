// Package boltstore keeps the log and the projection in one file of
// go.etcd.io/bbolt: the embedded store, for one node and one process.
//
// # What is in the file
//
//	meta       "format" → "1"; "horizon" → before when events may have been deleted, if any
//	events     position → the event, as events.Event writes itself
//	online     position → the connection, as a document of online; the bucket's sequence
//	           number is the number of its keys, so that the total is kept without a scan
//	users      user, 0x00, position → since, 8 bytes, milliseconds, big-endian. No user id
//	           has a 0x00, so the order of keys is the order of users
//	nodes      stream → the document of nodes
//	kicks      position → the document of kicks; made with the first
//	forgetting user → tombstone, of those who are being forgotten; made with the first
//	snapshots  position, "/", chunk → the document of snapshots; made with the first
//	kicks      position → the document of kicks; made with the first
//	hooks      "hook" → the document of hooks; made with the first
//
// A run is recorded in one commit: its events, its changes of online and of users,
// and two calls of fdatasync in all (data, then root) for up to 1,000 events.
//
// # Failures
//
// A write that the environment refuses (disk full, file too large, read-only) leaves
// the file as it was and returns events.ErrRefused; the next one may succeed. After
// a failed fsync, or a failed mapping, nobody knows what is on disk, and asking again
// does not tell: Linux reports a lost write once. From then on every operation
// returns ErrBroken, until the process starts again. A damaged file gives ErrCorrupt,
// not a panic.
//
// # Concurrency
//
// A DB is safe for concurrent use. Writes go one at a time; reads see the last commit
// and wait for no write, but for the moment in which the file is mapped anew to grow.
// It starts no goroutine. A context is looked at before the work begins, and once
// more when it is this write's turn: a commit is not cut short.
//
// # What it refuses to know
//
// More than one process: the file is locked, and the lock is the proof that every
// stream which is not sealed belongs to a process that is dead.
package boltstore
