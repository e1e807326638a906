// Package events holds the facts of presence: what an event is, where it stands
// in the log, how it is written down, and what a stream of them adds up to.
//
// A node writes one stream per epoch, dense from seq 0. The grammar of a stream is
//
//	opened (connected | disconnected)* sealed disconnected*
//
// and the disconnected events after the seal, written by a takeover, have the
// reason node_lost. Everything else that the service knows (who is online, since
// when, who was online at T) is a fold of streams.
//
// The package is pure: values and functions of values, no I/O, no clock, no
// goroutine, no database driver. All its functions are safe for concurrent use;
// a Fold is not, it belongs to whoever feeds it.
package events
