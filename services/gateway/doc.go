// Package gateway serves WebSocket connections (RFC 6455) from one epoll event loop
// per core. It knows bytes and sockets: what a message means, and who its client
// is, it leaves to the Handler that it calls.
//
// # Concurrency
//
// A connection is owned by one loop; only that loop touches its socket and state.
// Other goroutines reach it through the loop's mailbox: Conn.Post, Conn.Close and
// Server.Broadcast never block on a socket. An idle connection has no goroutine
// and no buffer: a loop has one read buffer for all of its connections, and a
// connection owns bytes only while a frame is incomplete or a write is pending.
//
// # Slow clients
//
// A broadcast is latest-wins: a client that has not read the one before skips the
// next. Replies are never dropped: a client that lets more than its cap of them
// wait is closed as slow.
package gateway
