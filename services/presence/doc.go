// Package presence keeps the log and the projection true: it records connects and
// disconnects of the sockets of this node, claims and seals the node's streams,
// shows that the node lives, and ends the streams of its earlier lives.
//
// # Concurrency
//
// A Member is safe for concurrent use. Its supervisor runs one epoch after the other;
// beside it two patrols look after the other nodes, by their beats and by what online
// has. One goroutine per epoch, the appender, takes what is queued, a batch at a time,
// and has at most one batch in flight. Admit,
// Connect and Disconnect never wait for the store: they put into a bounded queue
// in which every admitted connection has room reserved for both of its events, so
// that no event is ever dropped. With no room, Admit says so.
//
// # What it refuses to know
//
// Bytes, sockets, messages and databases. A connection is a Conn with a method to
// call once it is recorded; a store is the small contracts of Store.
package presence
