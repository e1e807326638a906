// Package compare puts servers that do the same work (package peers) under the same load
// and judges one of them by the others.
//
// # What is compared
//
// Mostly the processor time that the server's process used, kernel included, for each
// message: it depends less than wall time on what else the machine does, and on the
// clients, which share its processors. Servers take turns, one at a time, in each round
// of each scenario, the floor first, so that what the machine allows is about the same
// for all of a round.
//
// # Which rounds count
//
// A round of a scenario in which a figure of the floor is more than 15% off its median of
// all rounds is thrown away, for that figure of all servers, and counted. How much better
// one server is than another is taken within each round, and the median of those counts.
package compare
