// Package gateway serves WebSocket connections (RFC 6455) from one event loop per
// core: with epoll on Linux; on other systems, and with TLS, over a goroutine for each
// connection. It knows bytes and sockets: what a message means, and who its client
// is, it leaves to the Handler that it calls.
//
// # Concurrency
//
// A connection is owned by one loop; only that loop touches its socket and state.
// Other goroutines reach it through the loop's mailbox: Conn.Post, Conn.Close and
// Server.Broadcast never block on a socket. An idle connection has no goroutine
// and no buffer: a loop has one read buffer for all of its connections, and a
// connection owns bytes only while a frame is incomplete or a write is pending.
// A callback that blocks holds up all connections of its loop.
//
// # Two transports
//
// All that is said on a connection is decided by its loop; what waits for sockets is a
// driver below it. With epoll the loop itself waits for all of them. With a relay a
// connection is a pipe: one goroutine waits for the client, with a buffer of 4 KiB, and
// a second one writes while there is something to write; both report to the loop, which
// never blocks on either. The handshake of TLS is made by the first. So an idle
// connection costs 0.14 KB with epoll, 8 KB with a relay, and 21 KB with TLS, and the
// same contract suite holds for all three (BenchmarkIdle, transports_test.go).
//
// # The life of a connection
//
// One acceptor takes it and deals it to the least loaded loop (handshaking). Its
// request's header is collected, behind the preamble if its peer is a proxy that sends
// one. What asks for no upgrade is handed over to
// net/http; what is refused gets its response and lingers. After the upgrade (open)
// frames are decoded where they were read, and what the callbacks of one read send
// goes out in one write. A silent client gets a ping (asked) and is given up unless
// any byte comes. A close from our side (closing) waits for the client's. At the
// end (lingering) what is queued is flushed, our side of the socket is shut, and
// what still comes is thrown away until the client's end comes too: closing a
// socket with unread input would reset it, and our last words would be lost.
// The session hears Closed when the conversation ends, not when the socket does.
//
// # Slow clients
//
// A broadcast is latest-wins: a client that has not read the one before skips the
// next. It begins with another client each time, so that nobody is always the last. Replies are never dropped: a client that lets more than its cap of them
// wait is closed as slow (4008), after the frame that is partly sent.
//
// # Close codes
//
// The gateway itself closes with 1002 (breaks RFC 6455), 1003 (binary), 1007 (not
// UTF-8), 1008 (too many fragments), 1009 (too big), 1012 (Shutdown), 1013 (too
// much unfinished input of all clients), 4008 (slow) and 4012 (no sign of life). A
// client's own close is answered with its code. There is never a second close frame.
//
// # Files
//
// The decisions are pure: stream and frame (bytes to messages), preamble (of a proxy),
// request, response and upgrade (the handshake), life (time), drain (pace). The loop acts
// on them: loop, handshake, talk, write, letters. Below it is a driver: epoll and its
// acceptor in the files that end in _linux; relay, pipe and ports need no more than
// package net.
package gateway
