// Package load is many WebSocket clients in one process: it connects them as fast as
// the server lets it, follows the ticks that each of them gets, and sends commands.
// It knows the messages of package protocol by their first bytes, so that any server
// that speaks them can be put under the same load. Linux only.
//
// # Concurrency
//
// A Fleet has no goroutine: whoever calls Connect or Watch drives all of its clients,
// by one epoll. A Fleet, and a Probe, is for one goroutine at a time; several of them
// may run at once, each in its own.
//
// # Cost
//
// A client at rest is a struct of 40 bytes and its socket: what is read is parsed in
// a buffer of the Fleet, and only a frame that did not come whole is kept, by its
// first bytes. Clients come from addresses 127.0.0.2 to 127.0.0.17 in turn, so that
// not the range of ports but RLIMIT_NOFILE bounds them.
package load
