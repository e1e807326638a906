// Package storetest holds every store to the contracts of presence.Store, and
// offers two stores for tests: Memory, which keeps everything in memory, and Faulty,
// which makes any store fail in the ways in which databases fail.
//
// Run is the contract's suite. Each sentence of the contracts, in events.Log and in
// package presence, is a subtest of it.
//
// # Concurrency
//
// Memory and Faulty are safe for concurrent use. No function of this package leaves
// a goroutine behind.
//
// # What it refuses to know
//
// How a store keeps things. Run sees a store through the contracts only; what a
// crash, a full disk or a lost primary does to it, its own tests show.
package storetest
