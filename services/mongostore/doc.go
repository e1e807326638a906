// Package mongostore keeps the log, the projection and the nodes in MongoDB. It is
// the only importer of the driver, and the only place that knows BSON, indexes and
// the error codes of a server.
//
// # What is asked of the database
//
// Write concern majority with journal, read concern majority, read preference
// primary, whatever the URI says. The uniqueness of _id is the only compare-and-swap:
// writes insert a new id, delete by id or by a range of ids, or update a document that
// has one owner. So nothing here needs a replica set, a transaction, or a change stream,
// though on a standalone server what was acknowledged is only as safe as one disk.
//
// # Concurrency
//
// All methods are safe for concurrent use. There are two clients, so that a node can
// show that it lives while its data waits: control (nodes, tails; 4 connections,
// 2 s for an operation) and data (everything else; 16 connections, 10 s). The driver
// repeats no write by itself: who writes repeats, since only he knows what a second
// try may do.
//
// # What it refuses to know
//
// The algorithms: it classifies errors, and it decides nothing about them.
package mongostore
