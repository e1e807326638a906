// Package scripted is a WebSocket server for tests: it plays a script to the clients
// that connect, one connection after the other, and tells what went otherwise.
//
// A script is lines of a step and its argument; blank lines and lines that begin with
// # say nothing. The steps of the next connection begin after a line "next".
//
//	refuse STATUS SECONDS TEXT  answer the upgrade so, with Retry-After unless SECONDS is 0
//	query QUERY                 the upgrade's query must be this; may stand before anything else
//	authorization VALUE         the upgrade's Authorization must be this; may stand after query
//	send TEXT                   send a text message; \xNN and the like as in a Go string
//	expect TEXT                 the next message must be this
//	ping TEXT                   send a ping; the next frame must be its pong
//	raw HEX                     send these bytes
//	close CODE REASON           send a close frame; the next frame must be the answer
//	closed CODE                 the next frame must be a close frame; answer it
//	probed                      answer the pings by which a client probes from here on, as they come
//	gone                        the client must end the socket, with or without a close frame
//	drop                        end the socket
//
// After its last step a connection reads on until the client ends it. A connection
// that the script does not know is answered with 500.
package scripted
