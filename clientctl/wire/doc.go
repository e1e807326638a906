// Package wire is the client's end of one WebSocket connection (RFC 6455): the
// upgrade, whole messages in, masked frames out, and the close. What a message means
// it does not know, and it never connects again by itself.
//
// # Concurrency
//
// One goroutine may read while another one writes; neither Read nor the writes may
// be called by two at once. Close may be called at any time and ends a Read.
//
// # A silent server
//
// Read fails with ErrSilent when no byte at all has come for Options.Silence, and a
// write fails when the server has not taken it within ten seconds, so neither waits
// for a server that is gone.
package wire
